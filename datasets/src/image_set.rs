//! Labelled images and volumes as bytes.

use sha2::{Digest, Sha256};

use crate::Error;

/// Largest size of drawn or converted examples in bytes: 2 GiB, which are 8 GiB as floats.
const MOST_BYTES: usize = 1 << 31;

/// Labelled images of one size, as bytes. Volumes are images with more than one slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSet {
    /// The name of the set in messages, such as "cifar10 train".
    pub name: String,
    /// Pixels from 0 to 255, `[n, channels, height, width]`; voxels, `[n, channels, depth, height, width]`.
    pub images: Vec<u8>,
    /// The class of each image, `[n]`, each below `classes`.
    pub labels: Vec<u16>,
    /// Channels of an image.
    pub channels: usize,
    /// Slices of a volume, from the ground up; 1 for images.
    pub depth: usize,
    /// Height of an image in pixels.
    pub height: usize,
    /// Width of an image in pixels.
    pub width: usize,
    /// Number of classes, whether or not each has an example.
    pub classes: usize,
}

impl ImageSet {
    /// A set without examples. The array holds channels, depth, height and width of one example.
    pub(crate) fn empty(name: String, [channels, depth, height, width]: [usize; 4], classes: usize) -> ImageSet {
        ImageSet { name, images: Vec::new(), labels: Vec::new(), channels, depth, height, width, classes }
    }

