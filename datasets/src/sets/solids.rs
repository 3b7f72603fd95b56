//! The built-in set `solids`: ten classes of simple solids as voxels, the counterpart of `shapes` for volumes.
//!
//! Size, proportions, place, rotation about the vertical axis, a dent, clutter and noise are drawn alike for all
//! classes. The form alone is the class. Rotations and mirror images keep it. There is no label noise.
//!
//! Only exactly rounded arithmetic (`+ - * /` and square roots) is used, so a seed gives the same
//! bytes on every machine.

mod form;

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use self::form::{FORMS, Form, Place};
use crate::sets::drawn::{Order, draw_all};
use crate::sets::voxels::{EMPTY, FULL};
use crate::{Error, ImageSet};

/// Draws the requested volumes, as 0 (empty) and 255 (full), with slices from the ground up.
pub(crate) fn generate(order: Order) -> Result<ImageSet, Error> {
    let empty = ImageSet::empty("solids".into(), [1, order.size, order.size, order.size], FORMS.len());
    draw_all(empty, order, |class, rng, volumes| {
        draw(FORMS[class], order.size, rng, volumes);
    })
}

/// Appends a volume `[depth, height, width]` that holds a solid. The cube spans -1 to 1 along each axis.
fn draw(form: Form, size: usize, rng: &mut ChaCha8Rng, volumes: &mut Vec<u8>) {
    let solid = Solid::random(form, rng);
    let dent = Ball { centre: solid.point_on_side(rng), radius: solid.radius * rng.random_range(0.2..0.45) };
    let clutter: [Ball; 2] = std::array::from_fn(|_| Ball {
        centre: std::array::from_fn(|_| rng.random_range(-0.9..0.9)),
        radius: rng.random_range(0.05..0.2),
    });
    let share_flipped: f32 = rng.random_range(0.0..0.03);
    let flipped_below = (share_flipped * u32::MAX as f32) as u32;
    let middle = |cell: usize| (2.0 * cell as f32 + 1.0) / size as f32 - 1.0;
    for cell in 0..size * size * size {
        let place = [cell % size, cell / size % size, cell / size / size].map(middle);
        let is_solid = solid.holds(place) && !dent.holds(place);
        let is_full = is_solid || clutter.iter().any(|ball| ball.holds(place));
        let is_flipped = rng.next_u32() < flipped_below;
        volumes.push(if is_full != is_flipped { FULL } else { EMPTY });
    }
}

/// A form at a place in the cube.
#[derive(Debug)]
struct Solid {
    form: Form,
    centre: Place,
    /// Half the size before the proportions apply, as a share of the cube's half edge.
    radius: f32,
    /// Half the size along each of the form's own axes.
    half: Place,
    /// Horizontal unit vector along which the form's own first axis points.
    axis: [f32; 2],
}

impl Solid {
    fn random(form: Form, rng: &mut ChaCha8Rng) -> Solid {
        let radius: f32 = rng.random_range(0.6..0.9);
        Solid {
            form,
            centre: std::array::from_fn(|_| (1.0 - radius) * rng.random_range(-1.0..1.0)),
            radius,
            half: std::array::from_fn(|_| radius * rng.random_range(0.75..1.0)),
            axis: random_axis(rng),
        }
    }

    fn holds(&self, place: Place) -> bool {
        let [x, y, z] = std::array::from_fn(|i| place[i] - self.centre[i]);
        let [cosine, sine] = self.axis;
        let turned = [x * cosine + y * sine, y * cosine - x * sine, z];
        self.form.holds(std::array::from_fn(|i| turned[i] / self.half[i]))
    }

    /// A point near the solid's side, at a random height.
    fn point_on_side(&self, rng: &mut ChaCha8Rng) -> Place {
        let [x, y] = random_axis(rng);
        let height: f32 = rng.random_range(-1.0..1.0);
        let [x0, y0, z0] = self.centre;
        let reach = 0.8 * self.radius;
        [x0 + reach * x, y0 + reach * y, z0 + reach * height]
    }
}

