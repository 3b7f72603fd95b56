//! Forwarded arguments: xtask does not declare them, so the program that declares them gets them, and refuses wrong ones.

use std::ffi::{OsStr, OsString};

use anyhow::{Context, Result};

use crate::outln;
use crate::process::{self, Binaries, Gpu};

/// The scales of a definition.
pub const SCALES: [&str; 4] = ["smoke", "laptop", "gpu", "paper"];

/// A program that arguments are forwarded to.
enum Program {
    Experiments,
    Reports,
}

/// A command that forwards arguments: its name, the program that gets them, and the command of that program.
type Forwarding = (&'static str, Program, &'static str);

const FORWARDING: [Forwarding; 13] = [
    ("reproduce", Program::Experiments, "run"),
    ("compare", Program::Experiments, "run"),
    ("report", Program::Reports, "report"),
    ("status", Program::Reports, "status"),
    ("claims", Program::Reports, "claims"),
    ("draw", Program::Reports, "draw"),
    ("architecture", Program::Experiments, "architecture"),
    ("stats", Program::Reports, "stats"),
    ("summary", Program::Reports, "summary"),
    ("rank", Program::Reports, "rank"),
    ("images", Program::Experiments, "images"),
    ("pool", Program::Experiments, "pool"),
    ("benchmark", Program::Experiments, "benchmark"),
];

/// Splits a command line of xtask into the words that `cli` declares, and the words to forward. Both keep their order.
///
/// A flag that is not declared takes the next word with it, unless that word begins with a hyphen. The words after `--` stay
/// together.
pub fn split(mut cli: clap::Command, words: impl IntoIterator<Item = OsString>) -> (Vec<OsString>, Vec<OsString>) {
    cli.build();
    let mut words = words.into_iter().peekable();
    let mut own: Vec<OsString> = words.by_ref().take(2).collect();
    let of_verb = FORWARDING.iter().find(|(verb, ..)| own.last().is_some_and(|word| word == verb));
    let Some(command) = of_verb.and_then(|(verb, ..)| cli.find_subcommand(verb)) else {
        own.extend(words);
        return (own, Vec::new());
    };
    let takes_words = command.get_positionals().next().is_some();
    let begins_with_hyphen = |word: &OsString| word.as_encoded_bytes().starts_with(b"-");
    let mut forwarded = Vec::new();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy().into_owned();
        let name = text.split('=').next().unwrap_or_default();
        let declared = command.get_arguments().find(|argument| {
            let short = argument.get_short().map(|short| format!("-{short}"));
            let long = argument.get_long().map(|long| format!("--{long}"));
            short.as_deref() == Some(name) || long.as_deref() == Some(name)
        });
        let is_flag = begins_with_hyphen(&word) && name != "--";
        let is_own = if is_flag { declared.is_some() } else { takes_words };
        let side = if is_own { &mut own } else { &mut forwarded };
        side.push(word);
        if name == "--" {
            side.extend(words.by_ref());
        } else if is_flag && name == text {
            let is_value = |next: &OsString| match declared {
                Some(flag) => flag.get_action().takes_values(),
                None => !begins_with_hyphen(next),
            };
            side.extend(words.next_if(is_value));
        }
    }
    (own, forwarded)
}

/// Builds the program that a command forwards to, and runs it with these arguments.
pub fn run(verb: &str, forwarded: &[OsString]) -> Result<()> {
    let (_, program, command) = FORWARDING.iter().find(|(name, ..)| *name == verb).context("it forwards nothing")?;
    let mut program = match program {
        Program::Experiments => Binaries::build(Gpu::Without)?.experiments(),
        Program::Reports => Binaries::build_reports()?.reports(),
    };
    process::run(program.arg(command).args(forwarded))
}

/// As [`run`], for a command that may read stored results. By default they are those of this repository.
pub fn run_on_results(verb: &str, forwarded: &[OsString]) -> Result<()> {
    let results = default_flag("--results", process::default_results(), forwarded);
    run(verb, &results.into_iter().chain(forwarded.to_vec()).collect::<Vec<_>>())
}

