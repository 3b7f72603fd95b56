//! Tests of the HTML report in a real browser, Chromium or Chrome, if there is one.
//!
//! They cover sorting, values and drawing at a point, and the absence of errors.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use super::{page, studies};

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Script before everything else on the page. It records errors.
const WATCH: &str = "<script>const faults = [];
for (const kind of [\"error\", \"securitypolicyviolation\"]) addEventListener(kind, (event) => faults.push(String(event.message ?? event.blockedURI)), true);
</script>";

/// Script after everything else on the page. It makes the answers the title of the page.
const ASK: &str = r##"<script>
const table = document.querySelector("section:has(#encoding-corruption-laptop-shapes) table");
const column = () => [...table.tBodies[0].rows].map((row) => parseFloat(row.cells[3].textContent));
const button = table.tHead.querySelectorAll("button")[3];
const sorted = [1, 2].map(() => { button.click(); return [button.parentElement.ariaSort, column()]; });
const points = [...document.querySelectorAll("section:has(#fig4-laptop-shapes) .points a")];
points[0].focus();
points[0].dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true, cancelable: true }));
const second = document.activeElement === points[1];
const values = popup.textContent;
const drawn = popup.querySelector("use").getBoundingClientRect();
document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
document.title = JSON.stringify({ faults, sorted, second, values, drawn: drawn.width > 20 && drawn.height > 20, hidden: popup.hidden,
  wide: document.documentElement.scrollWidth - document.documentElement.clientWidth, loaded: performance.getEntriesByType("resource").map((entry) => entry.name) });
</script>"##;

fn browser() -> Option<&'static str> {
    let runs = |name: &&&str| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    BROWSERS.iter().find(runs).copied()
}

#[test]
fn the_page_works_in_a_browser() {
    let Some(browser) = browser() else {
        // The text bypasses the capture of test output, so that people see it.
        let words = format!("\nSKIPPED the_page_works_in_a_browser: no browser, looked for {}\n", BROWSERS.join(", "));
        std::io::stderr().write_all(words.as_bytes()).unwrap();
        return;
    };
    let root = tempfile::tempdir().unwrap();
    studies::correlation(root.path(), "fig4", studies::Correlation::of(20, ""));
    studies::corruption(root.path(), 30);
    let page = page(root.path()).unwrap();
    let page = page.replacen("<meta name", &format!("{WATCH}<meta name"), 1);
    let file = root.path().join("page.html");
    std::fs::write(&file, page.replacen("</body>", &format!("{ASK}</body>"), 1)).unwrap();

    let answers = ask(browser, root.path(), &file);
    assert_eq!(answers["faults"], serde_json::json!([]));
    assert_eq!(answers["loaded"], serde_json::json!([]));
    let column = |index: usize| -> Vec<f64> {
        let values = answers["sorted"][index][1].as_array().unwrap().iter();
        values.map(|value| value.as_f64().unwrap()).collect()
    };
    assert_eq!(answers["sorted"][0][0], "ascending");
    assert!(column(0).len() > 3 && column(0).is_sorted(), "{answers}");
    assert_eq!(answers["sorted"][1][0], "descending");
    assert!(column(1).iter().rev().is_sorted(), "{answers}");
    assert_eq!(answers["second"], true, "an arrow key goes to the next point");
    let values = answers["values"].as_str().unwrap();
    for part in ["architecture", "SMASH score", "true error", "parameters", "hash"] {
        assert!(values.contains(part), "no `{part}` in {values}");
    }
    assert_eq!(answers["drawn"], true, "the drawing is not seen");
    assert_eq!(answers["hidden"], true, "Escape hides the values");
    assert_eq!(answers["wide"], 0, "the page is wider than the window");
}

/// Opens the file in a window of a phone's size, and reads the title that its last script has set.
fn ask(browser: &str, folder: &Path, file: &Path) -> serde_json::Value {
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--window-size=390,844", "--dump-dom", "--enable-logging=stderr"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    let document = String::from_utf8(output.stdout).unwrap();
    let title = document.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
    let title = title.unwrap_or_else(|| panic!("no page: {}", String::from_utf8_lossy(&output.stderr)));
    let plain = title.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    serde_json::from_str(&plain)
        .unwrap_or_else(|error| panic!("{error}: {plain}\n{}", String::from_utf8_lossy(&output.stderr)))
}
