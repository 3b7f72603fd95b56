//! The images of a study's data sets.

use std::path::Path;

use anyhow::{Result, ensure};
use burn::tensor::backend::AutodiffBackend;
use datasets::{DataSet, LoadOptions};
use results::errln;
use smash::Task;

use crate::settings::studies::{Data, Study};
use crate::tasks::setup::{Images, task_of};

/// The data sets of a study without their images, for a plan where their files are missing.
///
/// # Errors
/// The error of loading them, unless all that is missing are official files.
pub fn outlines<B: AutodiffBackend>(study: &Study, device: &B::Device, error: anyhow::Error) -> Result<Vec<Images<B>>> {
    let Some(datasets::Error::Missing { .. }) = error.downcast_ref() else {
        return Err(error);
    };
    let mut images = Vec::new();
    for settings in study.data_sets() {
        let load = load_options(settings, None);
        let set = match datasets::outline(&settings.name, &load)? {
            Some(outline) => outline,
            None => datasets::load(&settings.name, &load)?,
        };
        images.push(Images::new(set, device.clone()));
    }
    errln!("note: the plan counts with the official numbers of images, and finds nothing in a pool: {error}");
    Ok(images)
}

/// Loads a data set as a study uses it.
///
/// # Errors
/// A data set that cannot be read, has too few images, or has images that are too small for a network.
pub fn load_data(settings: &Data, data_dir: Option<&Path>) -> Result<DataSet> {
    let data = datasets::load(&settings.name, &load_options(settings, data_dir))?;
    let (size, least) = (data.train.height, task_of(&data).smallest_image());
    ensure!(size >= least, "data set {}: images of {size}x{size} pixels, expected at least {least}x{least}", data.name);
    Ok(data)
}

fn load_options(settings: &Data, data_dir: Option<&Path>) -> LoadOptions {
    LoadOptions {
        data_dir: data_dir.map(Path::to_path_buf),
        image_size: settings.image_size,
        n_train: settings.train,
        n_test: settings.test,
        // Every seed of a run uses the same images, so that seeds differ only in training.
        seed: 0,
    }
}

/// The images of a study's data sets.
///
/// # Errors
/// As [`load_data`].
pub fn load_images<B: AutodiffBackend>(
    study: &Study,
    data_dir: Option<&Path>,
    device: &B::Device,
) -> Result<Vec<Images<B>>> {
    let mut images = Vec::new();
    for settings in study.data_sets() {
        images.push(Images::new(load_data(settings, data_dir)?, device.clone()));
    }
    Ok(images)
}

/// The tasks of some data sets.
pub fn tasks_of<B: AutodiffBackend>(images: &[Images<B>]) -> Vec<Task> {
    images.iter().map(Images::task).collect()
}

/// Names the data sets of a study as their images are named. The name of a data set of one's own identifies its files, and its
/// path does not matter. The run is the same elsewhere.
pub fn name_data_sets<B: AutodiffBackend>(study: &mut Study, images: &[Images<B>]) {
    for (settings, images) in study.data_sets_mut().into_iter().zip(images) {
        settings.name.clone_from(&images.data.name);
    }
}
