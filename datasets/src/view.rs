//! Augmentation: the visible part of an image.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The visible part of a bordered image, and whether it is mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Row and column of the bordered image at the view's top left corner.
    top: usize,
    left: usize,
    mirrored: bool,
}

impl View {
    /// A crop at a random place, flipped left to right with probability 1/2.
    pub fn random(border: usize, rng: &mut ChaCha8Rng) -> View {
        let border = border as i32;
        let mut place = || (rng.random_range(-border..=border) + border) as usize;
        View { top: place(), left: place(), mirrored: rng.random_bool(0.5) }
    }

    /// The visible rows of an image of this height, from top to bottom.
    pub fn rows(self, height: usize) -> impl Iterator<Item = usize> {
        self.top..self.top + height
    }

    /// The visible columns of an image of this width, from left to right.
    pub fn columns(self, width: usize) -> impl Iterator<Item = usize> {
        let Self { left, mirrored, .. } = self;
        (0..width).map(move |column| left + if mirrored { width - 1 - column } else { column })
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_view_is_a_window_and_its_mirror_runs_backwards() {
        let view = View { top: 1, left: 2, mirrored: false };
        let mirrored = View { mirrored: true, ..view };
        for view in [view, mirrored] {
            assert_eq!(view.rows(3).collect::<Vec<_>>(), [1, 2, 3]);
        }
        assert_eq!(view.columns(3).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(mirrored.columns(3).collect::<Vec<_>>(), [4, 3, 2]);
    }

    #[test]
    fn all_shifts_and_both_mirrors_occur_equally_often() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut counts = [[0_i32; 9]; 2];
        let mut mirrored = 0;
        for _ in 0..9_000 {
            let view = View::random(4, &mut rng);
            counts[0][view.top] += 1;
            counts[1][view.left] += 1;
            mirrored += i32::from(view.mirrored);
        }
        // Standard deviations are 30 and 47 counts. The tolerances are five standard deviations.
        assert!(counts.as_flattened().iter().all(|&c| (c - 1_000).abs() < 150), "{counts:?}");
        assert!((mirrored - 4_500).abs() < 240, "{mirrored}");
    }
}
