//! Links inside the documentation that lead nowhere.

use super::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Every relative link of the pages of tracewire's crates that has no page, or no anchor on it.
pub(crate) fn dead(folder: &Path) -> Result<Vec<String>> {
    let mut pages = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("tracewire") {
            read(&entry.path(), &mut pages)?;
        }
    }
    if pages.is_empty() {
        return Err(format!("{} has no pages", folder.display()).into());
    }
    let anchors: Anchors<'_> =
        pages.iter().map(|(path, html)| (path.as_path(), anchors_of(html))).collect();
    let mut dead = BTreeSet::new();
    for (path, html) in &pages {
        for link in values(html, " href=\"") {
            // rustdoc gives a crate that is shown as a module a link to a list that it does not write.
            if link != "all.html" && !leads_somewhere(link, path, &anchors) {
                dead.insert(format!("{}: {link}", path.display()));
            }
        }
    }
    Ok(dead.into_iter().collect())
}

fn read(path: &Path, pages: &mut BTreeMap<PathBuf, String>) -> Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            read(&entry?.path(), pages)?;
        }
    } else if path.extension().is_some_and(|extension| extension == "html") {
        pages.insert(path.to_owned(), fs::read_to_string(path)?);
    }
    Ok(())
}

/// The anchors of a page; `None` for one that leads on to another page, with any anchor.
fn anchors_of(html: &str) -> Option<BTreeSet<&str>> {
    (!html.contains("http-equiv=\"refresh\"")).then(|| values(html, " id=\""))
}

/// The values of an attribute, all that rustdoc writes being in double quotes.
fn values<'a>(html: &'a str, attribute: &str) -> BTreeSet<&'a str> {
    html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

type Anchors<'a> = BTreeMap<&'a Path, Option<BTreeSet<&'a str>>>;

fn leads_somewhere(link: &str, from: &Path, anchors: &Anchors<'_>) -> bool {
    if link.contains("://") || link.starts_with("mailto:") {
        return true;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let file = file.split('?').next().unwrap_or(file);
    let target = if file.is_empty() {
        from.to_owned()
    } else {
        normal(&from.parent().unwrap_or(from).join(file))
    };
    // Lines of source pages (`src/…#12-34`) are anchors of a script's making.
    let source = target.components().any(|part| part.as_os_str() == "src");
    match anchors.get(target.as_path()) {
        Some(Some(known)) => anchor.is_empty() || source || known.contains(anchor),
        Some(None) => true,
        None => target.exists(),
    }
}

/// The path without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            normal.pop();
        } else {
            normal.push(part);
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_missing_pages_and_anchors_are_dead() {
        let html = r#"<h1 id="top"></h1><a href="struct.A.html"></a>"#;
        let page = Path::new("doc/tracewire/index.html");
        let anchors = BTreeMap::from([(page, anchors_of(html))]);
        for link in ["#top", "index.html", "../tracewire/index.html#top", "https://docs.rs/http"] {
            assert!(leads_somewhere(link, page, &anchors), "{link}");
        }
        for link in ["#bottom", "struct.A.html", "docs/guide.md", "../tracewire/index.html#a"] {
            assert!(!leads_somewhere(link, page, &anchors), "{link}");
        }
    }
}
