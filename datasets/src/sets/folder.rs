//! Reader of a folder of one's own images: PNG and JPEG files in a folder for each class.
//!
//! The folder holds `train/CLASS/` and `test/CLASS/`, or `CLASS/` alone. The reader then holds out one in [`TEST_SHARE`]
//! images of each class at random. Classes and images are sorted by name, so the order on disk decides nothing.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::io::Limits;
use image::{ImageDecoder, ImageError, ImageFormat};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::formats::numpy::MAX_BYTES;
use crate::sets::files::read_present;
use crate::sets::own::{self, MOST_CLASSES};
use crate::subset::{Subset, random_indices};
use crate::{DataSet, Error, ImageSet, LoadOptions, Normalisation, Source, shuffled_indices};

/// Ends of the names of images, in small letters.
const EXTENSIONS: [&str; 3] = ["png", "jpg", "jpeg"];

/// Largest file of an image in bytes.
const MOST_OF_FILE: usize = 1 << 26;

/// Largest edge of an image in pixels. It bounds the memory that a decoder takes.
const MOST_EDGE: usize = 2048;

/// Most memory in bytes for what a PNG file holds beside its pixels.
const MOST_OF_DECODER: u64 = 1 << 28;

/// Without a split, one in this many images of each class is a test image; the number is rounded up.
const TEST_SHARE: usize = 5;

/// The stream of the split, which differs from those of [`Subset`].
const SPLIT_STREAM: u64 = 2;

/// An image file, its part of the set and its class.
struct Picture {
    path: PathBuf,
    part: usize,
    label: u16,
}

/// The facts about an image that its file states without its pixels.
struct Head {
    digest: [u8; 32],
    /// Width and height in pixels.
    size: [usize; 2],
    is_grey: bool,
}

/// Reads the images of a folder. All of them are grey, or all become RGB.
pub(crate) fn load(folder: &Path, options: &LoadOptions) -> Result<DataSet, Error> {
    let parts = parts_of(folder)?;
    let classes = class_names(&parts[0])?;
    let mut pictures = Vec::new();
    let mut without_example = Vec::new();
    for (part, place) in parts.iter().enumerate() {
        without_example.extend(find_pictures(place, part, &classes, &mut pictures)?);
    }
    let heads = heads_of(&pictures)?;
    let edge = common_edge(&pictures, &heads)?;
    let channels = if heads.iter().all(|head| head.is_grey) { 1 } else { 3 };
    let (last, sources, digest) = sources(folder, &pictures, &heads);
    let name = own::name(&last, &digest);
    let [train, test]: [Vec<&Picture>; 2] = match parts.len() {
        1 => split(&pictures, options.seed)?,
        _ => [0, 1].map(|part| pictures.iter().filter(|picture| picture.part == part).collect()),
    };
    let read = |part: &str, pictures: &[&Picture], wanted: Option<usize>, subset: Subset| {
        let set = ImageSet::empty(format!("{name} {part}"), [channels, 1, edge, edge], classes.len());
        if pictures.is_empty() {
            return Err(Error::format(folder, part, "no image", "at least one PNG or JPEG image"));
        }
        let chosen = match wanted {
            Some(wanted) => random_indices(&set.name, pictures.len(), wanted, options.seed, subset)?,
            None => (0..pictures.len()).collect(),
        };
        let chosen: Vec<&Picture> = chosen.into_iter().map(|index| pictures[index]).collect();
        // A set of its own size is made into itself.
        read_pictures(folder, &chosen, edge, set.box_downsampled(options.image_size.unwrap_or(edge))?)
    };
    let train = read("train", &train, options.n_train, Subset::Train)?;
    let test = read("test", &test, options.n_test, Subset::Test)?;
    let warnings = without_example.into_iter().map(|class| format!("{name} test: no example of class {class:?}"));
    Ok(DataSet {
        normalisation: Normalisation::of(&train),
        train,
        test,
        folds: Vec::new(),
        sources,
        warnings: warnings.collect(),
        name,
    })
}

/// The folders that hold class folders: those of the training and the test images, or one for both.
fn parts_of(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let parts = ["train", "test"].map(|part| folder.join(part));
    match parts.each_ref().map(|part| part.is_dir()) {
        [true, true] => Ok(parts.into()),
        [false, false] => Ok(vec![folder.into()]),
        [is_train, _] => {
            let found = if is_train { "`train` without `test`" } else { "`test` without `train`" };
            let expected = "folders `train` and `test`, each with a folder for each class, or class folders alone";
            Err(Error::format(folder, "its folders", found, expected))
        }
    }
}

