//! Definitions: one that is read at any scale has a size. Written and read again, it keeps its hash.

#![no_main]

use experiments::settings::definition::{Scale, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for scale in [Scale::Smoke, Scale::Laptop, Scale::Gpu, Scale::Paper] {
        let Ok(definition) = parse(text, scale, &[]) else {
            continue;
        };
        let _ = definition.study.check_size(1);
        let written = toml::to_string(&definition.to_table()).expect("a definition can be written");
        let again = parse(&written, Scale::Paper, &[]).expect("a written definition can be read");
        assert_eq!(again.hash(), definition.hash());
    }
});
