//! From a data set's name to its images.

use std::path::PathBuf;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::{Error, ImageSet, Normalisation, cifar, shapes, shuffled_indices};

/// The names that [`load`] knows.
pub const KNOWN_DATA_SETS: &[&str] = &["cifar10", "cifar100", "shapes"];

/// What to load of a data set; the default is all of it at its own size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// The folder in which the official folders of sets on disk lie. Not used by `shapes`.
    pub data_dir: Option<PathBuf>,
    /// Height and width in pixels, 32 if not given. Sets on disk are box-averaged down to a whole
    /// fraction of 32; `shapes` is drawn at any size from 8.
    pub image_size: Option<usize>,
    /// Number of training examples: a random subset of a set on disk, or that many drawn. If not
    /// given, all that are on disk, or 50,000 drawn.
    pub n_train: Option<usize>,
    /// Number of test examples, as `n_train`. If not given, all that are on disk, or 10,000 drawn.
    pub n_test: Option<usize>,
    /// Decides the subsets and the images of `shapes`.
    pub seed: u64,
}

/// A training and a test set, and where they come from.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSet {
    /// The training set, of which a validation set may be held out.
    pub train: ImageSet,
    /// The test set.
    pub test: ImageSet,
    /// The published constants for a whole CIFAR set at 32 by 32 pixels, else of `train`.
    pub normalisation: Normalisation,
    /// The files read; empty for a set that is drawn.
    pub sources: Vec<Source>,
    /// In which ways the files differ from the official ones, a sentence each.
    pub warnings: Vec<String>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where the file lies, with the data folder as it was given.
    pub path: String,
    /// Number of examples in the file.
    pub records: usize,
    /// SHA-256 of the file in hexadecimal.
    pub sha256: String,
}

/// Loads the data set called `name`, one of [`KNOWN_DATA_SETS`].
///
/// # Errors
/// An unknown name, missing or damaged files, or a size or number that the set cannot give. Files
/// that are whole but hold fewer or more examples than the official ones are no error:
/// [`DataSet::warnings`] says so.
pub fn load(name: &str, options: &LoadOptions) -> Result<DataSet, Error> {
    match name {
        "cifar10" => load_cifar(&cifar::CIFAR10, Normalisation::cifar10(), options),
        "cifar100" => load_cifar(&cifar::CIFAR100, Normalisation::cifar100(), options),
        "shapes" => load_shapes(options),
        _ => Err(Error::UnknownDataSet {
            name: name.into(),
            known: KNOWN_DATA_SETS,
        }),
    }
}

fn load_cifar(
    format: &'static cifar::Format,
    published: Normalisation,
    options: &LoadOptions,
) -> Result<DataSet, Error> {
    let files = cifar::read(format, options.data_dir.as_deref())?;
    let train = random_subset(files.train, options.n_train, options.seed, SubsetStream::Train)?;
    let test = random_subset(files.test, options.n_test, options.seed, SubsetStream::Test)?;
    let (train, test, normalisation) = match options.image_size {
        None | Some(cifar::SIZE) => (train, test, published),
        Some(size) => {
            let train = train.box_downsampled(size)?;
            let normalisation = Normalisation::of(&train);
            (train, test.box_downsampled(size)?, normalisation)
        }
    };
    Ok(DataSet {
        train,
        test,
        normalisation,
        sources: files.sources,
        warnings: files.warnings,
    })
}

fn load_shapes(options: &LoadOptions) -> Result<DataSet, Error> {
    let size = options.image_size.unwrap_or(32);
    let n_train = options.n_train.unwrap_or(50_000);
    let n_test = options.n_test.unwrap_or(10_000);
    let train = shapes::generate(shapes::Subset::Train, n_train, size, options.seed)?;
    let test = shapes::generate(shapes::Subset::Test, n_test, size, options.seed)?;
    let normalisation = Normalisation::of(&train);
    Ok(DataSet {
        train,
        test,
        normalisation,
        sources: Vec::new(),
        warnings: Vec::new(),
    })
}

/// One ChaCha stream for each subset, so that one does not depend on the size of the other.
#[derive(Debug, Clone, Copy)]
enum SubsetStream {
    Train = 0,
    Test = 1,
}

fn random_subset(set: ImageSet, wanted: Option<usize>, seed: u64, stream: SubsetStream) -> Result<ImageSet, Error> {
    let Some(wanted) = wanted else { return Ok(set) };
    if wanted == 0 || wanted > set.len() {
        return Err(Error::Count {
            set: set.name.clone(),
            wanted,
            available: set.len(),
        });
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream as u64);
    Ok(set.subset(&shuffled_indices(set.len(), &mut rng)[..wanted]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = load("mnist", &LoadOptions::default()).unwrap_err().to_string();
        assert_eq!(
            message,
            "unknown data set \"mnist\"; known are cifar10, cifar100, shapes"
        );
    }

    #[test]
    fn shapes_are_drawn_to_order_and_measured() {
        let options = LoadOptions {
            image_size: Some(8),
            n_train: Some(30),
            seed: 5,
            ..Default::default()
        };
        let data = load(
            "shapes",
            &LoadOptions {
                n_test: Some(20),
                ..options.clone()
            },
        )
        .unwrap();
        assert_eq!((data.train.len(), data.test.len()), (30, 20));
        assert_eq!([data.train.channels, data.train.height, data.train.width], [3, 8, 8]);
        assert_eq!(data.train.classes, 10);
        assert_eq!(data.normalisation, Normalisation::of(&data.train));
        assert_eq!((data.sources, data.warnings), (vec![], vec![]));
        let other_test_size = load(
            "shapes",
            &LoadOptions {
                n_test: Some(5),
                ..options
            },
        )
        .unwrap();
        assert_eq!(other_test_size.train, data.train);
        assert_eq!(other_test_size.test, data.test.subset(&[0, 1, 2, 3, 4]));
    }
}
