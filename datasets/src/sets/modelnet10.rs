//! Readers of ModelNet10: the official meshes, converted to voxels, and voxels stored in `.npz` files.
//!
//! Both give volumes `[depth, height, width]` of 0 (empty) and 255 (full), with slices from the ground up. The classes
//! are in alphabetical order, as in the official set.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::formats::numpy::Npz;
use crate::formats::off;
use crate::sets::files::{Files, NAME_DATA_DIR, difference, read_if_there, read_present, source};
use crate::sets::voxels::{EMPTY, FULL, surface};
use crate::subset::Subset;
use crate::subset::random_indices;
use crate::{DataSet, Error, ImageSet, LoadOptions, Normalisation, Source};

const MESHES: &str = "ModelNet10";
const VOXELS: &str = "ModelNet10-voxels";

/// Default edge in voxels of the cubes that meshes become.
const EDGE: usize = 32;

/// The smallest and the largest edge of these cubes.
const EDGES: [usize; 2] = [8, 128];

/// Largest mesh file in bytes.
const MOST_OF_MESH: usize = 1 << 28;

/// Most stored volumes of each object: public files hold it turned about the vertical axis in steps of 15 degrees.
const MOST_OF_OBJECT: usize = 24;

/// Largest file of stored voxels in bytes. All 24 volumes of each training object take 3.1 GB at an edge of 32, unpacked.
const MOST_OF_VOXELS: usize = 1 << 32;

/// A class, with the official number of its meshes in each part.
struct Class {
    name: &'static str,
    train: usize,
    test: usize,
}

const CLASSES: [Class; 10] = [
    class("bathtub", 106, 50),
    class("bed", 515, 100),
    class("chair", 889, 100),
    class("desk", 200, 86),
    class("dresser", 200, 86),
    class("monitor", 465, 100),
    class("night_stand", 200, 86),
    class("sofa", 680, 100),
    class("table", 392, 100),
    class("toilet", 344, 100),
];

const fn class(name: &'static str, train: usize, test: usize) -> Class {
    Class { name, train, test }
}

/// Name of a part, and a function that gives its official number of objects of a class.
type Part = (&'static str, fn(&Class) -> usize);

const TRAIN: Part = ("train", |class| class.train);
const TEST: Part = ("test", |class| class.test);

fn official((_, of_class): Part) -> usize {
    CLASSES.iter().map(of_class).sum()
}

fn empty_set(name: &str, part: Part, edge: usize) -> ImageSet {
    ImageSet::empty(format!("{name} {}", part.0), [1, edge, edge, edge], CLASSES.len())
}

/// Converts the meshes below the data folder to voxels.
pub(crate) fn load_meshes(options: &LoadOptions) -> Result<DataSet, Error> {
    let no_folder = || missing_meshes("no data folder is given");
    let folder = options.data_dir.as_ref().ok_or_else(no_folder)?.join(MESHES);
    let edge = edge_of_meshes(options)?;
    let mut sources = Vec::new();
    let mut warnings = Vec::new();
    let mut load_part = |part: Part, wanted: Option<usize>, subset: Subset| {
        let mut set = empty_set("modelnet10", part, edge);
        let mut meshes = find_meshes(&folder, part, &set, &mut warnings)?;
        if let Some(wanted) = wanted {
            let chosen = random_indices(&set.name, meshes.len(), wanted, options.seed, subset)?;
            meshes = chosen.into_iter().map(|index| meshes[index].clone()).collect();
        }
        set.reserve(meshes.len())?;
        append_meshes(&meshes, &mut set, &mut sources)?;
        Ok::<_, Error>(set)
    };
    let train = load_part(TRAIN, options.n_train, Subset::Train)?;
    let test = load_part(TEST, options.n_test, Subset::Test)?;
    Ok(DataSet {
        name: "modelnet10".into(),
        train,
        test,
        folds: Vec::new(),
        normalisation: Normalisation::occupancy(),
        sources,
        warnings,
    })
}

/// The edge in voxels of the cubes that meshes become.
///
/// # Errors
/// An edge that is too small or too large.
pub(crate) fn edge_of_meshes(options: &LoadOptions) -> Result<usize, Error> {
    let edge = options.image_size.unwrap_or(EDGE);
    let [least, most] = EDGES;
    if !(least..=most).contains(&edge) {
        let rule = format!("meshes become cubes with an edge of {least} to {most} voxels");
        return Err(Error::ImageSize { set: "modelnet10".into(), wanted: edge, rule });
    }
    Ok(edge)
}

/// A mesh and its class.
#[derive(Debug, Clone)]
struct MeshFile {
    path: PathBuf,
    label: u16,
}

/// The meshes of a part, class by class, sorted by name within a class.
fn find_meshes(folder: &Path, part: Part, set: &ImageSet, warnings: &mut Vec<String>) -> Result<Vec<MeshFile>, Error> {
    let mut meshes = Vec::new();
    let mut differences = Vec::new();
    for (label, class) in (0..).zip(&CLASSES) {
        let folder = folder.join(class.name).join(part.0);
        let mut paths: Vec<PathBuf> = files_in(&folder)?;
        paths.retain(|path| is_mesh(path));
        paths.sort();
        let official = part.1(class);
        if paths.len() != official {
            differences.push(format!("{} holds {} of {official}", class.name, paths.len()));
        }
        meshes.extend(paths.into_iter().map(|path| MeshFile { path, label }));
    }
    if meshes.is_empty() {
        let found = format!("there is no mesh {}", folder.join("*").join(part.0).join("*.off").display());
        return Err(missing_meshes(&found));
    }
    if !differences.is_empty() {
        warnings.push(format!(
            "{}: {} meshes, official {} ({})",
            set.name,
            meshes.len(),
            official(part),
            differences.join(", ")
        ));
    }
    Ok(meshes)
}

/// Whether the name of a file is that of a mesh. macOS puts files such as `._chair_0001.off` beside those that it copies.
fn is_mesh(path: &Path) -> bool {
    let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    !is_hidden && path.extension().is_some_and(|extension| extension == "off")
}

/// The files in a folder, in no order; empty if the folder does not exist.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |cause| Error::Read { path: folder.into(), cause };
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry.map_err(failed)?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed(error)),
    }
}

