//! The pages show what stands in the programs.

use std::{fs, path::PathBuf};

pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Each page with Rust on it, and the programs that have it.
const PAGES: [(&str, &str); 24] = [
    ("../README", "tests/guides/readme.rs"),
    ("baggage", "tests/guides/baggage.rs"),
    ("client-phases", "tests/guides/client_phases.rs"),
    ("configuration-file", "tests/guides/configuration_file.rs"),
    ("context", "tests/guides/context.rs"),
    ("custom-spans", "tests/guides/custom_spans.rs"),
    ("datadog", "tests/guides/datadog.rs"),
    ("databases", "tests/guides/databases.rs"),
    ("deploying", "src/bin/job.rs src/bin/function.rs"),
    ("elastic", "tests/guides/elastic.rs"),
    ("exemplars", "tests/guides/exemplars.rs"),
    ("getting-started", "src/bin/shop.rs"),
    ("header-formats", "tests/guides/header_formats.rs"),
    ("health-checks", "tests/guides/health_checks.rs"),
    ("live-page", "src/bin/live_page.rs"),
    ("metrics", "src/bin/metrics.rs tests/guides/metrics.rs"),
    ("proxies", "tests/guides/proxies.rs"),
    ("resource", "tests/guides/resource.rs"),
    ("sampling", "tests/guides/sampling.rs"),
    ("streams", "tests/guides/streams.rs"),
    ("testing", "tests/guides/testing.rs"),
    ("tracing", "src/bin/log_lines.rs tests/guides/tracing.rs"),
    ("troubleshooting", "src/bin/troubleshooting.rs"),
    ("uptrace", "tests/guides/uptrace.rs"),
];

/// Each other page with Rust on it, and the test that compiles it or compares it with programs that run.
const ELSEWHERE: [(&str, &str); 2] = [
    ("migrating", "tests/migrating/tests/support/page.rs"),
    ("tutorials", "examples/tutorials/tests/page.rs"),
];

#[test]
fn rust_on_every_page_is_compiled() {
    let docs = fs::read_dir(format!("{ROOT}/docs")).unwrap();
    let names = docs.map(|file| file.unwrap().file_name().into_string().unwrap());
    let pages = names.filter_map(|name| name.strip_suffix(".md").map(str::to_owned));
    for name in pages.chain(["../README".to_owned()]) {
        let here = PAGES.iter().any(|(own, _)| *own == name);
        let elsewhere = ELSEWHERE.iter().find(|(own, _)| *own == name);
        let has_rust = page(&name).contains("```rust");
        assert!(!has_rust || here || elsewhere.is_some(), "no test compiles the Rust of {name}.md");
        if let Some((_, test)) = elsewhere {
            let test = fs::read_to_string(format!("{ROOT}/{test}")).unwrap();
            assert!(test.contains(&format!("docs/{name}.md")), "{name}.md");
        }
    }
}

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

/// Every page that people read on GitHub, from the root of the repository.
fn all_pages() -> Vec<PathBuf> {
    let below = |folder: &str, file: &str| {
        let folders = fs::read_dir(format!("{ROOT}/{folder}")).unwrap();
        let pages = folders.map(|folder| folder.unwrap().path().join(file));
        pages.filter(|page| page.is_file()).collect::<Vec<_>>()
    };
    let in_folder = |folder: &str| {
        let files = fs::read_dir(format!("{ROOT}/{folder}")).unwrap();
        let files = files.map(|file| file.unwrap().path());
        files.filter(|file| file.extension().is_some_and(|end| end == "md")).collect::<Vec<_>>()
    };
    let readmes = ["crates", "examples", "tests"].map(|folder| below(folder, "README.md"));
    let folders = [".", "docs", "tests", "benches", "fuzz"].map(in_folder);
    readmes.into_iter().chain(folders).flatten().collect()
}

/// A page without its blocks of code, which may look like links.
fn prose(page: &str) -> String {
    let is_fence = |line: &str| line.trim_start().starts_with("```");
    let mut is_code = false;
    let lines = page.lines().filter(|line| {
        is_code ^= is_fence(line);
        !is_code
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn links_between_pages_lead_to_a_file_and_a_heading() {
    for page in all_pages() {
        // A link to the README of another folder is read where it stands.
        let page = page.canonicalize().unwrap();
        let text = fs::read_to_string(&page).unwrap();
        let prose = prose(&text);
        for link in prose.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.contains("://") || link.contains(char::is_whitespace) {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let path = page.parent().unwrap().join(file);
            let is_item = !file.contains('/') && !file.contains('.') && heading.is_empty();
            assert!(file.is_empty() || is_item || path.exists(), "{}: {link}", page.display());
            if !heading.is_empty() {
                let path = if file.is_empty() { &page } else { &path };
                let text = fs::read_to_string(path).unwrap();
                let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
                assert!(
                    headings.map(anchor).any(|own| own == heading),
                    "{}: {link}",
                    page.display()
                );
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
