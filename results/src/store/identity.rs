//! Identities: which file of which run, pool or benchmark a stored file is. A file holds its identity beside its seal.
//!
//! An identity has one text form, `artefact=fig4,scale=smoke,...`. It is compared as a whole, and a difference is named.

use std::fmt;
use std::path::PathBuf;

/// What a stored file is: facts by name, in one order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity(String);

/// A stored file, and what it has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Its path.
    pub path: PathBuf,
    /// Its identity.
    pub identity: Identity,
    /// Where its digest stands besides its seal.
    pub listed: Listed,
}

/// Where the digest of a stored file stands besides its seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Nowhere.
    Nowhere,
    /// In a manifest or in the settings of a benchmark, which list this SHA-256 in hexadecimal.
    As(String),
    /// In a [file of its own](StoredFile::digest_file).
    Beside,
}

impl StoredFile {
    /// The file with its digest, if it has one of its own: `NAME.sha256`, in the form of the program `sha256sum`.
    pub fn digest_file(&self) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".sha256");
        name.into()
    }
}

impl Identity {
    /// Reads the text form.
    pub(crate) fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Adds a fact. Characters with a meaning in one of the stored formats become hyphens.
    #[must_use]
    pub fn with(self, name: &str, value: impl fmt::Display) -> Self {
        let letter = |c: char| if c.is_ascii_alphanumeric() || "._-/".contains(c) { c } else { '-' };
        let value: String = value.to_string().chars().map(letter).collect();
        let separator = if self.0.is_empty() { "" } else { "," };
        Self(format!("{}{separator}{name}={value}", self.0))
    }

    /// The first fact in which this identity differs from the expected one, in words; `None` if they are equal.
    pub fn difference(&self, expected: &Self) -> Option<String> {
        if self == expected {
            return None;
        }
        let mut pairs = self.0.split(',').zip(expected.0.split(','));
        // One of them may be the start of the other.
        let (found, expected) = pairs.find(|(found, expected)| found != expected).unwrap_or((&self.0, &expected.0));
        Some(format!("belongs to {}, expected {}", found.replace('=', " "), expected.replace('=', " ")))
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fact_that_differs_is_named() {
        let of =
            |seed: u64, file: &str| Identity::default().with("artefact", "fig4").with("seed", seed).with("file", file);
        assert_eq!(of(1, "units/a.parquet").to_string(), "artefact=fig4,seed=1,file=units/a.parquet");
        assert_eq!(of(1, "a").difference(&of(1, "a")), None);
        assert_eq!(of(1, "a").difference(&of(0, "b")).unwrap(), "belongs to seed 1, expected seed 0");
        assert_eq!(of(1, "a").difference(&of(1, "b")).unwrap(), "belongs to file a, expected file b");
        let longer = of(1, "a").with("schema", "x");
        assert!(of(1, "a").difference(&longer).unwrap().ends_with("file a,schema x"));
    }

    #[test]
    fn no_value_breaks_the_text_form() {
        let odd = Identity::default().with("artefact", "a b,c=d\"\\\n").with("seed", 0);
        assert_eq!(odd.to_string(), "artefact=a-b-c-d---,seed=0");
        assert_eq!(Identity::from_text(&odd.to_string()), odd);
    }
}