/// Appends the volume of each mesh, and a source for each class.
fn append_meshes(meshes: &[MeshFile], set: &mut ImageSet, sources: &mut Vec<Source>) -> Result<(), Error> {
    let edge = set.height;
    let mut digests: Vec<(Sha256, usize)> = CLASSES.iter().map(|_| (Sha256::new(), 0)).collect();
    // Meshes run in parallel, but only 64 at a time, so that results not yet appended take little memory.
    for some in meshes.chunks(64) {
        let results: Vec<_> = some.par_iter().map(|mesh| volume(&mesh.path, edge)).collect();
        for (mesh, result) in some.iter().zip(results) {
            let (digest, volume) = result?;
            set.labels.push(mesh.label);
            set.images.extend(volume);
            let (class_digest, records) = &mut digests[usize::from(mesh.label)];
            if let Some(name) = mesh.path.file_name() {
                class_digest.update(name.as_encoded_bytes());
            }
            class_digest.update(digest);
            *records += 1;
        }
    }
    for (label, (digest, records)) in (0..).zip(digests) {
        if let Some(folder) = meshes.iter().find(|mesh| mesh.label == label).and_then(|mesh| mesh.path.parent()) {
            sources.push(Source {
                path: folder.display().to_string(),
                records,
                sha256: hex::encode(digest.finalize()),
            });
        }
    }
    Ok(())
}

/// The digest of a mesh file, and the mesh's volume `[edge, edge, edge]`.
fn volume(path: &Path, edge: usize) -> Result<([u8; 32], Vec<u8>), Error> {
    let bytes = read_present(path, MOST_OF_MESH)?;
    let mesh = off::read(path, &bytes)?;
    let without_extent = || {
        let found = "corners at one place, or infinitely far apart";
        Error::format(path, "the whole file", found, "a mesh with an extent")
    };
    let volume = surface(&mesh, edge).ok_or_else(without_extent)?;
    Ok((Sha256::digest(&bytes).into(), volume))
}

fn missing_meshes(found: &str) -> Error {
    Error::Missing {
        name: "modelnet10",
        found: found.into(),
        remedy: format!(
            "run `cargo xtask fetch modelnet10 --data-dir DATA_DIR`, or unpack \"ModelNet10.zip\" of \
             https://modelnet.cs.princeton.edu so that DATA_DIR/{MESHES}/ holds folders like chair/train and chair/test with .off files, {NAME_DATA_DIR}"
        ),
    }
}

