//! Lists the definitions in `definitions/`, so that a new artefact needs no line of Rust.

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=definitions");
    let mut names = Vec::new();
    for entry in fs::read_dir("definitions")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        // Editors put hidden files beside the definitions.
        names.extend(name.strip_suffix(".toml").filter(|name| !name.starts_with('.')).map(str::to_owned));
    }
    names.sort();
    let mut list = String::from("[\n");
    for name in names {
        let file = format!(r#"concat!(env!("CARGO_MANIFEST_DIR"), "/definitions/{name}.toml")"#);
        list += &format!("    (\"{name}\", include_str!({file})),\n");
    }
    let folder = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo runs this"))?;
    fs::write(PathBuf::from(folder).join("definitions.rs"), list + "]\n")
}
