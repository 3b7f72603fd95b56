//! Tests of the ModelNet10 readers with small files in a temporary folder: whole and damaged meshes and stored voxels.

use tempfile::TempDir;

use super::*;
use crate::formats::npz_writer::{npy, npz};
use crate::load;
use crate::sets::files;
use crate::sets::files::tests::data_dir;

/// A tetrahedron that is wider than it is high.
const MESH: &str = "OFF4 4 6\n0 0 0\n9 0 0\n0 9 0\n0 0 4\n3 0 2 1\n3 0 1 3\n3 1 2 3\n3 0 3 2\n";

fn options(dir: &TempDir) -> LoadOptions {
    LoadOptions { image_size: Some(8), ..files::tests::options(dir) }
}

fn mesh_dir() -> TempDir {
    data_dir(&[
        ("ModelNet10/sofa/train/sofa_0002.off", MESH.replace("4 4 6", "4 4 6 # two").into()),
        ("ModelNet10/sofa/train/sofa_0001.off", MESH.into()),
        ("ModelNet10/bed/train/bed_0001.off", MESH.replace("OFF", "OFF\n").into()),
        ("ModelNet10/bed/train/notes.txt", b"not a mesh".to_vec()),
        ("ModelNet10/bed/train/._bed_0001.off", b"\0\x05\x16\x07\0\x02\0\0Mac OS X".to_vec()),
        ("ModelNet10/toilet/test/toilet_0345.off", MESH.into()),
    ])
}

#[test]
fn meshes_become_volumes_class_after_class() {
    let dir = mesh_dir();
    let data = load("modelnet10", &options(&dir)).unwrap();
    assert_eq!(data.train.labels, [1, 7, 7]);
    assert_eq!(data.test.labels, [9]);
    assert_eq!([data.train.channels, data.train.depth, data.train.height, data.train.width], [1, 8, 8, 8]);
    assert_eq!(data.train.classes, 10);
    let mesh = off::read(Path::new("a.off"), MESH.as_bytes()).unwrap();
    for i in 0..3 {
        assert_eq!(data.train.image(i), surface(&mesh, 8).unwrap());
    }
    assert_eq!(data.normalisation, Normalisation::occupancy());
    let expected = "modelnet10 train: 3 meshes, official 3991 (bathtub holds 0 of 106, bed holds 1 of 515, ";
    assert!(data.warnings[0].starts_with(expected), "{:?}", data.warnings);
    let records: Vec<usize> = data.sources.iter().map(|source| source.records).collect();
    assert_eq!(records, [1, 2, 1]);
    assert!(data.sources[1].path.ends_with("sofa/train"));

    let larger = LoadOptions { image_size: None, ..options(&dir) };
    assert_eq!(load("modelnet10", &larger).unwrap().test.depth, 32);
}

#[test]
fn a_subset_counts_meshes() {
    let dir = mesh_dir();
    let options = LoadOptions { n_train: Some(2), ..options(&dir) };
    let data = load("modelnet10", &options).unwrap();
    assert_eq!(data.train.len(), 2);
    let of_sources: usize = data.sources.iter().map(|source| source.records).sum();
    assert_eq!(of_sources, 3);
    let message = load("modelnet10", &LoadOptions { n_train: Some(4), ..options }).unwrap_err().to_string();
    assert!(message.contains("modelnet10 train: 4 examples requested, expected 1 to 3"), "{message}");
}

#[test]
fn damaged_meshes_and_impossible_edges_are_named() {
    let dir = mesh_dir();
    for size in [0, 7, 129] {
        let options = LoadOptions { image_size: Some(size), ..options(&dir) };
        let message = load("modelnet10", &options).unwrap_err().to_string();
        assert!(message.contains(&format!("image size {size} is not possible")), "{message}");
    }
    let path = dir.path().join("ModelNet10/bed/train/bed_0001.off");
    fs::write(&path, MESH.replace("3 0 1 3", "3 0 1 4")).unwrap();
    let message = load("modelnet10", &options(&dir)).unwrap_err().to_string();
    assert!(message.contains("bed_0001.off: line 7: found \"3 0 1 4\""), "{message}");
    fs::write(&path, "OFF 3 1 0\n0 0 0\n0 0 0\n0 0 0\n3 0 1 2\n").unwrap();
    let message = load("modelnet10", &options(&dir)).unwrap_err().to_string();
    assert!(message.contains("expected a mesh with an extent"), "{message}");
}

fn voxel_file(labels: &[u8], edge: usize, voxels: &[u8]) -> Vec<u8> {
    let n = labels.len();
    npz(&[
        ("data", npy("|u1", &format!("{n}, {edge}, {edge}, {edge}"), voxels)),
        ("labels", npy("|u1", &format!("{n},"), labels)),
    ])
}

/// Voxels with every third one full.
fn thirds(n: usize, edge: usize) -> Vec<u8> {
    (0..n * edge * edge * edge).map(|i| u8::from(i % 3 == 0)).collect()
}

