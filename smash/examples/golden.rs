//! Compares a golden file pair with the results of this crate: `golden FILE.safetensors FILE.json`.
//!
//! It prints the largest deviation of each kind. The exit code is 1 if a deviation is past its tolerance, and 2 if a
//! file is unusable.

#[allow(dead_code)]
#[path = "../tests/golden/mod.rs"]
mod golden;

use std::path::Path;
use std::process::ExitCode;

use burn::backend::Autodiff;
use burn_flex::{Flex, FlexDevice};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [safetensors, json] = arguments.as_slice() else {
        eprintln!("usage: golden FILE.safetensors FILE.json");
        return ExitCode::from(2);
    };
    let deviations = match golden::compare::<Autodiff<Flex>>(Path::new(safetensors), Path::new(json), &FlexDevice) {
        Ok(deviations) => deviations,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    for deviation in &deviations {
        println!("{deviation}");
    }
    if deviations.iter().all(|deviation| deviation.is_within(1.0)) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