/// The entries of a folder, sorted by name. Entries whose name begins with a point are hidden, and left out.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |cause| Error::Read { path: folder.into(), cause };
    let all = fs::read_dir(folder).map_err(failed)?;
    let mut paths = all.map(|entry| Ok(entry.map_err(failed)?.path())).collect::<Result<Vec<PathBuf>, Error>>()?;
    paths.retain(|path| !name_of(path).as_encoded_bytes().starts_with(b"."));
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

/// The names of the folders in a folder.
fn folders_in(folder: &Path) -> Result<Vec<OsString>, Error> {
    let paths = entries(folder)?.into_iter().filter(|path| path.is_dir());
    Ok(paths.map(|path| name_of(&path).to_owned()).collect())
}

fn class_names(folder: &Path) -> Result<Vec<OsString>, Error> {
    let classes = folders_in(folder)?;
    if !(2..=MOST_CLASSES).contains(&classes.len()) {
        let found = format!("{} class folders", classes.len());
        return Err(Error::format(folder, "its folders", found, format!("2 to {MOST_CLASSES}, one for each class")));
    }
    Ok(classes)
}

/// Appends the images of a part, class by class. Gives the classes of which the test part has no image.
fn find_pictures(
    place: &Path,
    part: usize,
    classes: &[OsString],
    pictures: &mut Vec<Picture>,
) -> Result<Vec<OsString>, Error> {
    if let Some(unknown) = folders_in(place)?.iter().find(|name| !classes.contains(name)) {
        return Err(Error::format(&place.join(unknown), "its name", "no class of `train`", "only classes of `train`"));
    }
    let mut without_example = Vec::new();
    for (label, class) in (0..).zip(classes) {
        let folder = place.join(class);
        let is_test = part == 1;
        let paths = if is_test && !folder.exists() { Vec::new() } else { entries(&folder)? };
        if paths.is_empty() && is_test {
            without_example.push(class.clone());
        } else if paths.is_empty() {
            return Err(Error::format(&folder, "the folder", "no image", "at least one PNG or JPEG image"));
        }
        for path in paths {
            let extension = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
            if !extension.is_some_and(|extension| EXTENSIONS.contains(&&*extension)) {
                let expected = format!("only images in a class folder, with the ends .{}", EXTENSIONS.join(", ."));
                return Err(Error::format(&path, "its name", "another extension", expected));
            }
            pictures.push(Picture { path, part, label });
        }
    }
    Ok(without_example)
}

fn unreadable(path: &Path) -> impl Fn(ImageError) -> Error {
    move |error| Error::format(path, "the whole file", error.to_string(), "a PNG or JPEG image")
}

/// Reads the heads of all images in parallel. The first error in their order counts.
fn heads_of(pictures: &[Picture]) -> Result<Vec<Head>, Error> {
    let heads: Vec<Result<Head, Error>> = pictures.par_iter().map(|picture| head_of(&picture.path)).collect();
    heads.into_iter().collect()
}

fn head_of(path: &Path) -> Result<Head, Error> {
    let bytes = read_present(path, MOST_OF_FILE)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_OF_DECODER);
    let ((width, height), colour) = match image::guess_format(&bytes) {
        Ok(ImageFormat::Png) => {
            let decoder = PngDecoder::with_limits(&bytes[..], limits).map_err(unreadable(path))?;
            (decoder.dimensions(), decoder.color_type())
        }
        Ok(ImageFormat::Jpeg) => {
            let decoder = JpegDecoder::new(&bytes[..]).map_err(unreadable(path))?;
            (decoder.dimensions(), decoder.color_type())
        }
        _ => {
            let found = format!("{:?}", &bytes[..bytes.len().min(8)]);
            return Err(Error::format(path, "its first bytes", found, "a PNG or JPEG image"));
        }
    };
    Ok(Head {
        digest: Sha256::digest(&bytes).into(),
        size: [width as usize, height as usize],
        is_grey: !colour.has_color(),
    })
}

/// The edge in pixels that all images have.
fn common_edge(pictures: &[Picture], heads: &[Head]) -> Result<usize, Error> {
    let [edge, _] = heads[0].size;
    for (picture, Head { size: [width, height], .. }) in pictures.iter().zip(heads) {
        let found = format!("{width} x {height} pixels");
        let expected = match width == height && (1..=MOST_EDGE).contains(width) {
            false => format!("a square with an edge of 1 to {MOST_EDGE} pixels"),
            true if *width != edge => format!("{edge} x {edge} pixels, as {} has", pictures[0].path.display()),
            true => continue,
        };
        return Err(Error::format(&picture.path, "its size", found, expected));
    }
    Ok(edge)
}

