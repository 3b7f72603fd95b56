//! `cargo xtask completions`: a script by which a shell completes the commands, flags and values of this program.

use anyhow::Result;
use clap::Arg;
use clap::builder::PossibleValuesParser;
use clap_complete::{Shell, generate};

use crate::out;
use crate::runs::forward::SCALES;
use crate::runs::list;

/// The shell.
#[derive(clap::Args)]
pub struct Args {
    /// Shell that reads the script.
    #[arg(value_parser = ["bash", "zsh", "fish"])]
    shell: String,
}

/// Devices; `cuda:INDEX` is one too.
const DEVICES: [&str; 3] = ["cpu", "cuda", "wgpu"];

/// Data sets that have a name.
const DATA_SETS: [&str; 8] =
    ["cifar10", "cifar100", "stl10", "imagenet32", "modelnet10", "modelnet10-voxels", "shapes", "solids"];

/// Flags with known values, and the commands that forward them. The programs that get them declare them.
const FORWARDED: [(&str, &[&str]); 4] = [
    ("artefact", &["architecture", "draw", "images", "rank", "stats"]),
    ("scale", &["architecture", "draw", "images", "rank", "report", "stats", "summary"]),
    ("dataset", &["architecture", "draw", "images", "rank", "report", "reproduce", "stats", "summary"]),
    ("device", &["architecture"]),
];

/// Commands that forward the name of an artefact as their first word.
const OF_ARTEFACT: [&str; 2] = ["report", "summary"];

/// Prints the script for a command line, which is called by the command or the alias `xtask`. Among forwarded flags, it knows only
/// those with known values. It offers the artefacts that are defined now.
pub fn run(args: &Args, cli: clap::Command) -> Result<()> {
    let shell: Shell = args.shell.parse().map_err(anyhow::Error::msg)?;
    let mut script = Vec::new();
    generate(shell, &mut with_values(cli)?.name("xtask"), "xtask", &mut script);
    out!("{}", String::from_utf8(script)?);
    Ok(())
}

/// The command line with the values that its arguments may have.
fn with_values(cli: clap::Command) -> Result<clap::Command> {
    // clap keeps names for as long as the program runs, which ends after the script.
    let artefacts: Vec<&'static str> = list::names()?.into_iter().map(|name| &*name.leak()).collect();
    Ok(cli.mut_subcommands(|mut command| {
        let verb = command.get_name().to_owned();
        for (flag, _) in FORWARDED.iter().filter(|(_, verbs)| verbs.contains(&verb.as_str())) {
            command = command.arg(Arg::new(*flag).long(*flag));
        }
        if OF_ARTEFACT.contains(&verb.as_str()) {
            command = command.arg(Arg::new("artefact"));
        }
        command.mut_args(|argument| {
            let values: &[&'static str] = match argument.get_id().as_str() {
                "artefact" => &artefacts[..],
                "scale" => &SCALES,
                "dataset" => &DATA_SETS,
                "device" => &DEVICES,
                _ => return argument,
            };
            argument.value_parser(PossibleValuesParser::new(values.iter().copied()))
        })
    }))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_with_values_is_well_formed_and_offers_what_its_programs_take() {
        let cli = with_values(crate::Cli::command()).unwrap();
        cli.clone().debug_assert();
        let offered = |verb: &str, argument: &str| -> Vec<String> {
            let command = cli.find_subcommand(verb).unwrap();
            let argument = command.get_arguments().find(|known| known.get_id() == argument).unwrap();
            argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect()
        };
        for (verb, argument, value) in [
            ("reproduce", "artefact", "fig4"),
            ("report", "artefact", "search-cost"),
            ("rank", "artefact", "table1"),
            ("reproduce", "scale", "smoke"),
            ("reproduce", "dataset", "cifar100"),
            ("gpu-check", "device", "wgpu"),
        ] {
            let offered = offered(verb, argument);
            assert!(offered.iter().any(|known| known == value), "{verb} {argument}: {offered:?}");
        }
        // The reader of data sets is not linked here.
        let load = include_str!("../../datasets/src/load.rs");
        let known = load.split_once("KNOWN_DATA_SETS: &[&str] =").unwrap().1;
        let known: Vec<&str> = known.split_once(';').unwrap().0.split('"').skip(1).step_by(2).collect();
        assert_eq!(known, DATA_SETS);
    }
}
