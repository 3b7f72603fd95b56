//! Tests of definitions, their scales, hashes and settings.

use super::*;

fn names() -> Vec<String> {
    Library::default().names().unwrap()
}

fn fig4() -> String {
    Library::default().find("fig4").unwrap().text.into_owned()
}

#[test]
fn every_definition_is_valid_at_every_scale() {
    for name in names() {
        for scale in [Scale::Smoke, Scale::Laptop, Scale::Gpu, Scale::Paper] {
            load(&name, scale, &[]).unwrap();
        }
    }
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    let text = fig4().replace("noise-draws = 1", "noise-drawz = 1");
    let error = format!("{:#}", parse(&text, Scale::Paper, &[]).unwrap_err());
    assert!(error.contains("noise-drawz"), "{error}");
}

#[test]
fn a_figure_that_the_reports_do_not_know_is_refused() {
    let error = |from: &str, to: &str| {
        let text = fig4().replacen(from, to, 1);
        assert_ne!(text, fig4(), "{from}");
        format!("{:#}", parse(&text, Scale::Paper, &[]).unwrap_err())
    };
    let unknown = error("kind = \"scatter-fit\"", "kind = \"pie\"");
    assert!(
        unknown.starts_with("`figure`: ") && unknown.contains("pie") && unknown.contains("`scatter-fit`"),
        "{unknown}"
    );
    let other = error("kind = \"scatter-fit\"", "kind = \"score-rank\"");
    assert_eq!(other, "`figure.kind`: it shows a study of kind ensemble, not of kind `correlation`");
    assert_eq!(error("x_label = ", "x_label = \"\" #"), "`figure`: expected `x_label` and `y_label`");
}

#[test]
fn settings_go_over_the_scale_and_are_part_of_the_hash() {
    let load = |set: &[&str]| {
        let set: Vec<String> = set.iter().map(|&text| text.into()).collect();
        load("fig4", Scale::Smoke, &set)
    };
    let set = load(&["study.data.train=70", "study.data = { test = 9 }"]).unwrap();
    let data = set.study.data_sets()[0].clone();
    assert_eq!((data.train, data.test), (Some(70), Some(9)));
    assert_ne!(set.hash(), load(&[]).unwrap().hash());
    for (setting, expected) in [
        ("study.data.trian=70", "trian"),
        ("study.data.train=many", "KEY=VALUE"),
        ("study.statistics={recalibrated={batches=0}}", "batches` must be a whole number from 1 to 10000, got 0"),
        ("study.by='top5'", "top5"),
        ("study.data.train=-1", "`study.data.train` must be a whole number from 1 to 10000000, got -1"),
        ("study.noise-draws=0", "`study.noise-draws` must be a whole number from 1 to 10000, got 0"),
        // This setting can be read, but it could not be read again in its stored form.
        (format!("figure.x={}1{}", "{a.a.a=".repeat(30), "}".repeat(30)).as_str(), "inside each other"),
    ] {
        let error = format!("{:#}", load(&[setting]).unwrap_err());
        assert!(error.contains(setting) && error.contains(expected), "{error}");
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    }
}

#[test]
fn a_scale_has_settings_of_its_own_for_a_data_set() {
    let text =
        fig4() + "\n[scale.smoke.on.cifar10.study]\nscored = 9\n[scale.smoke.on.cifar10.study.data]\ntrain = 333";
    let load = |set: &[&str]| {
        let set: Vec<String> = set.iter().map(|&text| text.into()).collect();
        let Study::Correlation(study) = parse(&text, Scale::Smoke, &set).unwrap().study else {
            panic!("figure 4 is a correlation study");
        };
        (study.scored, study.data.train)
    };
    assert_eq!(load(&[]), (6, Some(200)));
    assert_eq!(load(&["study.data.name='cifar10'"]), (9, Some(333)));
    assert_eq!(load(&["study.data.name='cifar10'", "study.data.train=7"]), (9, Some(7)));
    assert_eq!(load(&["study.data.name='cifar100'"]), (6, Some(200)));
}

