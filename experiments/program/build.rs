//! Embeds the label of the sources in the program. Cargo runs this again after a change of a source and after each commit, and
//! then builds only this small package again.

use std::env;
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo runs this")?).join("../..");
    println!("cargo::rerun-if-env-changed=SMASH_COMMIT");
    let label = match env::var("SMASH_COMMIT") {
        Ok(given) => experiments_label::given(&given)?,
        Err(env::VarError::NotPresent) => experiments_label::of(&root)?,
        Err(error) => return Err(format!("SMASH_COMMIT: {error}").into()),
    };
    for path in &label.watched {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    println!("cargo::rustc-env=SMASH_LABEL={}", label.name);
    println!("cargo::rustc-env=SMASH_NO_COMMIT={}", label.problem.unwrap_or_default());
    Ok(())
}