fn voxel_dir() -> TempDir {
    data_dir(&[
        ("ModelNet10-voxels/modelnet10_4_train.npz", voxel_file(&[0, 9, 3], 4, &thirds(3, 4))),
        ("ModelNet10-voxels/modelnet10_4_test.npz", voxel_file(&[8], 4, &thirds(1, 4))),
        ("ModelNet10-voxels/modelnet10_6_train.npz", voxel_file(&[1], 6, &thirds(1, 6))),
        ("ModelNet10-voxels/modelnet10_6_test.npz", voxel_file(&[2], 6, &thirds(1, 6))),
        ("ModelNet10-voxels/modelnet10_8_test.npz", voxel_file(&[2], 8, &thirds(1, 8))),
    ])
}

#[test]
fn stored_voxels_are_read_at_the_edge_that_fits() {
    let dir = voxel_dir();
    let with = |image_size| {
        let options = LoadOptions { image_size, ..options(&dir) };
        load("modelnet10-voxels", &options)
    };
    let data = with(Some(4)).unwrap();
    assert_eq!((&data.train.labels[..], &data.test.labels[..]), (&[0, 9, 3][..], &[8][..]));
    let expected: Vec<u8> = thirds(3, 4).iter().map(|&voxel| voxel * 255).collect();
    assert_eq!(data.train.images, expected);
    assert_eq!([data.train.depth, data.train.height, data.train.width], [4, 4, 4]);
    assert_eq!(data.normalisation, Normalisation::occupancy());
    assert_eq!(data.warnings[0], "modelnet10-voxels train: 3 examples, official 3991 (modelnet10_4_train.npz holds 3)");
    assert_eq!(with(None).unwrap().train.depth, 6, "the largest edge with both files");
    let halved = with(Some(3)).unwrap();
    assert_eq!((halved.train.depth, halved.train.len()), (3, 1));
    // The columns 0 and 3 are full: one in the first box of a row, one in the second.
    let expected: Vec<u8> = (0..27).map(|i| if i % 3 < 2 { FULL } else { EMPTY }).collect();
    assert_eq!(halved.train.images, expected);
    let message = with(Some(5)).unwrap_err().to_string();
    assert!(message.contains("the stored edges are 4, 6 voxels"), "{message}");
}

#[test]
fn stored_voxels_may_be_truth_values_and_24_of_each_object() {
    let dir = voxel_dir();
    let truths = npz(&[("data", npy("|b1", "1, 6, 6, 6", &thirds(1, 6))), ("labels", npy("|u1", "1,", &[1]))]);
    let options = LoadOptions { image_size: None, ..options(&dir) };
    let before = load("modelnet10-voxels", &options).unwrap();
    fs::write(dir.path().join("ModelNet10-voxels/modelnet10_6_train.npz"), truths).unwrap();
    assert_eq!(load("modelnet10-voxels", &options).unwrap().train, before.train);
    let many = npz(&[("data", npy("|b1", "21793, 6, 6, 6", &[]))]);
    fs::write(dir.path().join("ModelNet10-voxels/modelnet10_6_test.npz"), many).unwrap();
    let message = load("modelnet10-voxels", &options).unwrap_err().to_string();
    assert!(message.contains("modelnet10_6_test.npz") && message.contains("n from 1 to 21792"), "{message}");
}

#[test]
fn damaged_voxels_are_named_with_the_place() {
    let check = |train: Vec<u8>, expected: &str| {
        let dir = voxel_dir();
        fs::write(dir.path().join("ModelNet10-voxels/modelnet10_6_train.npz"), train).unwrap();
        let options = LoadOptions { image_size: None, ..options(&dir) };
        let message = load("modelnet10-voxels", &options).unwrap_err().to_string();
        assert!(message.contains("modelnet10_6_train.npz: "), "{message}");
        assert!(message.contains(expected), "{expected} in {message}");
    };
    let voxels = || thirds(1, 6);
    check(voxel_file(&[10], 6, &voxels()), "label 0 (counted from 0): found 10, expected 0 to 9");
    check(voxel_file(&[1], 6, &[2; 216]), "voxel 0 (counted from 0): found 2, expected 0 or 1");
    check(voxel_file(&[1], 4, &thirds(1, 4)), "found the shape [1, 4, 4, 4], expected [n, 6, 6, 6]");
    check(voxel_file(&[], 6, &[]), "found the shape [0, 6, 6, 6]");
    check(voxel_file(&[1, 2], 6, &voxels()), "found 216 bytes, expected 432");
    check(b"no archive".to_vec(), "expected a zip archive");
}

#[test]
fn errors_for_missing_files_say_where_to_put_them() {
    let empty = data_dir(&[("ModelNet10/chair/train/chair_0001.off", MESH.into())]);
    for (name, options, found) in [
        ("modelnet10", LoadOptions::default(), "no data folder is given; run `cargo xtask fetch modelnet10 "),
        ("modelnet10", options(&empty), "there is no mesh"),
        ("modelnet10-voxels", LoadOptions::default(), "no data folder is given"),
        ("modelnet10-voxels", options(&empty), "modelnet10_EDGE_{train,test}.npz are missing"),
    ] {
        let message = load(name, &options).unwrap_err().to_string();
        for part in [found, "DATA_DIR/ModelNet10", "--data-dir", "SMASH_DATA_DIR"] {
            assert!(message.contains(part), "{part} in {message}");
        }
    }
}
