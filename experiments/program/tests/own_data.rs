//! A run on images of one's own, through the binary: its name, its identity, and clear errors.

mod binary;

use std::fs;
use std::path::{Path, PathBuf};

use binary::{error_of, experiments, files, other, succeeded, tables};
use image::{DynamicImage, Rgb, RgbImage};
use results::Manifest;

/// Writes 100 training and 50 test images of two classes. The brightness tells them apart.
fn write_images(folder: &Path, is_grey: bool) {
    for (part, class, count) in
        [("train", "dark", 100), ("train", "light", 100), ("test", "dark", 50), ("test", "light", 50)]
    {
        let place = folder.join(part).join(class);
        fs::create_dir_all(&place).unwrap();
        for index in 0..count {
            let level = if class == "dark" { 40 } else { 160 };
            let pixel =
                |x: u32, y: u32| Rgb([level + (x * 7 + index) as u8 % 64, level, level + (y * index) as u8 % 64]);
            let image = DynamicImage::from(RgbImage::from_fn(16, 16, pixel));
            let image = if is_grey { image.into_luma8().into() } else { image };
            image.save(place.join(format!("{index:03}.png"))).unwrap();
        }
    }
}

fn manifests(results: &Path) -> Vec<(PathBuf, Manifest)> {
    let all = files(results).into_iter().filter(|file| file.ends_with("manifest.toml"));
    all.map(|path| (path.clone(), Manifest::read(&path).unwrap())).collect()
}

#[test]
fn a_folder_of_images_is_the_same_run_wherever_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let run = |words: &[&str]| {
        let output = experiments(&at("runs"), &[&["fig4", "--jobs", "2"], words].concat())
            .current_dir(folder.path())
            .output()
            .unwrap();
        succeeded(&output);
        String::from_utf8(output.stdout).unwrap()
    };
    write_images(&at("here/blobs"), false);
    assert!(run(&["--dataset", "folder:here/blobs", "--plan"]).contains("train resulting networks"));
    assert!(!at("runs").exists());
    run(&["--dataset", "folder:here/blobs"]);
    let expected = tables(&at("runs"));
    let first = manifests(&at("runs"));
    let [(path, manifest)] = &first[..] else { panic!("{first:?}") };
    assert!(manifest.dataset.name.starts_with("blobs-"), "{}", manifest.dataset.name);
    assert_eq!(manifest.definition["study"]["data"]["name"].as_str(), Some(&*manifest.dataset.name));
    assert_eq!([manifest.dataset.train.examples, manifest.dataset.test.examples], [200, 100]);
    let sources = manifest.dataset.sources.iter().map(|source| (&*source.path, source.records));
    let expected_sources = [("train/dark", 100), ("train/light", 100), ("test/dark", 50), ("test/light", 50)]
        .map(|(place, records)| (format!("folder:blobs/{place}"), records));
    assert!(sources.eq(expected_sources.iter().map(|(place, records)| (&**place, *records))));
    let text = fs::read_to_string(path).unwrap();
    assert!(!text.contains("here/blobs"), "{text}");

    // The same files at another path are the same, complete run.
    write_images(&at("there/blobs"), false);
    run(&["--dataset", "folder:there/blobs"]);
    assert_eq!(manifests(&at("runs")), first);
    assert_eq!(tables(&at("runs")), expected);

    // Other files under the same path are another run. Grey images have one channel.
    write_images(&at("there/blobs"), true);
    run(&["--set", "study.data.name = 'folder:there/blobs'"]);
    let both = manifests(&at("runs"));
    assert_eq!(both.len(), 2);
    assert!(both.contains(&first[0]));
    let names = [&both[0].1.dataset.name, &both[1].1.dataset.name];
    assert!(names[0] != names[1] && names.iter().all(|name| name.starts_with("blobs-")), "{names:?}");
}

#[test]
fn an_architecture_is_trained_and_scored_on_the_images_that_are_there_now() {
    let folder = tempfile::tempdir().unwrap();
    let said = |words: &[&str]| {
        let shared = ["architecture", words[0], "a.json", "--scale", "smoke", "--dataset", "folder:blobs", "--json"];
        let mut command = other(&[&shared, &words[1..]].concat());
        let output = command.current_dir(folder.path()).output().unwrap();
        succeeded(&output);
        String::from_utf8(output.stdout).unwrap()
    };
    let built = other(&["architecture", "build", "--seed", "0", "--scale", "smoke"]).output().unwrap();
    fs::write(folder.path().join("a.json"), built.stdout).unwrap();
    write_images(&folder.path().join("blobs"), false);
    let first = said(&["train", "--results", "r"]);
    assert_eq!(said(&["train", "--results", "r"]), first);
    let run = ["fig4", "--dataset", "folder:blobs"];
    succeeded(&experiments(Path::new("r"), &run).current_dir(folder.path()).output().unwrap());
    assert!(said(&["score", "--results", "r"]).contains("standard_deviation"));

    // The training images of both classes change places.
    let place = |class: &str| folder.path().join("blobs/train").join(class);
    for (from, to) in [("dark", "swapped"), ("light", "dark"), ("swapped", "light")] {
        fs::rename(place(from), place(to)).unwrap();
    }
    let second = said(&["train", "--results", "r"]);
    assert_eq!(said(&["train", "--results", "fresh"]), second);
    assert_ne!(second, first);
}

#[test]
fn wrong_images_are_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let (results, images) = (folder.path().join("runs"), folder.path().join("blobs"));
    let error = |name: &str| error_of(&mut experiments(&results, &["fig4", "--dataset", name]));
    assert!(error("folder:no-such").contains("cannot read no-such: No such file"));
    assert!(error("npz:no-such.npz").contains("cannot read no-such.npz: No such file"));
    let name = format!("folder:{}", images.display());
    write_images(&images, false);
    let wrong = images.join("test/light/extra.png");
    RgbImage::new(16, 15).save(&wrong).unwrap();
    let found = error(&name);
    assert!(found.contains("test/light/extra.png: its size: found 16 x 15 pixels"), "{found}");
    fs::remove_file(wrong).unwrap();
    fs::remove_dir_all(images.join("test")).unwrap();
    assert!(error(&name).contains("found `train` without `test`"));
    // The smoke scale asks for more images than there are here.
    let all = images.join("train");
    fs::remove_dir_all(all.join("light")).unwrap();
    fs::create_dir_all(all.join("light")).unwrap();
    RgbImage::new(16, 16).save(all.join("light/1.png")).unwrap();
    RgbImage::new(16, 16).save(all.join("light/2.png")).unwrap();
    let few = error(&format!("folder:{}", all.display()));
    assert!(few.contains("train: 200 examples requested, expected 1 to 81"), "{few}");
    assert!(!results.exists(), "nothing is written before the input is known to be good");
}
