//! Converts text to HTML: it escapes text, and knows the Markdown that the report uses.
//!
//! That Markdown consists of paragraphs, tables, `code` and **bold**.

/// Escapes text for use between tags and within a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// Converts Markdown to HTML.
pub(super) fn markdown(text: &str) -> String {
    let blocks = text.split("\n\n").map(str::trim).filter(|block| !block.is_empty());
    let html = blocks.map(|block| match block.starts_with('|') {
        true => table_of(block),
        false => format!("<p>{}</p>\n", inline(block)),
    });
    html.collect()
}

/// Converts a table of Markdown. The line below the header has no content.
fn table_of(block: &str) -> String {
    let mut lines = block.lines().map(|line| {
        let inner = line.trim().trim_start_matches('|');
        let inner = inner.strip_suffix('|').unwrap_or(inner);
        inner
            .split('|')
            .map(|cell| inline(cell.trim()))
            .collect::<Vec<String>>()
    });
    let header = lines.next().unwrap_or_default();
    let rows: Vec<String> = lines.skip(1).map(|cells| row(&cells, "")).collect();
    table(&header, &rows)
}

/// A sortable table of HTML cells, in a box of its own that scrolls.
pub(super) fn table(header: &[String], rows: &[String]) -> String {
    let headings: String = header
        .iter()
        .map(|name| format!("<th scope=\"col\">{name}</th>"))
        .collect();
    format!(
        "<div class=\"wide\" tabindex=\"0\"><table class=\"sortable\">\n<thead><tr>{headings}</tr></thead>\n<tbody>\n{}\
         </tbody>\n</table></div>\n",
        rows.concat()
    )
}

/// A row of HTML cells. `attributes` begin with a space or are empty.
pub(super) fn row(cells: &[String], attributes: &str) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
    format!("<tr{attributes}>{}</tr>\n", cells.concat())
}

/// A table of facts, with a name and a value in each row.
pub(super) fn facts(rows: &[(&str, String)]) -> String {
    let rows: String = rows
        .iter()
        .map(|(name, value)| {
            let (name, value) = (escape(name), escape(value));
            format!("<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>\n")
        })
        .collect();
    format!("<div class=\"wide\" tabindex=\"0\"><table class=\"facts\"><tbody>\n{rows}</tbody></table></div>\n")
}

/// Converts the marks within a line. An unclosed mark stays as it is.
pub(super) fn inline(text: &str) -> String {
    let code = paired(&escape(text), "`", "code");
    paired(&code, "**", "strong")
}

fn paired(text: &str, mark: &str, tag: &str) -> String {
    let parts: Vec<&str> = text.split(mark).collect();
    let mut html = String::new();
    for (index, part) in parts.iter().enumerate() {
        let closed = index + 1 < parts.len();
        match index % 2 {
            0 => html.push_str(part),
            _ if closed => html.push_str(&format!("<{tag}>{part}</{tag}>")),
            _ => html.push_str(&format!("{mark}{part}")),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_taken_for_markup() {
        assert_eq!(
            escape("<b title=\"x\">'&'</b>"),
            "&lt;b title=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/b&gt;"
        );
        assert_eq!(inline("a < b & `<i>`"), "a &lt; b &amp; <code>&lt;i&gt;</code>");
    }

    #[test]
    fn marks_are_taken_in_pairs() {
        assert_eq!(inline("**held** and `x`"), "<strong>held</strong> and <code>x</code>");
        assert_eq!(inline("one ` alone, 2 ** 3"), "one ` alone, 2 ** 3");
    }

    #[test]
    fn paragraphs_and_tables_are_told_apart() {
        let html = markdown("One\nline.\n\n| a | b |\n| --- | --- |\n| 1 |  |\n\nTwo.\n");
        assert!(html.starts_with("<p>One\nline.</p>\n<div"), "{html}");
        assert!(
            html.contains("<th scope=\"col\">a</th><th scope=\"col\">b</th>"),
            "{html}"
        );
        assert!(
            html.contains("<tbody>\n<tr><td>1</td><td></td></tr>\n</tbody>"),
            "{html}"
        );
        assert!(html.ends_with("</div>\n<p>Two.</p>\n"), "{html}");
    }
}
