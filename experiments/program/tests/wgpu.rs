//! A run on wgpu. It needs a program with the feature `wgpu`, and a GPU or Mesa's software Vulkan:
//! `cargo test --release --workspace --features experiments/wgpu --test wgpu`.

mod binary;
mod devices;

use binary::{error_of, experiments, other, succeeded, tables};

#[test]
fn a_run_agrees_with_the_cpu_and_with_itself() {
    let version = other(&["--version"]).output().unwrap();
    if !String::from_utf8(version.stdout).unwrap().contains("wgpu") {
        return println!("skipped: the program was built without the feature `wgpu`");
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let bfloat16 = error_of(&mut experiments(&at("none"), &["fig4", "--device", "wgpu", "--bfloat16"]));
    assert!(bfloat16.contains("--bfloat16 is for --device cuda"), "{bfloat16}");
    let mut without = experiments(&at("none"), &["fig4", "--device", "wgpu"]);
    let missing = error_of(without.env("VK_ICD_FILENAMES", at("no.json")));
    assert!(missing.contains("no GPU for wgpu"), "{missing}");
    succeeded(&experiments(&at("cpu"), &devices::FIG4).output().unwrap());
    for name in ["wgpu", "again"] {
        let mut run = experiments(&at(name), &devices::FIG4);
        succeeded(&run.args(["--device", "wgpu"]).output().unwrap());
    }
    assert_eq!(tables(&at("wgpu")), tables(&at("again")), "the same seed twice");
    let deviations = devices::largest_deviations([&at("cpu"), &at("wgpu")]);
    assert!(deviations.iter().all(|&deviation| deviation < 1e-5), "{deviations:?}");
}
