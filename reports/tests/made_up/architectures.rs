//! Sampled architectures of a made-up run, and the output of a command on it.

use std::process::Output;

use results::ArchitectureRow;
use smash_space::named_blocks::space;
use smash_space::{Architecture, Limits, Seed, Stream, sampling};

/// An architecture of the space of named blocks.
pub fn architecture(index: u32) -> Architecture {
    let mut rng = Seed(0).rng(Stream::ScoredArchitecture, &[u64::from(index)]);
    sampling::sample(&space(), Limits::of(&space()), &mut rng)
}

/// The row of that architecture.
pub fn row(seed: u64, index: u32, parameters: u64) -> ArchitectureRow {
    let architecture = architecture(index);
    ArchitectureRow {
        seed,
        architecture: index,
        hash: architecture.hash(),
        canonical: None,
        json: architecture.to_json(),
        parameters,
        multiply_adds: 1,
        ops: 1,
        depth: 1,
    }
}

/// The definition of a correlation study of that space.
pub fn definition_of_space() -> String {
    let study = [("kind", "correlation".into()), ("space", toml::Value::try_from(space()).unwrap())];
    let study = study.map(|(key, value)| (key.to_owned(), value));
    let definition = toml::Table::from_iter([("study".to_owned(), toml::Table::from_iter(study).into())]);
    toml::to_string(&definition).unwrap()
}

/// The standard output of a command that must succeed.
pub fn text_of(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
