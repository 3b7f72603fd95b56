//! The definitions that a program knows: the built-in ones and, beside them, the files of one folder.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

/// The built-in artefacts: name and text of the definition. The build script lists `definitions/*.toml`.
const BUILT_IN: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/definitions.rs"));

/// The built-in definitions and, if a folder is given, its files `NAME.toml`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Library<'a> {
    /// The folder.
    pub folder: Option<&'a Path>,
}

/// The text of a definition.
#[derive(Debug)]
pub struct Source {
    /// Its file, for errors.
    pub place: String,
    /// Its text.
    pub text: Cow<'static, str>,
}

impl Library<'_> {
    /// Names of all artefacts: the built-in ones, then the ones of the folder.
    ///
    /// # Errors
    /// A folder without definitions, or a file whose name cannot be used.
    pub fn names(self) -> Result<Vec<String>> {
        let mut names: Vec<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
        let Some(folder) = self.folder else { return Ok(names) };
        let place = || folder.display().to_string();
        let mut own = Vec::new();
        for entry in fs::read_dir(folder).with_context(place)? {
            let file = entry.with_context(place)?.file_name().to_string_lossy().into_owned();
            own.extend(file.strip_suffix(".toml").filter(|name| !name.starts_with('.')).map(str::to_owned));
        }
        ensure!(!own.is_empty(), "{}: expected at least one definition, NAME.toml", place());
        own.sort();
        for name in own {
            self.find(&name)?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// The definition of an artefact. A file may have the name of a built-in definition only if it has its text too.
    ///
    /// # Errors
    /// An unknown artefact, a name that is taken or cannot be a folder of results, or a file that cannot be read.
    pub fn find(self, name: &str) -> Result<Source> {
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name).map(|&(_, text)| text);
        if let Some(folder) = self.folder {
            ensure!(folder.is_dir(), "{}: expected a folder of definitions", folder.display());
            let file = folder.join(format!("{name}.toml"));
            let place = file.display().to_string();
            if file.is_file() {
                check_name(name).with_context(|| place.clone())?;
                let text = fs::read_to_string(&file).with_context(|| place.clone())?;
                let is_own = built_in.is_none_or(|built_in| built_in == text);
                ensure!(is_own, "{place}: a built-in artefact is named `{name}`; give the file another name");
                return Ok(Source { place, text: text.into() });
            }
        }
        match built_in {
            Some(text) => Ok(Source { place: format!("experiments/definitions/{name}.toml"), text: text.into() }),
            None => bail!("unknown artefact `{name}`; known: {}", self.names()?.join(", ")),
        }
    }
}

/// Results lie in a folder of the artefact's name.
fn check_name(name: &str) -> Result<()> {
    let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    ensure!(
        name.starts_with(is_alphanumeric) && name.chars().all(|c| is_alphanumeric(c) || "-_.".contains(c)),
        "`{name}`: expected a name of small letters, digits, `-`, `_` and `.` that begins with a letter or digit"
    );
    Ok(())
}

/// The folder of a file with a definition, and the name of its artefact.
///
/// # Errors
/// A folder, no such file, or one whose name does not end in `.toml`.
pub fn folder_and_name(file: &Path) -> Result<(PathBuf, String)> {
    let place = file.display();
    ensure!(!file.is_dir(), "{place}: a folder; `NAME --definitions {place}` runs its artefact NAME");
    ensure!(file.is_file(), "{place}: no such file");
    ensure!(file.extension().is_some_and(|end| end == "toml"), "{place}: expected a file NAME.toml");
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((folder.to_path_buf(), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_beside_the_built_in_definitions() {
        let folder = tempfile::tempdir().unwrap();
        let library = Library { folder: Some(folder.path()) };
        let error = |name: &str| format!("{:#}", library.find(name).unwrap_err());
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        assert!(format!("{:#}", library.names().unwrap_err()).contains("at least one definition"));
        write("mine.toml", "title = 'mine'");
        write(".mine.toml.swp", "");
        write(".hidden.toml", "");
        let built_in = Library::default().names().unwrap();
        assert!(built_in.windows(2).all(|pair| pair[0] < pair[1]) && built_in.contains(&"fig4".to_owned()));
        assert_eq!(library.names().unwrap(), [&built_in[..], &["mine".to_owned()]].concat());
        assert_eq!(library.find("mine").unwrap().text, "title = 'mine'");
        assert!(error("other").contains("unknown artefact `other`") && error("other").contains("mine"));

        let fig4 = Library::default().find("fig4").unwrap().text;
        write("fig4.toml", &fig4);
        assert_eq!(library.find("fig4").unwrap().text, fig4);
        write("fig4.toml", "title = 'mine'");
        let expected = format!("{}: a built-in artefact", folder.path().join("fig4.toml").display());
        assert!(error("fig4").starts_with(&expected), "{}", error("fig4"));
        assert!(library.names().is_err());
        fs::create_dir(folder.path().join("sub")).unwrap();
        for name in ["Mine", "-mine", "my artefact", "sub/mine"] {
            write(&format!("{name}.toml"), "");
            assert!(error(name).contains("small letters"), "{}", error(name));
            fs::remove_file(folder.path().join(format!("{name}.toml"))).unwrap();
        }
        let missing = folder.path().join("missing");
        assert!(Library { folder: Some(&missing) }.find("fig4").is_err());
    }

    #[test]
    fn a_file_gives_folder_and_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.b.toml");
        assert!(folder_and_name(&file).unwrap_err().to_string().ends_with("no such file"));
        assert!(folder_and_name(folder.path()).unwrap_err().to_string().contains(": a folder; `NAME --definitions "));
        fs::write(&file, "").unwrap();
        assert_eq!(folder_and_name(&file).unwrap(), (folder.path().to_path_buf(), "a.b".to_owned()));
        let other = folder.path().join("a.json");
        fs::write(&other, "").unwrap();
        assert!(folder_and_name(&other).unwrap_err().to_string().contains("NAME.toml"));
    }
}
