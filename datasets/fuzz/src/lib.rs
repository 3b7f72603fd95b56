//! Code that the fuzz targets share: it loads a data set from files with arbitrary bytes and checks the result.

use std::fs;

use datasets::{DataSet, ImageSet, LoadOptions, kind_and_path, load};

/// Loads a set from a folder that holds these files, by their paths below the data folder. The path of a set of one's own is
/// below that folder too. `None` if the reader refuses the files.
///
/// # Panics
/// If the loaded data contradicts itself, or an error names no file.
pub fn read(set: &str, files: &[(&str, &[u8])], options: LoadOptions) -> Option<DataSet> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (file, bytes) in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().expect("files lie in folders")).expect("the folder can be written");
        fs::write(path, bytes).expect("the folder can be written");
    }
    let options = LoadOptions { data_dir: Some(folder.path().into()), ..options };
    let set = match kind_and_path(set) {
        Some((kind, path)) => format!("{kind}:{}", folder.path().join(path).display()),
        None => set.to_owned(),
    };
    let data = match load(&set, &options) {
        Ok(data) => data,
        Err(error) => {
            let message = error.to_string();
            assert!(message.contains(&*folder.path().to_string_lossy()), "{message}");
            return None;
        }
    };
    check(&data.train);
    check(&data.test);
    assert!(data.folds.iter().flatten().all(|&index| index < data.train.len()));
    let in_files: usize = data.sources.iter().map(|source| source.records).sum();
    assert!(in_files >= data.train.len() + data.test.len());
    Some(data)
}

/// Checks that there are examples, as many bytes as they need, and only labels of existing classes.
fn check(set: &ImageSet) {
    let bytes = set.channels * set.depth * set.height * set.width;
    assert!(!set.is_empty());
    assert_eq!(set.images.len(), set.len() * bytes);
    assert!(set.labels.iter().all(|&label| usize::from(label) < set.classes));
}