/// Prints the help of the program that a command forwards to, if it forwards to one.
pub fn help(verb: Option<&OsStr>) -> Result<()> {
    let Some((verb, ..)) = FORWARDING.iter().find(|(name, ..)| verb.is_some_and(|verb| verb == *name)) else {
        return Ok(());
    };
    outln!("\nAll other arguments are forwarded to this program:\n");
    run(verb, &["--help".into()])
}

/// The word `--name=value`. In the same word, a value may begin with a hyphen.
pub fn flag(name: &str, value: impl AsRef<OsStr>) -> OsString {
    let mut word = OsString::from(format!("{name}="));
    word.push(value);
    word
}

/// The flag `name` with this value, unless the forwarded words have it.
pub fn default_flag(name: &str, value: impl AsRef<OsStr>, forwarded: &[OsString]) -> Option<OsString> {
    let is_it = |word: &OsString| word.to_string_lossy().split('=').next() == Some(name);
    (!forwarded.iter().any(is_it)).then(|| flag(name, value))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn split_line(line: &str) -> (String, String) {
        let words = ["xtask"].into_iter().chain(line.split_whitespace()).map(OsString::from);
        let (own, forwarded) = split(crate::Cli::command(), words);
        let joined = |words: &[OsString]| words.join(OsStr::new(" ")).into_string().unwrap();
        (joined(&own[1..]), joined(&forwarded))
    }

    #[test]
    fn a_declared_word_is_kept_and_any_other_is_forwarded_as_it_is() {
        for (line, own, forwarded) in [
            ("list --all", "list --all", ""),
            ("--version", "--version", ""),
            ("reproduce fig4 --png --scale smoke", "reproduce fig4 --png --scale smoke", ""),
            (
                "reproduce --seeds 3 fig4 --bfloat16 --png --set=--x --set a=1 --results r",
                "reproduce fig4 --png --results r",
                "--seeds 3 --bfloat16 --set=--x --set a=1",
            ),
            (
                "reproduce fig4 --jobs=2 --engine slurm -- --partition=long -x y",
                "reproduce fig4 --engine slurm -- --partition=long -x y",
                "--jobs=2",
            ),
            ("reproduce fig4 -h --no-such-flag", "reproduce fig4 -h", "--no-such-flag"),
            ("compare a --pool p b --save", "compare a b --save", "--pool p"),
            ("report fig4 --published --check", "report --published", "fig4 --check"),
            ("draw f.json --results=r --block 0", "draw --results=r", "f.json --block 0"),
            ("rank f.csv --artefact fig4 --results r", "rank", "f.csv --artefact fig4 --results r"),
            ("stats f --x=-log10p --y -- --help", "stats", "f --x=-log10p --y -- --help"),
            ("summary fig4 --to f.csv --scale laptop", "summary", "fig4 --to f.csv --scale laptop"),
            ("stats f --x -log10p --y -h --k 2", "stats", "f --x -log10p --y -h --k 2"),
            ("architecture score f --help", "architecture", "score f --help"),
            ("pool export f --pool p", "pool", "export f --pool p"),
            ("claims --published --json --scale laptop", "claims --published", "--json --scale laptop"),
            ("status --json --results r", "status", "--json --results r"),
            ("benchmark add --help", "benchmark", "add --help"),
        ] {
            assert_eq!(split_line(line), (own.to_owned(), forwarded.to_owned()), "{line}");
        }
    }

    #[test]
    fn every_command_that_forwards_is_a_command() {
        let cli = crate::Cli::command();
        for (verb, ..) in FORWARDING {
            assert!(cli.find_subcommand(verb).is_some(), "{verb}");
        }
    }

    #[test]
    fn a_default_gives_way_to_a_forwarded_flag() {
        let forwarded = ["--out=d", "--outer", "e"].map(OsString::from);
        assert_eq!(default_flag("--out", "x", &forwarded), None);
        assert_eq!(default_flag("--outer", "x", &forwarded), None);
        assert_eq!(default_flag("--ou", "x", &forwarded), Some("--ou=x".into()));
    }
}