    /// Takes memory for `n` examples.
    ///
    /// # Errors
    /// [`Error::Memory`] if they need too much.
    pub(crate) fn reserve(&mut self, n: usize) -> Result<(), Error> {
        let size = [self.channels, self.depth, self.height, self.width].into_iter().fold(1, usize::saturating_mul);
        let all = n.saturating_mul(size);
        if all > MOST_BYTES {
            return Err(Error::Memory { set: self.name.clone(), n, size, most: MOST_BYTES });
        }
        self.images.reserve_exact(all);
        Ok(())
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether the set has no example.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pixels of one image, `[channels, height, width]`, or the voxels of one volume,
    /// `[channels, depth, height, width]`. Panics if there is no such example.
    pub fn image(&self, index: usize) -> &[u8] {
        let pixels = self.channels * self.depth * self.height * self.width;
        assert!(index < self.len(), "{}: example {index} of {}", self.name, self.len());
        &self.images[index * pixels..(index + 1) * pixels]
    }

    /// The examples named by `indices`, in that order. Panics if one does not exist.
    pub fn subset(&self, indices: &[usize]) -> ImageSet {
        ImageSet {
            name: self.name.clone(),
            images: indices.iter().flat_map(|&index| self.image(index)).copied().collect(),
            labels: indices.iter().map(|&index| self.labels[index]).collect(),
            ..*self
        }
    }

    /// The same examples in the order of their pixels, then of their labels. Copies of a data set that list the examples in another
    /// order thus give the same set.
    pub(crate) fn sorted(&self) -> ImageSet {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by_key(|&index| (self.image(index), self.labels[index]));
        self.subset(&order)
    }

    /// The same examples at `size` times `size` pixels. Each new pixel is the mean of a square box of old pixels,
    /// rounded to nearest (halves up). Volumes become `size` slices deep; their boxes are cubes.
    ///
    /// # Errors
    /// [`Error::ImageSize`] unless height and width, and the depth of volumes, are the same whole multiple of `size`.
    pub fn box_downsampled(&self, size: usize) -> Result<ImageSet, Error> {
        self.box_reduced(size, |sum, pixels| ((sum + pixels / 2) / pixels) as u8)
    }

    /// As [`box_downsampled`](Self::box_downsampled), but a new voxel is full if any voxel of its box is full. An
    /// object that touches a cell of the coarser grid touches one of the cell's parts.
    pub(crate) fn box_occupied(&self, size: usize) -> Result<ImageSet, Error> {
        self.box_reduced(size, |sum, _| if sum > 0 { 255 } else { 0 })
    }

    /// Makes one pixel from each box, given the sum and the number of its pixels.
    fn box_reduced(&self, size: usize, reduce: impl Fn(u32, u32) -> u8) -> Result<ImageSet, Error> {
        let is_volume = self.depth > 1;
        let is_cube = self.height == self.width && (!is_volume || self.depth == self.height);
        if size == 0 || !is_cube || !self.height.is_multiple_of(size) {
            return Err(Error::ImageSize {
                set: self.name.clone(),
                wanted: size,
                rule: if is_volume {
                    format!("{} by {} by {} voxels / size must be whole", self.depth, self.height, self.width)
                } else {
                    format!("{} by {} pixels / size must be whole", self.height, self.width)
                },
            });
        }
        let factor = self.height / size;
        let (depth, box_depth) = if is_volume { (size, factor) } else { (1, 1) };
        let box_pixels = (box_depth * factor * factor) as u32;
        let mut images = Vec::with_capacity(self.len() * self.channels * depth * size * size);
        for slab in self.images.chunks_exact(box_depth * self.height * self.width) {
            for row in 0..size {
                for column in 0..size {
                    let sum: u32 = (0..box_depth * factor)
                        .map(|line| {
                            let row = line / factor * self.height + row * factor + line % factor;
                            let start = row * self.width + column * factor;
                            slab[start..start + factor].iter().map(|&p| u32::from(p)).sum::<u32>()
                        })
                        .sum();
                    images.push(reduce(sum, box_pixels));
                }
            }
        }
        Ok(ImageSet {
            name: self.name.clone(),
            images,
            labels: self.labels.clone(),
            depth,
            height: size,
            width: size,
            ..*self
        })
    }

    /// SHA-256 in hexadecimal of shape, pixels and labels (not of the name). Equal digests mean equal data in equal
    /// order. The depth is hashed only if it is not 1, so that image sets keep the digests stored before there were
    /// volumes.
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        let depth = (self.depth > 1).then_some(self.depth);
        let extents = [self.len(), self.channels].into_iter().chain(depth);
        for extent in extents.chain([self.height, self.width, self.classes]) {
            hasher.update((extent as u64).to_le_bytes());
        }
        hasher.update(&self.images);
        for label in &self.labels {
            hasher.update(label.to_le_bytes());
        }
        hex::encode(hasher.finalize())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// `n` examples of a 3-class set whose bytes and labels count up.
    pub(crate) fn counting_set(n: usize, channels: usize, size: usize) -> ImageSet {
        ImageSet {
            name: "counting".into(),
            images: (0..n * channels * size * size).map(|i| (i * 7 % 256) as u8).collect(),
            labels: (0..n).map(|i| (i % 3) as u16).collect(),
            channels,
            depth: 1,
            height: size,
            width: size,
            classes: 3,
        }
    }

    #[test]
    fn a_subset_keeps_the_requested_order() {
        let set = counting_set(5, 2, 4);
        let subset = set.subset(&[4, 0, 4]);
        assert_eq!(subset.labels, [1, 0, 1]);
        assert_eq!(subset.image(0), set.image(4));
        assert_eq!(subset.image(1), set.image(0));
        assert_eq!(subset.len(), 3);
    }

    #[test]
    fn box_means_round_to_nearest_with_halves_up() {
        let mut set = counting_set(1, 1, 4);
        set.images = vec![
            0, 1, 10, 20, //
            0, 0, 30, 40, //
            0, 1, 255, 255, //
            0, 1, 255, 254, //
        ];
        // 1/4, 100/4, 2/4, 1019/4
        assert_eq!(set.box_downsampled(2).unwrap().images, [0, 25, 1, 255]);
        assert_eq!(set.box_downsampled(4).unwrap(), set);
    }

    /// `n` volumes of `size` cubed voxels and two channels, whose bytes count up.
    pub(crate) fn counting_volumes(n: usize, size: usize) -> ImageSet {
        ImageSet { channels: 2, depth: size, ..counting_set(n, 2 * size, size) }
    }

    #[test]
    fn boxes_of_volumes_are_cubes() {
        let set = counting_volumes(3, 4);
        let small = set.box_downsampled(2).unwrap();
        assert_eq!([small.channels, small.depth, small.height, small.width], [2, 2, 2, 2]);
        assert_eq!(small.images.len(), 3 * 2 * 8);
        for (i, &mean) in small.images.iter().enumerate() {
            let (volume, slice, row, column) = (i / 8, i / 4 % 2, i / 2 % 2, i % 2);
            let sum: u32 = (0..8)
                .map(|cell| [2 * slice + cell / 4, 2 * row + cell / 2 % 2, 2 * column + cell % 2])
                .map(|[z, y, x]| u32::from(set.images[volume * 64 + z * 16 + y * 4 + x]))
                .sum();
            assert_eq!(u32::from(mean), (sum + 4) / 8, "voxel {i}");
        }
        let message = set.box_downsampled(3).unwrap_err().to_string();
        assert!(message.contains("4 by 4 by 4 voxels"), "{message}");
    }

    #[test]
    fn a_box_is_occupied_if_any_voxel_of_it_is() {
        let mut set = counting_volumes(1, 16);
        set.images.fill(0);
        assert!(set.box_occupied(2).unwrap().images.iter().all(|&voxel| voxel == 0));
        // Only the last voxel of the second channel is full. The mean of its box, 255 / 512, would be rounded to 0.
        *set.images.last_mut().unwrap() = 255;
        let occupied = set.box_occupied(2).unwrap().images;
        assert_eq!((occupied.iter().filter(|&&v| v == 0).count(), occupied[15]), (15, 255));
    }

    #[test]
    fn a_size_that_does_not_divide_is_refused() {
        for size in [0, 3, 5, 8] {
            let message = counting_set(1, 1, 4).box_downsampled(size).unwrap_err().to_string();
            assert!(message.contains("counting: image size"), "{message}");
            assert!(message.contains("4 by 4"), "{message}");
        }
    }

    #[test]
    fn the_digest_sees_shape_pixels_and_labels() {
        let set = counting_set(4, 1, 4);
        let mut digests = vec![set.digest()];
        let mut pixel = set.clone();
        pixel.images[3] += 1;
        digests.push(pixel.digest());
        let mut label = set.clone();
        label.labels[0] = 2;
        digests.push(label.digest());
        let reshaped = ImageSet { channels: 4, height: 2, width: 2, ..set.clone() };
        digests.push(reshaped.digest());
        digests.push(set.subset(&[1, 0, 2, 3]).digest());
        let deep = ImageSet { depth: 4, height: 1, ..set.clone() };
        digests.push(deep.digest());
        let distinct: std::collections::BTreeSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len(), "{digests:?}");
        assert_eq!(ImageSet { name: "other".into(), ..set.clone() }.digest(), set.digest());
    }
}
