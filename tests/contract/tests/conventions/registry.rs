//! OpenTelemetry's registry of names, as its crate of constants has it.

use cargo_metadata::MetadataCommand;
use std::{collections::BTreeMap, fs};

/// What the registry says of attributes and metrics, by their names.
pub(crate) struct Registry {
    /// The schema URL of the registry's version.
    pub(crate) schema_url: &'static str,
    pub(crate) attributes: BTreeMap<String, Entry>,
    pub(crate) metrics: BTreeMap<String, Entry>,
}

/// What the registry says of one name.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) is_stable: bool,
    pub(crate) is_deprecated: bool,
    /// The name of the constant, by which metrics refer to their attributes.
    pub(crate) constant: String,
    documentation: String,
}

impl Entry {
    /// A metric's property, such as its unit.
    pub(crate) fn property(&self, name: &str) -> &str {
        let row = format!("| {name}: | `");
        let (_, rest) = self.documentation.split_once(&row).unwrap_or_default();
        rest.split('`').next().unwrap_or_default()
    }

    /// A metric's description without its full stop, on one line.
    pub(crate) fn description(&self) -> String {
        let text = self.documentation.split("## Description").nth(1).unwrap_or_default();
        let text = text.split("##").next().unwrap_or_default();
        let words: Vec<_> = text.split_whitespace().collect();
        words.join(" ").trim_end_matches('.').to_owned()
    }

    /// Whether a metric may have this attribute.
    pub(crate) fn has_attribute(&self, attribute: &Self) -> bool {
        self.documentation.contains(&format!("[`crate::attribute::{}`]", attribute.constant))
    }
}

impl Registry {
    /// Reads the sources of the crate: its constants have neither units nor stability.
    pub(crate) fn read() -> Self {
        let metadata = MetadataCommand::new().other_options(["--offline".into()]).exec().unwrap();
        let name = "opentelemetry-semantic-conventions";
        let package = metadata.packages.iter().find(|package| *package.name == *name).unwrap();
        let source = |file: &str| {
            let path = package.manifest_path.parent().unwrap().join("src").join(file);
            entries(&fs::read_to_string(path).unwrap())
        };
        Self {
            schema_url: opentelemetry_semantic_conventions::SCHEMA_URL,
            attributes: source("attribute.rs"),
            metrics: source("metric.rs"),
        }
    }
}

/// The constants of a source, with what is written above each.
fn entries(source: &str) -> BTreeMap<String, Entry> {
    let mut entries = BTreeMap::new();
    for block in source.split("\n\n") {
        let Some((above, constant)) = block.split_once("pub const ") else { continue };
        let Some((constant, value)) = constant.split_once(": &str =") else { continue };
        let Some(name) = value.split('"').nth(1) else { continue };
        let documentation = above.lines().filter_map(|line| line.strip_prefix("///"));
        let entry = Entry {
            is_stable: !above.contains("#[cfg(feature = \"semconv_experimental\")]"),
            is_deprecated: above.contains("#[deprecated"),
            constant: constant.to_owned(),
            documentation: documentation.collect::<Vec<_>>().join("\n"),
        };
        entries.insert(name.to_owned(), entry);
    }
    entries
}
