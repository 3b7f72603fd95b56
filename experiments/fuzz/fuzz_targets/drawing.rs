//! Architectures to draw, as any program may have written them: an accepted architecture can be drawn.

#![no_main]

use libfuzzer_sys::fuzz_target;
use reports::drawing::{Architecture, Graph, dot, graph_figure};

fuzz_target!(|text: &str| {
    for width in [None, Some(1), Some(30)] {
        let Ok(architecture) = Architecture::from_json(text, width) else {
            continue;
        };
        let blocks = architecture.blocks.iter().enumerate();
        let blocks = blocks.map(|(index, block)| Graph::block(block, index, width));
        for graph in blocks.chain([Graph::network(&architecture, width)]) {
            let _ = dot("title", &graph);
            let _ = graph_figure(&graph, "title").and_then(|figure| figure.svg());
        }
    }
});
