//! Graphs as text for Graphviz.

use super::graph::{Graph, Kind};

/// The DOT text of some graphs, each a cluster with its title.
pub fn dot(graphs: &[(String, Graph)]) -> String {
    let mut lines = vec![
        "digraph architecture {".to_owned(),
        "  node [fontname=\"DejaVu Sans\"];".to_owned(),
    ];
    for (number, (title, graph)) in graphs.iter().enumerate() {
        lines.push(format!("  subgraph cluster_{number} {{"));
        lines.push(format!("    label={};", quoted(title)));
        for (index, node) in graph.nodes.iter().enumerate() {
            let shape = match node.kind {
                Kind::Input | Kind::Output => "oval",
                Kind::Op => "box",
                Kind::Conv => "box, style=rounded",
                Kind::Join => "plain",
            };
            let label = quoted(&node.label.join("\n"));
            lines.push(format!("    n{number}_{index} [shape={shape}, label={label}];"));
        }
        for (from, to) in &graph.edges {
            lines.push(format!("    n{number}_{from} -> n{number}_{to};"));
        }
        lines.push("  }".to_owned());
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
    use super::super::architecture::Architecture;
    use super::super::architecture::tests::SMALL;
    use super::*;

    #[test]
    fn every_node_and_edge_is_written_once_and_text_is_quoted() {
        let block = &Architecture::from_json(SMALL).unwrap().blocks[0];
        let graph = Graph::expanded(block, None);
        let (nodes, edges) = (graph.nodes.len(), graph.edges.len());
        let text = dot(&[("a \"title\"".to_owned(), graph)]);
        assert_eq!(text.matches(" [shape=").count(), nodes);
        assert_eq!(text.matches(" -> ").count(), edges);
        assert!(text.contains(r#"label="a \"title\"""#), "{text}");
        assert_eq!(text.matches('{').count(), text.matches('}').count());
        assert!(text.contains(r#"label="op 0: 1x1\n1 unit""#), "{text}");
    }
}
