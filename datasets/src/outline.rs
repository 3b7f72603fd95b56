//! Data sets without their examples: enough to plan with, where the files are missing.

use crate::sets::modelnet10::edge_of_meshes;
use crate::{DataSet, Error, ImageSet, LoadOptions, Normalisation};

/// The official size of a set on disk.
struct Official {
    name: &'static str,
    /// Channels, depth, height and width of an example.
    shape: [usize; 4],
    classes: usize,
    /// Numbers of training and of test examples.
    examples: [usize; 2],
    /// Number of published folds, and of training examples in each.
    folds: [usize; 2],
}

const SETS: [Official; 6] = [
    images("cifar10", 32, 10, [50_000, 10_000]),
    images("cifar100", 32, 100, [50_000, 10_000]),
    Official { folds: [10, 1_000], ..images("stl10", 96, 10, [5_000, 8_000]) },
    images("imagenet32", 32, 1_000, [1_281_167, 50_000]),
    Official { shape: [1, 32, 32, 32], ..images("modelnet10", 32, 10, [3_991, 908]) },
    Official { shape: [1, 32, 32, 32], ..images("modelnet10-voxels", 32, 10, [3_991, 908]) },
];

const fn images(name: &'static str, size: usize, classes: usize, examples: [usize; 2]) -> Official {
    Official { name, shape: [3, 1, size, size], classes, examples, folds: [0, 0] }
}

/// The set that [`load`](crate::load()) would give for the official files: sizes, classes and folds, with labels of 0, no pixels
/// and no normalisation of its own. Its examples cannot be read. `None` for a name that has no official files.
///
/// # Errors
/// A size or a number that the set cannot give.
pub fn outline(name: &str, options: &LoadOptions) -> Result<Option<DataSet>, Error> {
    let Some(official) = SETS.iter().find(|official| official.name == name) else {
        return Ok(None);
    };
    let [channels, depth, edge, _] = official.shape;
    let size = match options.image_size.unwrap_or(edge) {
        _ if name == "modelnet10" => edge_of_meshes(options)?,
        size if size > 0 && edge.is_multiple_of(size) => size,
        wanted => {
            let rule = format!("{edge} by {edge} pixels / size must be whole");
            return Err(Error::ImageSize { set: name.to_owned(), wanted, rule });
        }
    };
    let depth = if depth > 1 { size } else { 1 };
    let part = |part: &str, all: usize, wanted: Option<usize>| match wanted.unwrap_or(all) {
        wanted if (1..=all).contains(&wanted) => Ok(ImageSet {
            labels: vec![0; wanted],
            ..ImageSet::empty(format!("{name} {part}"), [channels, depth, size, size], official.classes)
        }),
        wanted => Err(Error::Count { set: format!("{name} {part}"), wanted, available: all }),
    };
    let [count, in_each] = official.folds;
    Ok(Some(DataSet {
        name: name.to_owned(),
        train: part("train", official.examples[0], options.n_train)?,
        test: part("test", official.examples[1], options.n_test)?,
        folds: if options.n_train.is_none() { vec![(0..in_each).collect(); count] } else { Vec::new() },
        normalisation: Normalisation::occupancy(),
        sources: Vec::new(),
        warnings: Vec::new(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KNOWN_DATA_SETS;

    #[test]
    fn every_set_on_disk_has_an_outline_and_no_drawn_one_has() {
        let without: Vec<&str> = KNOWN_DATA_SETS
            .iter()
            .filter(|name| outline(name, &LoadOptions::default()).unwrap().is_none())
            .copied()
            .collect();
        assert_eq!(without, ["shapes", "solids"]);
    }

    #[test]
    fn options_choose_as_they_do_for_files() {
        let of = |name: &str, options: LoadOptions| outline(name, &options).map(Option::unwrap);
        let all = of("stl10", LoadOptions::default()).unwrap();
        assert_eq!((all.train.len(), all.test.len(), all.folds.len(), all.folds[9].len()), (5_000, 8_000, 10, 1_000));
        let part = of("stl10", LoadOptions { image_size: Some(48), n_train: Some(70), ..Default::default() }).unwrap();
        assert_eq!((part.train.len(), part.train.height, part.folds.len()), (70, 48, 0));
        assert!(of("cifar10", LoadOptions { image_size: Some(12), ..Default::default() }).is_err());
        assert!(of("cifar10", LoadOptions { n_test: Some(10_001), ..Default::default() }).is_err());
        for edge in [7, 129] {
            assert!(of("modelnet10", LoadOptions { image_size: Some(edge), ..Default::default() }).is_err());
        }
        let volume = of("modelnet10", LoadOptions { image_size: Some(12), ..Default::default() }).unwrap().train;
        assert_eq!([volume.channels, volume.depth, volume.height, volume.width], [1, 12, 12, 12]);
    }
}
