//! A document, and a check of the numbers that it states.

use super::stored::root;

/// A part of a document.
pub struct Document {
    name: &'static str,
    text: String,
    /// The text without all that was checked.
    rest: String,
    /// What the text should state, but does not.
    absent: Vec<String>,
}

impl Document {
    /// Reads the part of a file between two texts.
    pub fn read(name: &'static str, from: &str, to: &str) -> Self {
        let text = std::fs::read_to_string(root().join(name)).unwrap();
        let (_, text) = text.split_once(from).unwrap();
        let (text, _) = text.split_once(to).unwrap();
        let text = with_single_blanks(text);
        Self {
            name,
            rest: text.clone(),
            text,
            absent: Vec::new(),
        }
    }

    /// Checks that the text states this.
    pub fn states(&mut self, statement: impl AsRef<str>) {
        let statement = with_single_blanks(statement.as_ref());
        if !self.text.contains(&statement) {
            self.absent.push(statement.clone());
        }
        self.rest = self.rest.replace(&statement, " ");
    }

    /// Checks that the text has no digit besides those of its statements and in code.
    pub fn states_no_other_number(&self) {
        let outside_code: String = self.rest.split('`').step_by(2).collect();
        let words: Vec<&str> = outside_code.split_whitespace().collect();
        let is_number = |place: &usize| words[*place].contains(|c: char| c.is_ascii_digit());
        let around = |place: usize| words[place.saturating_sub(4)..words.len().min(place + 5)].join(" ");
        let unchecked: Vec<String> = (0..words.len()).filter(is_number).map(around).collect();
        assert!(
            unchecked.is_empty(),
            "{}: numbers that are not checked:\n{}",
            self.name,
            unchecked.join("\n")
        );
    }
}

/// Checks that the documents state all that they should.
pub fn check(documents: &[&Document]) {
    let absent = documents.iter().flat_map(|document| {
        let line = |statement| format!("{}: {statement}", document.name);
        document.absent.iter().map(line)
    });
    let absent: Vec<String> = absent.collect();
    assert!(
        absent.is_empty(),
        "the published results give, but the prose does not state:\n{}",
        absent.join("\n")
    );
}

fn with_single_blanks(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
