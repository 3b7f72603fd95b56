//! Settings of `--set`: a definition with a setting that is read has a size. Written and read again, it keeps its hash.

#![no_main]

use experiments::settings::definition::{Scale, load, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|setting: &str| {
    for artefact in ["fig4", "fig3"] {
        let Ok(definition) = load(artefact, Scale::Smoke, &[setting.to_owned()]) else {
            continue;
        };
        let _ = definition.study.check_size(1);
        let written = toml::to_string(&definition.to_table()).expect("a definition can be written");
        let again = parse(&written, Scale::Paper, &[]).expect("a written definition can be read");
        assert_eq!(again.hash(), definition.hash());
    }
});
