//! Tests that batches cut on the device equal batches cut by hand.

use burn_flex::{Flex, FlexDevice};
use datasets::{LoadOptions, View};
use proptest::prelude::*;
use smash::{DeviceImages, Seed, Stream};

const SIZE: usize = 16;

proptest! {
    #[test]
    fn a_batch_is_the_chosen_part_of_each_chosen_image(
        indices in proptest::collection::vec(0_usize..5, 1..8),
        seed in any::<u64>(),
        augment in any::<bool>(),
        // Images of three channels, or volumes whose slices are planes.
        (name, planes) in prop_oneof![Just(("shapes", 3)), Just(("solids", SIZE))],
    ) {
        let options = LoadOptions {
            image_size: Some(SIZE),
            n_train: Some(5),
            n_test: Some(1),
            ..Default::default()
        };
        let data = datasets::load(name, &options).unwrap();
        let (set, border) = (&data.train, data.train.border());
        let images = DeviceImages::<Flex>::new(set, &data.normalisation, &FlexDevice);
        let views = images.random_views(indices.len(), &mut Seed(seed).rng(Stream::SmashAugmentation, &[]));
        let (batch, labels) = images.batch(&indices, augment.then_some(&views[..]));
        prop_assert_eq!(batch.dims(), [indices.len(), planes, SIZE, SIZE]);

        let width = SIZE + 2 * border;
        let bordered = set.normalised(&data.normalisation);
        let inside: Vec<usize> = (border..border + SIZE).collect();
        let mut expected = Vec::new();
        for (&index, view) in indices.iter().zip(&views) {
            let seen = |all: Vec<usize>| if augment { all } else { inside.clone() };
            let (rows, columns) = (seen(view.rows(SIZE).collect()), seen(view.columns(SIZE).collect()));
            for channel in 0..planes {
                let plane = &bordered[(planes * index + channel) * width * width..];
                for &row in &rows {
                    expected.extend(columns.iter().map(|&column| plane[row * width + column]));
                }
            }
        }
        prop_assert_eq!(batch.into_data().to_vec::<f32>().unwrap(), expected);
        let expected: Vec<i32> = indices.iter().map(|&index| i32::from(set.labels[index])).collect();
        prop_assert_eq!(labels.into_data().convert::<i32>().to_vec::<i32>().unwrap(), expected);
    }
}

#[test]
fn the_same_stream_gives_the_same_views_however_batches_are_cut() {
    let draw = |sizes: &[usize]| -> Vec<View> {
        let mut rng = Seed(1).rng(Stream::SmashAugmentation, &[]);
        sizes.iter().flat_map(|&size| (0..size).map(|_| View::random(4, &mut rng)).collect::<Vec<_>>()).collect()
    };
    assert_eq!(draw(&[7]), draw(&[1, 4, 2]));
}
