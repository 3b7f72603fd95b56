//! Converts text and Markdown to HTML. Text of results is escaped.

use pulldown_cmark::html::push_html;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

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

/// Converts Markdown to HTML. Text and markup of HTML in it are escaped, links and images lose their targets, and
/// headings are paragraphs.
pub(super) fn markdown(text: &str) -> String {
    let mut html = String::new();
    let mut is_head = false;
    let events = Parser::new_ext(text, Options::ENABLE_TABLES);
    push_html(&mut html, events.filter_map(|event| block(event, &mut is_head)));
    html
}

/// Converts one paragraph, without the tags around it.
pub(super) fn inline(text: &str) -> String {
    let mut html = String::new();
    let is_within = |event: &Event| !matches!(event, Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph));
    push_html(&mut html, Parser::new(text).filter_map(safe).filter(is_within));
    html
}

/// An event whose text is escaped; `None` for marks that the page does not use.
fn safe(event: Event) -> Option<Event> {
    Some(match event {
        Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => Event::InlineHtml(escape(&text).into()),
        Event::Code(text) => Event::InlineHtml(format!("<code>{}</code>", escape(&text)).into()),
        Event::Start(Tag::Link { .. } | Tag::Image { .. }) | Event::End(TagEnd::Link | TagEnd::Image) => return None,
        Event::Start(Tag::Heading { .. }) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::Heading(_)) => Event::End(TagEnd::Paragraph),
        other => other,
    })
}

/// As [`safe`], with the page's own form of tables. `is_head` holds within the first line of a table.
fn block<'a>(event: Event<'a>, is_head: &mut bool) -> Option<Event<'a>> {
    let html = match event {
        Event::Start(Tag::Table(_)) => TABLE_BEGIN,
        Event::Start(Tag::TableHead) => {
            *is_head = true;
            HEAD_BEGIN
        }
        Event::End(TagEnd::TableHead) => {
            *is_head = false;
            HEAD_END
        }
        Event::Start(Tag::TableCell) if *is_head => "<th scope=\"col\">",
        Event::End(TagEnd::TableCell) if *is_head => "</th>",
        Event::Start(Tag::TableCell) => "<td>",
        Event::End(TagEnd::TableCell) => "</td>",
        Event::Start(Tag::TableRow) => "<tr>",
        Event::End(TagEnd::TableRow) => "</tr>\n",
        Event::End(TagEnd::Table) => TABLE_END,
        other => return safe(other),
    };
    Some(Event::InlineHtml(html.into()))
}

/// The parts of a sortable table, in a box of its own that scrolls.
const TABLE_BEGIN: &str = "<div class=\"wide\" tabindex=\"0\"><table class=\"sortable\">\n";
const HEAD_BEGIN: &str = "<thead><tr>";
const HEAD_END: &str = "</tr></thead>\n<tbody>\n";
const TABLE_END: &str = "</tbody>\n</table></div>\n";

/// A sortable table of HTML cells.
pub(super) fn table(header: &[String], rows: &[String]) -> String {
    let headings: String = header.iter().map(|name| format!("<th scope=\"col\">{name}</th>")).collect();
    let rows = rows.concat();
    format!("{TABLE_BEGIN}{HEAD_BEGIN}{headings}{HEAD_END}{rows}{TABLE_END}")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_text_becomes_markup() {
        assert_eq!(escape("<b title=\"x\">'&'</b>"), "&lt;b title=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/b&gt;");
        assert_eq!(inline("a < b & `<i>`"), "a &lt; b &amp; <code>&lt;i&gt;</code>");
    }

    #[test]
    fn marks_are_taken_in_pairs() {
        assert_eq!(inline("**held** and `x`"), "<strong>held</strong> and <code>x</code>");
        assert_eq!(inline("one ` alone, 2 ** 3"), "one ` alone, 2 ** 3");
    }

    #[test]
    fn markup_and_targets_of_a_text_are_lost() {
        let html = markdown("<b onload=\"x\">\n\n[go](javascript:x) ![see](http://y) <http://z>\n\n# Title\n");
        for lost in ["<b", "\"x\"", "href", "src", "javascript", "//y", "<h1"] {
            assert!(!html.contains(lost), "{lost}: {html}");
        }
        for kept in ["&lt;b onload=", "go see", "<p>Title</p>"] {
            assert!(html.contains(kept), "{kept}: {html}");
        }
    }

    #[test]
    fn paragraphs_and_tables_are_told_apart() {
        let html = markdown("One\nline.\n\n| a | b |\n| --- | --- |\n| 1 |  |\n\nTwo.\n");
        assert!(html.starts_with("<p>One\nline.</p>\n<div"), "{html}");
        assert!(html.contains("<th scope=\"col\">a</th><th scope=\"col\">b</th>"), "{html}");
        assert!(html.contains("<tbody>\n<tr><td>1</td><td></td></tr>\n</tbody>"), "{html}");
        assert!(html.ends_with("</div>\n<p>Two.</p>\n"), "{html}");
    }
}
