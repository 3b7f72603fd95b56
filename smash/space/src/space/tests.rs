//! Tests of the search space: its bounds and its sizes.

use super::*;

fn sizes(space: &SearchSpace) -> [[usize; 3]; 3] {
    [0, 1, 2].map(|b| [space.block_input(b), space.block_width(b), space.block_budget(b)])
}

#[test]
fn width_rules_of_paper_and_released_code() {
    let paper = SearchSpace::smash_v1(12, 4);
    let released = SearchSpace { bottleneck: Bottleneck::Released { ratio: 4, cap: 2 }, ..paper.clone() };
    // Channels that an op reads and puts out, then the channels of its 1x1 convolution. These are by the paper, as
    // released, and as released inside SMASH.
    for (inputs, outputs, widths) in [
        (18, 42, [168, 18, 18]),
        (54, 12, [48, 48, 42]),
        (66, 12, [48, 48, 42]),
        (126, 42, [168, 84, 42]),
        (30, 6, [24, 24, 24]),
    ] {
        assert_eq!(paper.generated_channels(inputs, outputs), widths[0]);
        let found = [
            paper.bottleneck_channels(inputs, outputs),
            released.bottleneck_channels(inputs, outputs),
            released.generated_channels(inputs, outputs),
        ];
        assert_eq!(found, widths, "{inputs} to {outputs}");
    }
}

#[test]
fn sizes_follow_the_reference_network() {
    let v2 = SearchSpace::smash_v2(12, 4);
    assert_eq!(sizes(&v2), [[64, 192, 832], [96, 224, 1632], [112, 256, 3184]]);
    assert_eq!(v2.max_banks(), 32);
    let v1 = SearchSpace::smash_v1(12, 4);
    assert_eq!(sizes(&v1), [[48, 144, 624], [72, 168, 1224], [84, 192, 2388]]);
}

#[test]
fn width_30_gives_the_240_banks_of_the_paper() {
    assert_eq!(SearchSpace::smash_v1(12, 30).max_banks(), 240);
}

#[test]
fn filters_never_reach_further_than_nine() {
    let space = SearchSpace::smash_v2(12, 4);
    assert_eq!([3, 5, 7].map(|kernel| space.max_dilation_of(kernel)), [3, 2, 1]);
}

#[test]
fn numbers_outside_their_bounds_are_refused_by_name() {
    let refused = |expected: &str, change: &dyn Fn(&mut SearchSpace)| {
        let mut space = SearchSpace::smash_v2(12, 4);
        assert_eq!(space.validate(), Ok(()));
        change(&mut space);
        assert_eq!(space.validate().unwrap_err().to_string(), format!("search space: {expected}"));
    };
    const HUGE: usize = usize::MAX;
    let huge = "18446744073709551615";
    refused("`depth` must be from 1 to 100, got 0", &|space| space.depth = 0);
    refused("`depth` must be from 1 to 100, got 100000", &|space| space.depth = 100_000);
    refused(&format!("`width` must be from 1 to 200, got {huge}"), &|space| space.width = HUGE);
    refused(&format!("`base-channels` must be from 1 to 256, got {huge}"), &|space| space.base_channels = HUGE);
    refused("`max-channels` must be a multiple of base-channels (8), got 4", &|space| space.max_channels = 4);
    let ratio = Bottleneck::Released { ratio: HUGE, cap: HUGE };
    refused(&format!("`bottleneck.ratio` must be from 1 to 64, got {huge}"), &|space| space.bottleneck = ratio);
    let cap = Bottleneck::Released { ratio: 4, cap: 0 };
    refused("`bottleneck.cap` must be from 1 to 64, got 0", &|space| space.bottleneck = cap);
    refused("`max-kernel` must be an odd number from 3 to 9, got 0", &|space| space.max_kernel = 0);
    let budget = "`budget` must be 0 < smallest <= largest <= 1, got";
    refused(&format!("{budget} [NaN, 1]"), &|space| space.budget = [f64::NAN, 1.0]);
    refused(&format!("{budget} [0.3, inf]"), &|space| space.budget = [0.3, f64::INFINITY]);
}

#[test]
fn a_space_whose_block_input_cannot_be_read_is_refused() {
    let error = SearchSpace::smash_v1(4, 1).validate().unwrap_err().to_string();
    assert!(error.contains("depth-compression") && error.contains("block 0"), "{error}");
    assert!(SearchSpace::smash_v1(4, 2).validate().is_ok());
}