#[test]
fn settings_for_a_data_set_are_checked_even_if_no_run_uses_them() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library { folder: Some(folder.path()) };
    let error = |overlay: &str| {
        std::fs::write(folder.path().join("mine.toml"), fig4() + overlay).unwrap();
        format!("{:#}", library.load_at_all_scales("mine").unwrap_err())
    };
    let unknown = error("\n[scale.gpu.on.cifar1000.study]\nscored = 9");
    assert!(unknown.contains("mine.toml: `scale.gpu.on.cifar1000`: unknown data set; known: cifar10, "), "{unknown}");
    let wrong = error("\n[scale.gpu.on.cifar10.study]\nscord = 9");
    assert!(wrong.contains("mine.toml: `scale.gpu.on.cifar10`: ") && wrong.contains("scord"), "{wrong}");
    let no_table = error("\n[scale.gpu.on]\nstl10 = 1");
    assert!(no_table.contains("`scale.gpu.on` must hold tables"), "{no_table}");
    std::fs::write(folder.path().join("mine.toml"), fig4() + "\n[scale.gpu.on.'folder:a'.study]\nscored = 9").unwrap();
    library.load_at_all_scales("mine").unwrap();
}

#[test]
fn the_papers_numbers_are_those_on_the_data_set() {
    let error = |set: &[String]| {
        let Study::Comparison(study) = load("table1", Scale::Smoke, set).unwrap().study else {
            panic!("table 1 is a comparison");
        };
        let system = study.systems.into_iter().find(|system| system.name == "WRN-28-10").unwrap();
        system.paper.unwrap()["error"].as_float()
    };
    assert_eq!(error(&[]), Some(20.5));
    assert_eq!(error(&["study.data.name='cifar10'".into()]), Some(4.17));
    assert_eq!(error(&["study.data.name='shapes'".into()]), Some(20.5));
}

/// Each value of a table with its path. Entries of a list have no step of their own in the path.
fn leaves<'a>(value: &'a mut toml::Value, path: &str) -> Vec<(String, &'a mut toml::Value)> {
    match value {
        toml::Value::Table(table) => {
            let inner = table.iter_mut();
            inner.flat_map(|(key, inner)| leaves(inner, &format!("{path}.{key}"))).collect()
        }
        toml::Value::Array(list) => list.iter_mut().flat_map(|inner| leaves(inner, path)).collect(),
        _ => vec![(path.to_string(), value)],
    }
}

#[test]
fn the_hash_covers_everything_that_decides_a_table_and_no_words() {
    let is_word = |path: &str| {
        let of_system = [".study.system.here", ".study.system.paper", ".study.system.quoted"];
        let reported = [of_system.as_slice(), &[".study.spaces.paper", ".study.top5"]].concat();
        !path.starts_with(".study") || reported.iter().any(|start| path.starts_with(start))
    };
    let mut words = std::collections::BTreeSet::new();
    for (name, scale) in names().iter().flat_map(|name| Scale::ALL.map(|scale| (name, scale))) {
        let definition = load(name, scale, &[]).unwrap();
        let table = toml::Value::Table(definition.to_table());
        for index in 0..leaves(&mut table.clone(), "").len() {
            let mut changed = table.clone();
            let (path, leaf) = leaves(&mut changed, "").swap_remove(index);
            *leaf = match &*leaf {
                toml::Value::String(text) => format!("{text}, reworded").into(),
                toml::Value::Integer(number) => (number + 1).into(),
                toml::Value::Float(number) => (1.5 * number + 0.125).into(),
                toml::Value::Boolean(flag) => (!flag).into(),
                other => panic!("{name}: {path} is {other}"),
            };
            let is_same = hash_of(changed.as_table().unwrap()) == definition.hash();
            assert_eq!(is_same, is_word(&path), "{name}: {path}");
            words.extend(is_same.then_some(path));
        }
    }
    for word in ["analysis", "claim.greater_than", "figure.x_label", "study.system.paper.error"] {
        assert!(words.contains(&format!(".{word}")), "{word} is not in {words:?}");
    }
}

