//! The built-in set `shapes`: ten classes of drawn colour images that need more than colour.
//!
//! A class is a set of layouts ([`scene::layouts`]). A layout has four parts at places of a grid: discs, rings, crosses
//! and textured squares. Two classes share their parts and differ in the arrangement. Colours, contrast, size, tilt,
//! background, clutter and noise are drawn alike for all classes. Mirroring and small shifts keep the class. There is
//! no label noise.
//!
//! Only exactly rounded arithmetic (`+ - * /` and square roots) is used, so a seed gives the same
//! bytes on every machine.

mod canvas;
mod scene;

use crate::sets::drawn::{Order, draw_all};
use crate::{Error, ImageSet};

/// Draws the requested images.
pub(crate) fn generate(order: Order) -> Result<ImageSet, Error> {
    let layouts = scene::layouts();
    let sizes = [canvas::CHANNELS, 1, order.size, order.size];
    let empty = ImageSet::empty("shapes".into(), sizes, scene::CLASSES);
    draw_all(empty, order, |class, rng, images| {
        scene::draw(class, &layouts, order.size, rng).append_bytes(images);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subset::Subset;

    fn draw(subset: Subset, n: usize, size: usize, seed: u64) -> Result<ImageSet, Error> {
        generate(Order { subset, n, size, seed })
    }

    fn train(n: usize, size: usize) -> ImageSet {
        draw(Subset::Train, n, size, 0).unwrap()
    }

    #[test]
    fn images_and_labels_of_a_seed_are_golden() {
        assert_eq!(train(50, 16).digest(), "93a2e0c948bbd1e1b2e457a61ccc5ac6ee81a227a47d1f2751b8e08e371e37da");
        assert_eq!(
            draw(Subset::Test, 50, 8, 1).unwrap().digest(),
            "f0a149ac560fbf2a2dbd6542a29467ab7b2025ba51956b08f659e20841691a2c"
        );
    }

    #[test]
    fn an_image_does_not_depend_on_how_many_are_drawn() {
        let few: Vec<usize> = (0..7).collect();
        assert_eq!(train(20, 12).subset(&few), train(7, 12));
    }

    #[test]
    fn parts_and_seeds_differ() {
        let test = draw(Subset::Test, 20, 12, 0).unwrap();
        let other_seed = draw(Subset::Train, 20, 12, 1).unwrap();
        assert_ne!(train(20, 12).images, test.images);
        assert_ne!(train(20, 12).images, other_seed.images);
    }

    #[test]
    fn classes_are_equally_frequent() {
        let mut counts = [0_i32; 10];
        for label in train(5_000, 8).labels {
            counts[usize::from(label)] += 1;
        }
        // Binomial with mean 500 and standard deviation 21. The tolerance is five standard deviations.
        assert!(counts.iter().all(|&count| (count - 500).abs() < 106), "{counts:?}");
    }

    #[test]
    fn every_size_from_8_is_drawn_and_others_are_refused() {
        for size in 8..=64 {
            let set = train(2, size);
            assert_eq!(set.images.len(), 2 * 3 * size * size);
            assert_eq!([set.height, set.width], [size, size]);
        }
        for size in [0, 7, 1025, usize::MAX] {
            let message = draw(Subset::Test, 1, size, 0).unwrap_err().to_string();
            assert!(message.contains(&format!("shapes test: image size {size}")), "{message}");
        }
    }

    #[test]
    fn impossible_numbers_are_refused() {
        for n in [0, 1_000_001] {
            let message = draw(Subset::Train, n, 16, 0).unwrap_err().to_string();
            assert!(message.contains(&format!("{n} examples requested")), "{message}");
            assert!(message.contains("expected 1 to 1000000"), "{message}");
        }
        let message = draw(Subset::Train, 1_000_000, 1024, 0).unwrap_err().to_string();
        let expected = "shapes train: 1000000 examples of 3145728 bytes each are too many, expected at most 2147483648";
        assert!(message.starts_with(expected), "{message}");
    }

    /// Share of new images that the nearest class mean of some features classifies rightly. Other images give the
    /// means.
    fn nearest_mean_accuracy(features: impl Fn(&[u8]) -> Vec<f64>) -> f64 {
        let known = train(2_000, 16);
        let mut sums = vec![vec![0.0; features(known.image(0)).len()]; known.classes];
        let mut counts = vec![0.0; known.classes];
        for (i, &label) in known.labels.iter().enumerate() {
            counts[usize::from(label)] += 1.0;
            for (sum, value) in sums[usize::from(label)].iter_mut().zip(features(known.image(i))) {
                *sum += value;
            }
        }
        let new = draw(Subset::Test, 1_000, 16, 0).unwrap();
        let right = (0..new.len()).filter(|&i| {
            let values = features(new.image(i));
            let distance = |class: usize| -> f64 {
                let mean = sums[class].iter().map(|sum| sum / counts[class]);
                mean.zip(&values).map(|(mean, value)| (mean - value) * (mean - value)).sum()
            };
            let nearest = (0..new.classes).min_by(|&a, &b| distance(a).total_cmp(&distance(b)));
            nearest == Some(usize::from(new.labels[i]))
        });
        right.count() as f64 / new.len() as f64
    }

    // Chance is 10 %, with a standard deviation of about 1 % on 1,000 images.
    #[test]
    fn mean_colours_do_not_tell_the_classes() {
        let accuracy = nearest_mean_accuracy(|image| {
            let mean = |plane: &[u8]| plane.iter().map(|&p| f64::from(p)).sum::<f64>() / 256.0;
            image.chunks(256).map(mean).collect()
        });
        assert!(accuracy < 0.14, "{accuracy}");
    }

    #[test]
    fn mean_images_tell_little_of_the_classes() {
        let accuracy = nearest_mean_accuracy(|image| image.iter().map(|&p| f64::from(p)).collect());
        assert!(accuracy < 0.32, "{accuracy}");
    }
}
