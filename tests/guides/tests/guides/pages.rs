//! The pages show what stands in the programs.

use std::fs;

pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Each page, and where its Rust comes from.
const PAGES: [(&str, &str); 10] = [
    ("getting-started", "src/bin/shop.rs"),
    ("header-formats", "tests/guides/header_formats.rs"),
    ("client-phases", "tests/guides/client_phases.rs"),
    ("proxies", "tests/guides/proxies.rs"),
    ("custom-spans", "tests/guides/custom_spans.rs"),
    ("metrics", "src/bin/metrics.rs tests/guides/metrics.rs"),
    ("context", "tests/guides/context.rs"),
    ("baggage", "tests/guides/baggage.rs"),
    ("testing", "tests/guides/testing.rs"),
    ("deploying", "src/bin/job.rs src/bin/function.rs"),
];

pub(crate) fn page(name: &str) -> String {
    fs::read_to_string(format!("{ROOT}/docs/{name}.md")).unwrap()
}

fn trimmed(code: &str) -> Vec<&str> {
    code.lines().map(str::trim).collect()
}

#[test]
fn rust_on_a_page_stands_in_its_program() {
    for (name, files) in PAGES {
        let files: Vec<_> = files
            .split(' ')
            .map(|file| fs::read_to_string(format!("{ROOT}/tests/guides/{file}")).unwrap())
            .map(|file| file.replace("pub(super) ", "")) // the tests need it, readers do not
            .collect();
        let page = page(name);
        let blocks: Vec<_> = page.split("```rust").skip(1).collect();
        assert!(!blocks.is_empty(), "{name} shows no code");
        for block in blocks {
            let (_, code) = block.split_once('\n').unwrap();
            let code = trimmed(code.split("```").next().unwrap());
            let stands = files
                .iter()
                .any(|file| trimmed(file).windows(code.len()).any(|lines| lines == code));
            assert!(stands, "{name}.md shows what no program has:\n{}", code.join("\n"));
        }
    }
}

#[test]
fn links_between_pages_lead_to_a_heading() {
    for (name, _) in
        PAGES.into_iter().chain([("environment", ""), ("troubleshooting", ""), ("migrating", "")])
    {
        let page = page(name);
        for link in page.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let path = format!("{ROOT}/docs/{file}");
            if file.is_empty() || heading.is_empty() {
                assert!(file.is_empty() || fs::exists(&path).unwrap(), "{name}.md: {link}");
            }
            if !heading.is_empty() {
                let text =
                    if file.is_empty() { page.clone() } else { fs::read_to_string(&path).unwrap() };
                let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
                assert!(headings.map(anchor).any(|own| own == heading), "{name}.md: {link}");
            }
        }
    }
}

/// A heading as GitHub links to it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        c if c.is_alphanumeric() => Some(c.to_ascii_lowercase()),
        _ => None,
    });
    kept.collect()
}
