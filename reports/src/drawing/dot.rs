//! Graphs as text for Graphviz.

use super::graph::{Graph, Kind};

/// The DOT text of a graph.
pub fn dot(title: &str, graph: &Graph) -> String {
    let mut lines = vec![
        "digraph architecture {".to_owned(),
        format!("  label={};", quoted(title)),
        "  labelloc=t;".to_owned(),
        "  node [fontname=\"DejaVu Sans\"];".to_owned(),
    ];
    for (index, node) in graph.nodes.iter().enumerate() {
        let shape = match node.kind {
            Kind::End => "shape=oval",
            Kind::Op => "shape=box, style=bold",
            Kind::Conv => "shape=box, style=rounded",
            Kind::Join => "shape=box, style=dashed",
        };
        let label = quoted(&node.label.join("\n"));
        lines.push(format!("  n{index} [{shape}, label={label}];"));
    }
    for (from, to) in &graph.edges {
        lines.push(format!("  n{from} -> n{to};"));
    }
    lines.push("}\n".to_owned());
    lines.join("\n")
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::made_up::blocks;
    use super::*;

    type Edges = BTreeSet<(usize, usize)>;

    /// Reads back the lines that [`dot`] writes: labels of nodes, and edges.
    fn parse(text: &str) -> Option<(Vec<String>, Edges)> {
        let (mut labels, mut edges) = (Vec::new(), Edges::new());
        let body = text.strip_prefix("digraph architecture {\n")?.strip_suffix("\n}\n")?;
        for line in body.lines() {
            let line = line.strip_prefix("  ")?.strip_suffix(';')?;
            if let Some((from, to)) = line.split_once(" -> ") {
                let number = |name: &str| name.strip_prefix('n')?.parse().ok();
                edges.insert((number(from)?, number(to)?));
            } else if let Some(node) = line.strip_prefix(&format!("n{} [shape=", labels.len())) {
                let (_, label) = node.strip_suffix(']')?.split_once(", label=")?;
                labels.push(unquoted(label)?);
            }
        }
        Some((labels, edges))
    }

    fn unquoted(text: &str) -> Option<String> {
        let inner = text.strip_prefix('"')?.strip_suffix('"')?;
        let (mut plain, mut chars) = (String::new(), inner.chars());
        while let Some(c) = chars.next() {
            plain.push(match c {
                '"' => return None,
                '\\' => match chars.next()? {
                    'n' => '\n',
                    escaped => escaped,
                },
                _ => c,
            });
        }
        Some(plain)
    }

    #[test]
    fn text_is_quoted() {
        let text = dot("a \"title\" \\", &Graph::default());
        assert!(text.contains(r#"label="a \"title\" \\";"#), "{text}");
        assert_eq!(unquoted(r#""a \"b\" \\ \n""#).unwrap(), "a \"b\" \\ \n");
    }

    proptest! {
        #[test]
        fn a_written_graph_reads_back_as_the_same_graph(block in blocks()) {
            let graph = Graph::block(&block, 1, Some(8));
            let (labels, edges) = parse(&dot("title", &graph)).expect("the text is as expected");
            let expected: Vec<String> = graph.nodes.iter().map(|node| node.label.join("\n")).collect();
            prop_assert_eq!(labels, expected);
            prop_assert_eq!(edges, graph.edges);
            for index in 0..block.ops.len() {
                let name = format!("\"op 1.{index}\\n");
                prop_assert!(dot("title", &Graph::block(&block, 1, None)).contains(&name));
            }
        }
    }
}