/// Reads stored voxels below the data folder.
///
/// An edge `e` has the files `modelnet10_<e>_train.npz` and `modelnet10_<e>_test.npz`. Each file holds `data`, integers or
/// truth values of 0 and 1 of the shape `[n, e, e, e]`, and `labels`, integers from 0.
///
/// An edge counts only if both of its files exist. Without a requested size, the largest edge is read. With one, the
/// smallest edge is read that is a whole multiple of the size.
pub(crate) fn read_voxels(options: &LoadOptions) -> Result<Files, Error> {
    let no_folder = || missing_voxels("no data folder is given");
    let folder = options.data_dir.as_ref().ok_or_else(no_folder)?.join(VOXELS);
    let edges = edges_in(&folder)?;
    let edge = match options.image_size {
        None => edges.last().copied(),
        Some(size) => edges.iter().copied().find(|edge| size > 0 && edge.is_multiple_of(size)),
    };
    let Some(edge) = edge else {
        let edges: Vec<_> = edges.iter().map(usize::to_string).collect();
        return Err(Error::ImageSize {
            set: "modelnet10-voxels".into(),
            wanted: options.image_size.unwrap_or(0),
            rule: format!("the stored edges are {} voxels; edge / size must be whole", edges.join(", ")),
        });
    };
    let mut sources = Vec::new();
    let mut warnings = Vec::new();
    let mut read_part = |part: Part| {
        let path = folder.join(format!("modelnet10_{edge}_{}.npz", part.0));
        let missing = || missing_voxels(&format!("there is no file {}", path.display()));
        let bytes = read_if_there(&path, MOST_OF_VOXELS)?.ok_or_else(missing)?;
        let stored = parse_voxels(&path, &bytes, part, edge)?;
        sources.push(source(&path, &bytes, stored.len()));
        if stored.len() != official(part) {
            let file = format!("modelnet10_{edge}_{}.npz holds {}", part.0, stored.len());
            warnings.push(difference(&stored, official(part), &[file]));
        }
        stored.box_occupied(options.image_size.unwrap_or(edge))
    };
    Ok(Files {
        train: read_part(TRAIN)?,
        test: read_part(TEST)?,
        folds: Vec::new(),
        sources,
        warnings,
        published: Some(Normalisation::occupancy()),
    })
}

/// The edges for which a folder holds both files, in ascending order; at least one.
fn edges_in(folder: &Path) -> Result<Vec<usize>, Error> {
    let files = files_in(folder)?;
    let edge = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?;
        let edge: usize = name.strip_prefix("modelnet10_")?.strip_suffix("_train.npz")?.parse().ok()?;
        let test = folder.join(format!("modelnet10_{edge}_test.npz"));
        (edge > 0 && files.contains(&test)).then_some(edge)
    };
    let mut edges: Vec<usize> = files.iter().filter_map(edge).collect();
    edges.sort_unstable();
    if edges.is_empty() {
        let files = folder.join("modelnet10_EDGE_{train,test}.npz");
        return Err(missing_voxels(&format!("the files {} are missing", files.display())));
    }
    Ok(edges)
}

fn parse_voxels(path: &Path, bytes: &[u8], part: Part, edge: usize) -> Result<ImageSet, Error> {
    let most = MOST_OF_OBJECT * official(part);
    let mut file = Npz::open(path, bytes)?;
    let expected = format!("[n, {edge}, {edge}, {edge}], n from 1 to {most}");
    let fits = |shape: &[usize]| matches!(*shape, [n, d, h, w] if (1..=most).contains(&n) && [d, h, w] == [edge; 3]);
    let data = file.array("data", &expected, fits)?;
    let n = data.shape[0];
    let labels = file.array("labels", &format!("[{n}]"), |shape| *shape == [n])?;
    let fault = |place: String, found: i128, expected: &str| Error::format(path, place, found.to_string(), expected);
    let mut set = empty_set("modelnet10-voxels", part, edge);
    set.images.reserve_exact(n * edge * edge * edge);
    for (i, voxel) in data.values().enumerate() {
        set.images.push(match voxel {
            0 => EMPTY,
            1 => FULL,
            _ => {
                return Err(fault(format!("array \"data\", voxel {i} (counted from 0)"), voxel, "0 or 1"));
            }
        });
    }
    for (i, label) in labels.values().enumerate() {
        if !(0..CLASSES.len() as i128).contains(&label) {
            return Err(fault(format!("array \"labels\", label {i} (counted from 0)"), label, "0 to 9"));
        }
        set.labels.push(label as u16);
    }
    Ok(set)
}

fn missing_voxels(found: &str) -> Error {
    Error::Missing {
        name: "modelnet10-voxels",
        found: found.into(),
        remedy: format!(
            "put modelnet10_EDGE_train.npz and modelnet10_EDGE_test.npz (for some EDGE, such as 32) into \
             DATA_DIR/{VOXELS}/, or read the official meshes as modelnet10, {NAME_DATA_DIR}"
        ),
    }
}

#[cfg(test)]
mod tests;
