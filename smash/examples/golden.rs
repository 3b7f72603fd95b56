//! Compares any golden file pair with what this crate computes: `golden FILE.safetensors FILE.json`.
//!
//! Prints the largest deviation of each kind; exit code 1 where one is past its tolerance, 2 where a file is unusable.

#[allow(dead_code)]
#[path = "../tests/golden/mod.rs"]
mod golden;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [safetensors, json] = arguments.as_slice() else {
        eprintln!("usage: golden FILE.safetensors FILE.json");
        return ExitCode::from(2);
    };
    let deviations = match golden::compare(Path::new(safetensors), Path::new(json)) {
        Ok(deviations) => deviations,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    for deviation in &deviations {
        let verdict = if deviation.is_within() { "ok" } else { "FAILED" };
        println!(
            "{:<26} largest {:.2e}  tolerance {:.0e}  compared {:>3}  {verdict:<6}  {}",
            format!("{:?}", deviation.kind),
            deviation.largest,
            deviation.tolerance,
            deviation.compared,
            deviation.place
        );
    }
    if deviations.iter().all(golden::Deviation::is_within) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
