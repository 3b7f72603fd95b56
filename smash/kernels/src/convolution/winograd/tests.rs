//! Tests of the Winograd tiles.

use proptest::prelude::*;

use super::*;
use crate::convolution::outputs::tests::{operands, outputs_by};

/// Every output by definition, and the sum of its terms' absolute values.
fn exact(geometry: Geometry) -> Vec<[f64; 2]> {
    let [input, weight] = operands(geometry);
    let Geometry {
        batch,
        groups,
        inputs,
        outputs,
        height,
        width,
        kernel: [rows, columns],
        dilation: [down, right],
        slope,
    } = geometry;
    let [above, left] = geometry.padding();
    let at = |image: usize, channel: usize, row: usize, column: usize| {
        let (row, column) = (
            row.checked_sub(above).filter(|&row| row < height)?,
            column.checked_sub(left).filter(|&column| column < width)?,
        );
        let value = input[((image * groups * inputs + channel) * height + row) * width + column];
        Some(f64::from(if value > 0.0 { value } else { value * slope }))
    };
    let mut all = Vec::new();
    for index in 0..batch * groups * outputs * height * width {
        let (row, column) = (index / width % height, index % width);
        let (output, image) =
            (index / width / height % (groups * outputs), index / width / height / (groups * outputs));
        let mut total = [0.0; 2];
        for tap in 0..geometry.taps() {
            let (tap_row, tap_column) = (tap / columns % rows, tap % columns);
            let channel = output / outputs * inputs + tap / columns / rows;
            if let Some(value) = at(image, channel, row + tap_row * down, column + tap_column * right) {
                let product = value * f64::from(weight[output * geometry.taps() + tap]);
                total[0] += product;
                total[1] += product.abs();
            }
        }
        all.push(total);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn outputs_agree_with_the_definition_up_to_rounding(
        batch in prop::sample::select(vec![1_usize, 9]),
        groups in 1_usize..4,
        inputs in 1_usize..9,
        outputs in 1_usize..20,
        height in 1_usize..20,
        width in prop_oneof![1_usize..20, Just(32)],
        kernel in [1_usize..4, 0_usize..4],
        dilation in [1_usize..4, 1_usize..4],
        slope in prop::sample::select(vec![0.0_f32, 0.02, 1.0]),
    ) {
        let kernel = kernel.map(|half| 2 * half + 1);
        let geometry = Geometry { batch, groups, inputs, outputs, height, width, kernel, dilation, slope };
        let ours = outputs_by(&Winograd::new(geometry));
        let exact = exact(geometry);
        let scale = exact.iter().fold(0.0_f64, |most, [_, size]| most.max(*size));
        for (ours, [expected, _]) in ours.iter().zip(&exact) {
            prop_assert!((f64::from(*ours) - expected).abs() <= 2e-6 * scale, "{geometry:?}: {ours} is not {expected}");
        }
    }
}

#[test]
fn an_image_has_the_same_outputs_in_any_batch_and_in_any_passes() {
    let geometry = Geometry {
        batch: 9,
        groups: 1,
        inputs: 64,
        outputs: 7,
        height: 32,
        width: 32,
        kernel: [7, 5],
        dilation: [2, 1],
        slope: 0.0,
    };
    let run = |geometry: Geometry| {
        let winograd = Winograd::new(geometry);
        (winograd.passes(), outputs_by(&winograd))
    };
    let (passes, all) = run(geometry);
    let (passes_alone, first) = run(Geometry { batch: 1, ..geometry });
    assert!(passes > 1 && passes_alone == 1, "{passes} and {passes_alone} passes");
    assert!(all[..first.len()] == first);
}
