//! Combinations of flags that the owner of a command refuses. They are refused before its build, which takes minutes.

use std::ffi::OsString;

use anyhow::{Result, bail, ensure};

use self::Rule::{Must, Needs, Never, OneOf};
use crate::runs::architecture::device;

/// A rule about the flags of a command.
enum Rule {
    /// The command needs this flag.
    Must(&'static str),
    /// This flag needs one of the others.
    Needs(&'static str, &'static [&'static str]),
    /// At most one of the flags may be given.
    OneOf(&'static [&'static str]),
    /// The command has no use for this flag of the owner.
    Never(&'static str),
}

/// The rules, each with the first words of its command.
const RULES: [(&str, Rule); 33] = [
    ("reproduce", Needs("--json", &["--plan", "--budget"])),
    ("reproduce", OneOf(&["--definition", "--definitions"])),
    ("reproduce", OneOf(&["--fresh", "--benchmark"])),
    // The runs of both sides must end with tables.
    ("compare", Never("--all")),
    ("compare", Never("--plan")),
    ("compare", Never("--budget")),
    ("compare", Never("--json")),
    ("compare", Never("--definition")),
    ("compare", Never("--export-workflow")),
    ("compare", OneOf(&["--fresh", "--benchmark"])),
    ("report", OneOf(&["--json", "--check"])),
    ("report", OneOf(&["--json", "--readme"])),
    ("report", OneOf(&["--json", "--pdf"])),
    ("report", OneOf(&["--json", "--png"])),
    ("report", OneOf(&["--published", "--out"])),
    ("report", OneOf(&["--published", "--readme"])),
    ("draw", OneOf(&["--block", "--expanded"])),
    ("architecture draw", OneOf(&["--block", "--expanded"])),
    ("architecture build", OneOf(&["--block", "--seed"])),
    ("architecture build", OneOf(&["--block", "--index"])),
    ("architecture build", Needs("--index", &["--seed"])),
    ("stats", Must("--x")),
    ("stats", Must("--y")),
    ("stats", OneOf(&["--artefact", "--run"])),
    ("stats", OneOf(&["--run", "--scale"])),
    ("stats", OneOf(&["--run", "--dataset"])),
    ("summary", Must("--to")),
    ("summary", OneOf(&["--run", "--scale"])),
    ("summary", OneOf(&["--run", "--dataset"])),
    ("rank", Must("--artefact")),
    ("images", Must("--to")),
    ("pool export", Must("--pool")),
    ("pool import", Must("--pool")),
];

/// Checks the flags of a command line.
///
/// # Errors
/// The first rule that they break.
pub fn check(words: &[OsString]) -> Result<()> {
    let texts: Vec<String> = words.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let own = texts.iter().take_while(|text| *text != "--").filter(|text| text.starts_with('-'));
    let flags: Vec<&str> = own.filter_map(|text| text.split('=').next()).collect();
    let has = |flag: &&str| flags.contains(flag);
    if has(&"--help") || has(&"-h") {
        return Ok(());
    }
    let is_of = |command: &str| {
        let mut found = texts.iter();
        command.split(' ').all(|word| found.next().is_some_and(|text| text == word))
    };
    for (_, rule) in RULES.iter().filter(|(command, _)| is_of(command)) {
        match rule {
            Must(flag) => ensure!(has(flag), "expected {flag}"),
            Needs(flag, others) => {
                ensure!(!has(flag) || others.iter().any(has), "{flag} needs {}", others.join(" or "));
            }
            OneOf(others) => {
                let given: Vec<&str> = others.iter().copied().filter(|flag| has(flag)).collect();
                ensure!(given.len() < 2, "{} cannot be used together", given.join(" and "));
            }
            Never(flag) => ensure!(!has(flag), "{flag}: `{}` cannot use it", texts[0]),
        }
    }
    let trains = texts.first().is_some_and(|verb| ["reproduce", "compare"].contains(&verb.as_str()));
    if trains && has(&"--bfloat16") && !device(words).starts_with("cuda") {
        bail!("--bfloat16 is for --device cuda");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::process::root;

    fn checked(line: &str) -> Result<(), String> {
        let words: Vec<OsString> = ["xtask"].into_iter().chain(line.split_whitespace()).map(OsString::from).collect();
        check(&words).map_err(|error| error.to_string())
    }

    #[test]
    fn a_combination_that_the_owner_refuses_is_refused_by_name() {
        for (line, expected) in [
            ("reproduce fig4 --json", "--json needs --plan or --budget"),
            ("reproduce --definition=a.toml --definitions d", "--definition and --definitions cannot be used together"),
            ("reproduce fig4 --fresh --benchmark=b", "--fresh and --benchmark cannot be used together"),
            ("reproduce fig4 --bfloat16", "--bfloat16 is for --device cuda"),
            ("reproduce fig4 --bfloat16 --device wgpu", "--bfloat16 is for --device cuda"),
            ("compare a b --plan", "--plan: `compare` cannot use it"),
            ("report --json --check", "--json and --check cannot be used together"),
            ("report --json --png", "--json and --png cannot be used together"),
            ("report --published --out d", "--published and --out cannot be used together"),
            ("architecture build --index 1", "--index needs --seed"),
            ("stats f --x a", "expected --y"),
            ("summary fig4", "expected --to"),
            ("rank f.csv", "expected --artefact"),
            ("pool import f", "expected --pool"),
        ] {
            assert_eq!(checked(line), Err(expected.to_owned()), "{line}");
        }
        for line in [
            "",
            "list --json",
            "reproduce fig4 --plan --json",
            "reproduce fig4 --budget=30m --json",
            "reproduce fig4 --bfloat16 --device=cuda:1",
            "reproduce fig4 --engine slurm -- --json",
            "compare a b --format json",
            "stats --help",
            "stats f --x=-a --y b",
            "architecture train f --seed 1",
            "pool",
        ] {
            assert_eq!(checked(line), Ok(()), "{line}");
        }
    }

    /// The owners declare these flags, or xtask itself does.
    #[test]
    fn every_flag_of_a_rule_exists() {
        let mut sources = String::new();
        for folder in ["experiments/src", "experiments/program/src", "reports/src", "xtask/src/runs"] {
            for file in crate::checks::tables::files_below(&root().join(folder), &[]).unwrap() {
                sources += &fs::read_to_string(root().join(folder).join(file)).unwrap();
            }
        }
        for (command, rule) in &RULES {
            let flags: Vec<&str> = match rule {
                Must(flag) | Never(flag) => vec![flag],
                Needs(flag, others) => std::iter::once(flag).chain(*others).copied().collect(),
                OneOf(others) => others.to_vec(),
            };
            for flag in flags {
                let name = flag.trim_start_matches('-');
                let is_declared = sources.contains(&format!(" {}: ", name.replace('-', "_")))
                    || sources.contains(&format!("long = \"{name}\""));
                assert!(is_declared, "{command}: {flag}");
            }
        }
    }
}