#[test]
fn a_small_network_that_stands_for_another_is_named_by_its_size() {
    let mut networks = std::collections::BTreeSet::new();
    for (name, scale) in names().iter().flat_map(|name| Scale::ALL.map(|scale| (name, scale))) {
        let definition = load(name, scale, &[]).unwrap().to_table();
        let systems = definition.get("study").and_then(|study| study.get("system")?.as_array().cloned());
        for system in systems.unwrap_or_default() {
            let (Some(here), Some(network)) = (system.get("here"), system.get("baseline")) else { continue };
            let number = |key: &str| network[key].as_integer().unwrap();
            let kind = network["network"].as_str().unwrap();
            let expected = match kind {
                "wide-resnet" => format!("WRN-{}-{}", number("depth"), number("widen")),
                "voxel-resnet" => format!("Voxel ResNet {}, width {}", number("depth"), number("width")),
                "densenet-bc" => format!("DenseNet-BC, depth {}, k = {}", number("depth"), number("growth")),
                "shake-shake" => format!("Shake-Shake {} 2x{}d", number("depth"), number("width")),
                "fractalnet" => {
                    let blocks = network["channels"].as_array().unwrap().len();
                    let dropped = match (network.get("dropout").is_some(), network["drop-path"].as_bool().unwrap()) {
                        (true, true) => ", dropout and drop-path",
                        (false, true) => ", drop-path",
                        _ => "",
                    };
                    format!("FractalNet of {} columns, {blocks} blocks{dropped}", number("columns"))
                }
                other => panic!("{name}: {other}"),
            };
            assert_eq!(here.as_str().unwrap(), expected, "{name} at scale {}", scale.name());
            networks.insert(kind.to_owned());
        }
    }
    assert_eq!(networks.len(), 5, "{networks:?}");
}

/// Results are stored under the hash of their definition, so a new setting must leave no trace where it is switched off.
#[test]
fn definitions_of_stored_results_keep_their_hashes() {
    let baselines = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../results/baselines");
    let mut kept = Vec::new();
    for run in results::store::find_runs(&baselines, None).unwrap().all().unwrap() {
        let manifest = run.manifest;
        assert_eq!(run.dir, results::RunDir::new(&baselines, &manifest.key()));
        assert_eq!(hash_of(&manifest.definition), manifest.definition_hash);
        // This program cannot read every definition that an older program wrote.
        if let Ok(definition) = manifest.definition.try_into::<Definition>() {
            assert_eq!(definition.hash(), manifest.definition_hash, "{}", manifest.artefact);
            kept.push(manifest.artefact);
        }
    }
    // Figure 5a takes all but two settings from figure 4.
    assert!(kept.iter().any(|artefact| artefact == "fig5a"), "{kept:?}");
}

#[test]
fn a_switch_counts_only_where_it_is_on() {
    let hash = |set: &str| load("fig4", Scale::Laptop, &[set.into()]).unwrap().hash();
    let plain = load("fig4", Scale::Laptop, &[]).unwrap().hash();
    for (off, on) in [
        ("architectures-per-step=1", "architectures-per-step=4"),
        ("sampling='paper'", "sampling='size-balanced'"),
        ("noise=true", "noise=false"),
        ("learned-convolutions={per-block=1}", "learned-convolutions='one-for-all'"),
        ("normalisation='simple-weight-norm'", "normalisation='layer-norm'"),
        ("stem='learned'", "stem='gabor'"),
        ("op-forms='paper'", "op-forms='varied'"),
        ("memory={}", "memory={write='multiply'}"),
        ("memory={read='even'}", "memory={read='attention'}"),
        ("memory={persistence=0}", "memory={persistence=0.1}"),
    ] {
        let [off, on] = [off, on].map(|setting| hash(&format!("study.smash.{setting}")));
        assert_eq!(off, plain);
        assert_ne!(on, plain);
    }
    for (off, on) in [("by='error'", "by='loss'"), ("statistics='running'", "statistics={recalibrated={batches=1}}")] {
        let [off, on] = [off, on].map(|setting| hash(&format!("study.{setting}")));
        assert_eq!(off, plain);
        assert_ne!(on, plain);
    }
    assert_ne!(hash("study.smash.average-last=5"), plain);
    let no_set = "learned-convolutions={per-block=0}";
    for impossible in ["average-last=0", "average-last=51", "architectures-per-step=0", no_set] {
        let set = format!("study.smash.{impossible}");
        let error = format!("{:#}", load("fig4", Scale::Laptop, &[set]).unwrap_err());
        assert!(error.contains(impossible.split('=').next().unwrap()), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}
