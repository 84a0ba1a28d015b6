//! Public items whose documentation has no example.

use super::Result;
use serde_json::{Map, Value};
use std::fs;
use std::path::Path;

/// The kinds of items that have pages of their own. Constants and type aliases need no example.
const PAGES: [&str; 8] =
    ["enum", "function", "macro", "module", "proc_macro", "struct", "trait", "union"];

/// What needs no example.
const EXEMPT: [&str; 27] = [
    // For tracewire-init and tracewire-live; may change in any release.
    "tracewire_export::wiring",
    // A program.
    "tracewire_viewer",
    // What methods return, and nobody makes or names: futures, bodies, services.
    "tracewire_live::PageBody",
    "tracewire_span::Carried",
    "tracewire_span::InSpan",
    "tracewire_span::StreamInSpan",
    "tracewire_span::database::Measured",
    "tracewire_tower::client::ClientService",
    "tracewire_tower::client::ResponseFuture",
    "tracewire_tower::client::connections::ConnectionBody",
    "tracewire_tower::client::connections::ResponseFuture",
    "tracewire_tower::client::connections::TracedClient",
    "tracewire_tower::client::connections::TracedConnect",
    "tracewire_tower::client::connections::TracedConnector",
    "tracewire_tower::client::connections::TracedIo",
    "tracewire_tower::client::connections::TracedResolver",
    "tracewire_tower::server::ResponseFuture",
    "tracewire_tower::server::ServerService",
    // Parts of what the example of `Setup` shows.
    "tracewire_http::wiring::Connecting",
    "tracewire_http::wiring::ConnectionHandle",
    "tracewire_http::wiring::Established",
    "tracewire_http::wiring::InUse",
    "tracewire_http::wiring::OpenConnection",
    "tracewire_http::wiring::Peer",
    "tracewire_http::wiring::Target",
    // Of one line.
    "tracewire_http::wiring::connected",
    "tracewire_http::wiring::handshake_begins",
];

/// The paths of a crate's pages that have no example.
pub(crate) fn missing(json: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(json).map_err(|error| format!("{}: {error}", json.display()))?;
    let json: Value = serde_json::from_str(&text)?;
    let index = json["index"].as_object().ok_or("rustdoc's JSON has an index")?;
    let mut search = Search { index, missing: Vec::new() };
    search.visit(&json["root"], "");
    search.missing.retain(|path| !EXEMPT.iter().any(|exempt| is_below(path, exempt)));
    search.missing.sort();
    search.missing.dedup();
    Ok(search.missing)
}

struct Search<'a> {
    index: &'a Map<String, Value>,
    missing: Vec<String>,
}

impl<'a> Search<'a> {
    /// Looks at an item, and at those below it. `path` is where it can be found.
    fn visit(&mut self, id: &Value, path: &str) {
        let Some((item, kind, inner)) = self.item(id) else { return };
        if kind == "use" {
            let name = inner["name"].as_str().unwrap_or_default();
            if inner["is_glob"] == true {
                self.children(&inner["id"], path);
            } else {
                self.page(&inner["id"], &format!("{path}::{name}"));
            }
        } else if let Some(name) = item["name"].as_str() {
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}::{name}") };
            self.page(id, &path);
        }
    }

    fn page(&mut self, id: &Value, path: &str) {
        let Some((item, kind, _)) = self.item(id) else { return };
        if kind == "use" {
            return self.visit(id, path);
        }
        if PAGES.contains(&kind) && !has_example(item["docs"].as_str().unwrap_or_default()) {
            self.missing.push(path.to_owned());
        }
        self.children(id, path);
    }

    /// The items of a module.
    fn children(&mut self, id: &Value, path: &str) {
        let Some((_, "module", inner)) = self.item(id) else { return };
        for child in inner["items"].as_array().into_iter().flatten() {
            self.visit(child, path);
        }
    }

    /// An item of this crate, its kind, and what is particular to the kind.
    fn item(&self, id: &Value) -> Option<(&'a Value, &'a str, &'a Value)> {
        let item = self.index.get(&id.to_string())?;
        let (kind, inner) = item["inner"].as_object()?.iter().next()?;
        (item["crate_id"] == 0).then_some((item, kind, inner))
    }
}

fn is_below(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Whether one of the code blocks is Rust that rustdoc compiles.
fn has_example(docs: &str) -> bool {
    let fences = docs.lines().filter_map(|line| line.trim_start().strip_prefix("```"));
    fences.step_by(2).any(|words| {
        words.split(',').map(str::trim).all(|word| {
            matches!(word, "" | "rust" | "no_run" | "should_panic" | "compile_fail")
                || word.starts_with("edition")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::has_example;

    #[test]
    fn an_example_is_rust_that_is_compiled() {
        for docs in
            ["```\nf()\n```", "Does.\n\n```rust,no_run\nf()\n```", "```text\n```\n\n```\n```"]
        {
            assert!(has_example(docs), "{docs}");
        }
        for docs in ["", "Does it, as `f()`.", "```text\n```", "```ignore\n```", "```sh\n```\n"] {
            assert!(!has_example(docs), "{docs}");
        }
    }
}