#[derive(Debug)]
struct Ball {
    centre: Place,
    radius: f32,
}

impl Ball {
    fn holds(&self, place: Place) -> bool {
        let squares = (0..3).map(|i| (place[i] - self.centre[i]) * (place[i] - self.centre[i]));
        squares.sum::<f32>() <= self.radius * self.radius
    }
}

/// A unit vector of random direction.
fn random_axis(rng: &mut ChaCha8Rng) -> [f32; 2] {
    loop {
        let [x, y]: [f32; 2] = [rng.random_range(-1.0..1.0), rng.random_range(-1.0..1.0)];
        let length = (x * x + y * y).sqrt();
        if (0.1..1.0).contains(&length) {
            return [x / length, y / length];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subset::Subset;

    fn order(subset: Subset, n: usize, size: usize) -> ImageSet {
        let seed = 0;
        generate(Order { subset, n, size, seed }).unwrap()
    }

    #[test]
    fn volumes_and_labels_of_a_seed_are_golden() {
        let digests = [order(Subset::Train, 50, 16), order(Subset::Test, 50, 8)].map(|set| set.digest());
        assert_eq!(
            digests,
            [
                "681b9835d38d069ec0a623c22842d595887d2969d713b263d9c192f77f98bfef",
                "6fac8bc63efe5e9e3384a20e1b4becbb6bd459a58ca31df35402220e2f845952",
            ]
        );
    }

    #[test]
    fn a_volume_does_not_depend_on_how_many_are_drawn() {
        let few: Vec<usize> = (0..7).collect();
        assert_eq!(order(Subset::Train, 20, 9).subset(&few), order(Subset::Train, 7, 9));
        assert_ne!(order(Subset::Test, 7, 9).images, order(Subset::Train, 7, 9).images);
    }

    #[test]
    fn every_size_from_8_is_drawn_and_smaller_ones_are_refused() {
        for size in [8, 9, 16, 24, 33] {
            let set = order(Subset::Train, 1, size);
            assert_eq!([set.channels, set.depth, set.height, set.width], [1, size, size, size]);
            assert_eq!(set.images.len(), size * size * size);
        }
        let small = Order { subset: Subset::Train, n: 1, size: 7, seed: 0 };
        let message = generate(small).unwrap_err().to_string();
        assert!(message.contains("solids are drawn at any size from 8"), "{message}");
    }

    /// Share of 300 new volumes that `nearest` puts into the right class, given 2,000 others.
    fn accuracy(size: usize, nearest: impl Fn(&ImageSet, &[u8]) -> u16) -> f64 {
        let known = order(Subset::Train, 2_000, size);
        let new = order(Subset::Test, 300, size);
        let right = (0..new.len()).filter(|&i| nearest(&known, new.image(i)) == new.labels[i]);
        right.count() as f64 / new.len() as f64
    }

    // Chance is 10 %, with a standard deviation of about 2 % on 300 volumes.
    #[test]
    fn the_number_of_full_voxels_tells_little_of_the_class() {
        let full = |volume: &[u8]| volume.iter().filter(|&&voxel| voxel == FULL).count();
        let accuracy = accuracy(8, |known, new| {
            let distance = |i: &usize| full(known.image(*i)).abs_diff(full(new));
            known.labels[(0..known.len()).min_by_key(distance).unwrap()]
        });
        assert!(accuracy < 0.2, "{accuracy}");
    }

    #[test]
    fn the_most_similar_volume_tells_more_but_not_all() {
        let accuracy = accuracy(8, |known, new| {
            let distance = |i: &usize| known.image(*i).iter().zip(new).filter(|(a, b)| a != b).count();
            known.labels[(0..known.len()).min_by_key(distance).unwrap()]
        });
        assert!((0.5..0.8).contains(&accuracy), "{accuracy}");
    }
}
