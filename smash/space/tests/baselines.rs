//! Tests of hand-designed networks against their publications.

use smash_space::Task;
use smash_space::baselines::Baseline;
use smash_space::blueprint::Step;

const FRACTAL: [usize; 5] = [64, 128, 256, 512, 512];

fn voxels(edge: usize) -> Task {
    Task { image_depth: edge, ..Task::of_images(1, edge, 10) }
}

/// Parameters in millions, as the papers round them.
#[test]
fn networks_have_the_published_number_of_parameters() {
    let cifar_10 = Task::of_images(3, 32, 10);
    let check = |baseline: Baseline, millions: f64, unit: f64| {
        let counts = baseline.blueprint(cifar_10).unwrap().counts();
        let found = counts.parameters as f64 / 1e6;
        assert!((found - millions).abs() <= unit / 2.0 + 1e-9, "{baseline:?}: {found}");
    };
    let wide = |depth, widen| Baseline::WideResnet { depth, widen };
    // Zagoruyko and Komodakis, table 4 and table 5.
    check(wide(40, 4), 8.9, 0.2);
    check(wide(16, 8), 11.0, 0.1);
    check(wide(28, 10), 36.5, 0.1);
    // Huang et al., table 2.
    let dense = |depth, growth| Baseline::DensenetBc { depth, growth };
    check(dense(100, 12), 0.8, 0.1);
    check(dense(250, 24), 15.3, 0.1);
    check(dense(190, 40), 25.6, 0.1);
    // Gastaldi, table 1.
    check(Baseline::ShakeShake { depth: 26, width: 96 }, 26.2, 0.1);
}

/// A block of C columns has 2^C - 1 convolutions, and C of them read the block's input.
#[test]
fn a_fractal_block_has_a_convolution_for_each_node() {
    let baseline =
        Baseline::Fractalnet { columns: 3, channels: FRACTAL.to_vec(), drop_path: true, dropout: Vec::new() };
    let blueprint = baseline.blueprint(Task::of_images(3, 32, 10)).unwrap();
    assert_eq!(blueprint.convs.len(), 5 * 7);
    let mut inputs = 3;
    for (block, channels) in blueprint.convs.chunks(7).zip(FRACTAL) {
        assert_eq!(block.iter().filter(|conv| conv[1] == inputs).count(), if inputs == channels { 7 } else { 3 });
        inputs = channels;
    }
    // 4 convolutions on the longest path of a block of 3 columns, and the output layer (paper, table 1: depth 21).
    let counts = blueprint.counts();
    assert_eq!(counts.depth, 21);
    // 9 weights for each pair of channels, BatchNorm and output layer. Larsson et al. state 38.6 million.
    assert_eq!(counts.parameters, 33_698_880 + 2 * 7 * 1472 + 513 * 10);
}

/// Larsson et al. drop 0, 10, 20, 30 and 40 % in the five blocks, between convolution and BatchNorm.
#[test]
fn dropout_follows_each_convolution_of_a_block() {
    let fractal = |dropout| Baseline::Fractalnet { columns: 3, channels: FRACTAL.to_vec(), drop_path: true, dropout };
    let task = Task::of_images(3, 32, 10);
    let network = fractal(vec![0, 10, 20, 30, 40]).blueprint(task).unwrap();
    let percents: Vec<usize> = network
        .steps
        .windows(3)
        .filter_map(|steps| match steps {
            [Step::Conv { .. }, Step::Dropout { percent, .. }, Step::Norm { .. }] => Some(*percent),
            _ => None,
        })
        .collect();
    assert_eq!(percents, [10, 20, 30, 40].map(|percent| [percent; 7]).concat());
    assert_eq!(network.counts(), fractal(Vec::new()).blueprint(task).unwrap().counts());
    for wrong in [vec![10; 4], vec![0, 0, 0, 0, 100]] {
        let message = fractal(wrong).blueprint(task).unwrap_err().to_string();
        assert!(message.contains("dropout") && message.contains("each of the 5 blocks"), "{message}");
    }
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    let check = |baseline: Baseline, task: Task, expected: &str| {
        let message = baseline.blueprint(task).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    };
    let images = Task::of_images(3, 32, 10);
    check(Baseline::WideResnet { depth: 17, widen: 1 }, images, "6 N + 4");
    check(Baseline::WideResnet { depth: 16, widen: 0 }, images, "widen");
    check(Baseline::ShakeShake { depth: 2, width: 8 }, images, "6 N + 2");
    check(Baseline::VoxelResnet { depth: 8, width: 8 }, images, "images");
    check(Baseline::WideResnet { depth: 10, widen: 1 }, voxels(8), "volumes");
    let fractal = Baseline::Fractalnet { columns: 2, channels: vec![2; 6], drop_path: false, dropout: Vec::new() };
    check(fractal, images, "6 times");
}