/// The last part of the folder's path, a source for each class folder, and the digest of all of them in hexadecimal.
fn sources(folder: &Path, pictures: &[Picture], heads: &[Head]) -> (OsString, Vec<Source>, String) {
    // A path such as `..` has no last part by itself.
    let whole = fs::canonicalize(folder).unwrap_or_default();
    let last = folder.file_name().or(whole.file_name()).unwrap_or(OsStr::new("folder")).to_owned();
    let mut of_set = Sha256::new();
    let mut heads = heads.iter();
    let of_class = pictures.chunk_by(|a, b| (a.part, a.label) == (b.part, b.label)).map(|pictures| {
        let mut hasher = Sha256::new();
        for (picture, head) in pictures.iter().zip(heads.by_ref()) {
            hasher.update(name_of(&picture.path).as_encoded_bytes());
            hasher.update(head.digest);
        }
        let digest = hasher.finalize();
        let place =
            pictures[0].path.parent().and_then(|place| place.strip_prefix(folder).ok()).unwrap_or(Path::new(""));
        of_set.update(place.as_os_str().as_encoded_bytes());
        of_set.update(digest);
        let path = format!("folder:{}", Path::new(&last).join(place).display());
        Source { path, records: pictures.len(), sha256: hex::encode(digest) }
    });
    let sources = of_class.collect();
    (last, sources, hex::encode(of_set.finalize()))
}

/// Splits the images of each class at random. Both parts keep the order of the images.
fn split(pictures: &[Picture], seed: u64) -> Result<[Vec<&Picture>; 2], Error> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(SPLIT_STREAM);
    let mut parts = [Vec::new(), Vec::new()];
    for class in pictures.chunk_by(|a, b| a.label == b.label) {
        if class.len() < 2 {
            let expected = "at least two images in its folder: one of them is a test image";
            return Err(Error::format(&class[0].path, "its class", "no other image", expected));
        }
        let mut part_of = vec![0; class.len()];
        for &index in &shuffled_indices(class.len(), &mut rng)[..class.len().div_ceil(TEST_SHARE)] {
            part_of[index] = 1;
        }
        for (picture, part) in class.iter().zip(part_of) {
            parts[part].push(picture);
        }
    }
    Ok(parts)
}

/// Decodes images of an edge in parallel and appends them to a set of their size or of a smaller one.
fn read_pictures(folder: &Path, pictures: &[&Picture], edge: usize, mut set: ImageSet) -> Result<ImageSet, Error> {
    let bytes = pictures.len().saturating_mul(set.channels * set.height * set.width);
    if bytes > MAX_BYTES {
        let found = format!("{bytes} bytes of pixels");
        return Err(Error::format(
            folder,
            "all its images",
            found,
            format!("at most {MAX_BYTES}; take fewer or smaller ones"),
        ));
    }
    set.images.reserve_exact(bytes);
    // Only some images at a time, so that results not yet appended take little memory.
    for some in pictures.chunks(1024) {
        let results: Vec<_> = some.par_iter().map(|picture| pixels(&picture.path, edge, &set)).collect();
        for (picture, pixels) in some.iter().zip(results) {
            set.labels.push(picture.label);
            set.images.extend(pixels?);
        }
    }
    Ok(set)
}

/// The pixels of an image in the size and the channels of a set, `[channels, height, width]`.
fn pixels(path: &Path, edge: usize, set: &ImageSet) -> Result<Vec<u8>, Error> {
    let decoded = image::load_from_memory(&read_present(path, MOST_OF_FILE)?).map_err(unreadable(path))?;
    if [decoded.width(), decoded.height()] != [edge as u32; 2] {
        return Err(Error::format(
            path,
            "its size",
            "another size than at first",
            "files that nobody changes meanwhile",
        ));
    }
    let interleaved = if set.channels == 1 { decoded.into_luma8().into_raw() } else { decoded.into_rgb8().into_raw() };
    let mut one = ImageSet::empty(set.name.clone(), [set.channels, 1, edge, edge], set.classes);
    one.images = own::planes(&interleaved, set.channels).collect();
    one.labels = vec![0];
    Ok(one.box_downsampled(set.height)?.images)
}

#[cfg(test)]
mod tests;
