//! Loading a data set by its name.

use std::path::Path;

use crate::sets::drawn::Order;
use crate::sets::files::Files;
use crate::sets::{cifar, folder, imagenet32, modelnet10, npz, shapes, solids, stl10};
use crate::subset::{Subset, random_indices};
use crate::{DataSet, Error, ImageSet, LoadOptions, Normalisation};

/// The names that [`load`] knows, besides sets of one's own.
pub const KNOWN_DATA_SETS: &[&str] =
    &["cifar10", "cifar100", "stl10", "imagenet32", "modelnet10", "modelnet10-voxels", "shapes", "solids"];

/// The kind and the path of a data set of one's own, `folder:DIR` or `npz:FILE`; `None` for any other name.
pub fn kind_and_path(name: &str) -> Option<(&str, &Path)> {
    let (kind, path) = name.split_once(':')?;
    matches!(kind, "folder" | "npz").then_some((kind, Path::new(path)))
}

/// Loads the data set called `name`: one of [`KNOWN_DATA_SETS`], or one of one's own, `folder:DIR` or `npz:FILE`.
///
/// # Errors
/// An unknown name, missing or damaged files, or a size or number that the set cannot give. Whole files with fewer or
/// more examples than the official ones are no error: [`DataSet::warnings`] reports them.
pub fn load(name: &str, options: &LoadOptions) -> Result<DataSet, Error> {
    match kind_and_path(name) {
        Some((_, path)) if path.as_os_str().is_empty() => return Err(Error::NoPath { name: name.into() }),
        Some(("folder", path)) => return folder::load(path, options),
        Some((_, path)) => {
            let (name, files) = npz::read(path)?;
            return from_files(&name, files, options);
        }
        None => {}
    }
    let data_dir = options.data_dir.as_deref();
    match name {
        "cifar10" => from_files(name, cifar::read(&cifar::CIFAR10, data_dir)?, options),
        "cifar100" => from_files(name, cifar::read(&cifar::CIFAR100, data_dir)?, options),
        "stl10" => from_files(name, stl10::read(data_dir)?, options),
        "imagenet32" => from_files(name, imagenet32::read(data_dir)?, options),
        "modelnet10" => modelnet10::load_meshes(options),
        "modelnet10-voxels" => from_files(name, modelnet10::read_voxels(options)?, options),
        "shapes" => drawn(name, shapes::generate, [50_000, 10_000], options),
        "solids" => drawn(name, solids::generate, [4_000, 1_000], options),
        _ => Err(Error::UnknownDataSet { name: name.into(), known: KNOWN_DATA_SETS }),
    }
}

fn from_files(name: &str, files: Files, options: &LoadOptions) -> Result<DataSet, Error> {
    let train = random_subset(files.train, options.n_train, options.seed, Subset::Train)?;
    let test = random_subset(files.test, options.n_test, options.seed, Subset::Test)?;
    let (train, test, published) = match options.image_size {
        Some(size) if size != train.height => (train.box_downsampled(size)?, test.box_downsampled(size)?, None),
        _ => (train, test, files.published),
    };
    Ok(DataSet {
        name: name.into(),
        normalisation: published.unwrap_or_else(|| Normalisation::of(&train)),
        train,
        test,
        folds: options.n_train.map_or(files.folds, |_| Vec::new()),
        sources: files.sources,
        warnings: files.warnings,
    })
}

fn drawn(
    name: &str,
    generate: impl Fn(Order) -> Result<ImageSet, Error>,
    [n_train, n_test]: [usize; 2],
    options: &LoadOptions,
) -> Result<DataSet, Error> {
    let order = Order {
        subset: Subset::Train,
        n: options.n_train.unwrap_or(n_train),
        size: options.image_size.unwrap_or(32),
        seed: options.seed,
    };
    let train = generate(order)?;
    let test = generate(Order { subset: Subset::Test, n: options.n_test.unwrap_or(n_test), ..order })?;
    Ok(DataSet {
        name: name.into(),
        normalisation: if train.depth > 1 { Normalisation::occupancy() } else { Normalisation::of(&train) },
        train,
        test,
        folds: Vec::new(),
        sources: Vec::new(),
        warnings: Vec::new(),
    })
}

fn random_subset(set: ImageSet, wanted: Option<usize>, seed: u64, subset: Subset) -> Result<ImageSet, Error> {
    match wanted {
        Some(wanted) => Ok(set.subset(&random_indices(&set.name, set.len(), wanted, seed, subset)?)),
        None => Ok(set),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = load("mnist", &LoadOptions::default()).unwrap_err().to_string();
        assert_eq!(
            message,
            "unknown data set \"mnist\"; known: cifar10, cifar100, stl10, imagenet32, modelnet10, \
             modelnet10-voxels, shapes, solids, folder:DIR, npz:FILE"
        );
    }

    #[test]
    fn a_set_of_ones_own_needs_a_path() {
        for name in ["folder:", "npz:"] {
            let message = load(name, &LoadOptions::default()).unwrap_err().to_string();
            assert_eq!(message, format!("data set {name:?}: no path; expected folder:DIR or npz:FILE"));
        }
    }

    #[test]
    fn solids_are_volumes_with_the_constants_of_voxels() {
        let options = LoadOptions { image_size: Some(8), n_train: Some(3), n_test: Some(2), ..Default::default() };
        let data = load("solids", &options).unwrap();
        assert_eq!((data.train.len(), data.test.len()), (3, 2));
        assert_eq!([data.train.channels, data.train.depth, data.train.height, data.train.width], [1, 8, 8, 8]);
        assert_eq!(data.train.images.len(), 3 * 512);
        assert_eq!(data.normalisation, Normalisation::occupancy());
    }

    #[test]
    fn shapes_are_drawn_to_order_and_measured() {
        let options = LoadOptions { image_size: Some(8), n_train: Some(30), seed: 5, ..Default::default() };
        let data = load("shapes", &LoadOptions { n_test: Some(20), ..options.clone() }).unwrap();
        assert_eq!((data.train.len(), data.test.len()), (30, 20));
        assert_eq!([data.train.channels, data.train.height, data.train.width], [3, 8, 8]);
        assert_eq!(data.train.classes, 10);
        assert_eq!(data.normalisation, Normalisation::of(&data.train));
        assert_eq!((data.sources, data.warnings), (vec![], vec![]));
        let other_test_size = load("shapes", &LoadOptions { n_test: Some(5), ..options }).unwrap();
        assert_eq!(other_test_size.train, data.train);
        assert_eq!(other_test_size.test, data.test.subset(&[0, 1, 2, 3, 4]));
    }
}
