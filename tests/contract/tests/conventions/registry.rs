//! OpenTelemetry's registry: what one version of its conventions says of names, metrics, spans and events.
//!
//! `registry.txt` is made by `registry.py` of the conventions' own model.

use opentelemetry::{Array, KeyValue, Value};
use std::collections::BTreeMap;

/// The requirement levels of attributes, by their names.
pub(crate) type Levels = BTreeMap<String, String>;

/// What the conventions say.
#[derive(Default)]
pub(crate) struct Registry {
    pub(crate) version: String,
    pub(crate) attributes: BTreeMap<String, Attribute>,
    pub(crate) metrics: BTreeMap<String, Metric>,
    /// The kinds and the attributes of spans.
    pub(crate) spans: BTreeMap<String, (String, Levels)>,
    /// The attributes of events.
    pub(crate) events: BTreeMap<String, Levels>,
}

/// An attribute.
#[derive(Debug)]
pub(crate) struct Attribute {
    kind: String,
    /// `stable`, `release_candidate`, `development` or `deprecated`.
    pub(crate) state: String,
    /// Of an enumeration.
    values: Vec<String>,
}

/// A metric.
#[derive(Debug)]
pub(crate) struct Metric {
    pub(crate) instrument: String,
    pub(crate) unit: String,
    pub(crate) state: String,
    /// Without its full stop.
    pub(crate) description: String,
    pub(crate) attributes: Levels,
}

impl Registry {
    pub(crate) fn read() -> Self {
        let mut registry = Self::default();
        let mut into: Option<&mut Levels> = None;
        for line in include_str!("registry.txt").lines() {
            if let Some(attribute) = line.strip_prefix("  ") {
                let (name, level) = attribute.split_once(' ').unwrap();
                let levels = into.as_mut().expect("attributes stand below what has them");
                levels.insert(name.to_owned(), level.to_owned());
                continue;
            }
            let words: Vec<_> = line.splitn(6, ' ').map(str::to_owned).collect();
            into = match &words[..] {
                [what, version] if what == "version" => {
                    registry.version = version.clone();
                    None
                }
                [what, name, kind, state, values @ ..] if what == "attribute" => {
                    let values = values.iter().flat_map(|list| list.split(',').map(str::to_owned));
                    let (kind, state) = (kind.clone(), state.clone());
                    let attribute = Attribute { kind, state, values: values.collect() };
                    registry.attributes.insert(name.clone(), attribute);
                    None
                }
                [what, name, instrument, unit, state, description] if what == "metric" => {
                    let metric = Metric {
                        instrument: instrument.clone(),
                        unit: unit.clone(),
                        state: state.clone(),
                        description: description.clone(),
                        attributes: Levels::new(),
                    };
                    Some(&mut registry.metrics.entry(name.clone()).or_insert(metric).attributes)
                }
                [what, name, kind, _] if what == "span" => {
                    let span = (kind.clone(), Levels::new());
                    Some(&mut registry.spans.entry(name.clone()).or_insert(span).1)
                }
                [what, name, _] if what == "event" => {
                    Some(registry.events.entry(name.clone()).or_default())
                }
                _ if line.starts_with('#') => None,
                _ => panic!("{line:?}"),
            };
        }
        registry
    }

    /// `stable`, `development` and so on; `None` for a name that is not there.
    pub(crate) fn state(&self, name: &str) -> Option<&str> {
        let attribute = self.attributes.get(name).map(|attribute| &*attribute.state);
        let metric = || self.metrics.get(name).map(|metric| &*metric.state);
        let event = || self.events.contains_key(name).then_some("development");
        attribute.or_else(metric).or_else(event)
    }

    /// The attribute that a key stands for, with its name: those of headers have a name and more.
    pub(crate) fn of_key(&self, key: &str) -> Option<(&str, &Attribute)> {
        let known = |name: &str| {
            self.attributes.get_key_value(name).map(|(name, attribute)| (&**name, attribute))
        };
        known(key).or_else(|| {
            let ends = key.match_indices('.').map(|(end, _)| &key[..end]);
            ends.rev().filter_map(known).find(|(_, attribute)| attribute.is_template())
        })
    }

    /// What is wrong with attributes that were recorded where these levels hold.
    pub(crate) fn faults(&self, found: &[KeyValue], levels: &Levels) -> Vec<String> {
        let mut faults = Vec::new();
        let mut names = Vec::new();
        for KeyValue { key, value, .. } in found {
            let Some((name, attribute)) = self.of_key(key.as_str()) else {
                faults.push(format!("{key} is not in the registry"));
                continue;
            };
            names.push(name);
            if !levels.contains_key(name) {
                faults.push(format!("{key} does not belong here"));
            }
            if attribute.state == "deprecated" {
                faults.push(format!("{key} is deprecated"));
            }
            if !attribute.has_type(value) {
                faults.push(format!("{key}={value} is no {}", attribute.kind));
            }
            if !attribute.has_value(name, value) {
                faults.push(format!("{key}={value} is none of its values"));
            }
        }
        let required = levels.iter().filter(|(_, level)| *level == "required");
        let missing = required.filter(|(name, _)| !names.contains(&name.as_str()));
        faults.extend(missing.map(|(name, _)| format!("{name} is missing")));
        faults
    }
}

impl Attribute {
    fn is_template(&self) -> bool {
        self.kind.starts_with("template[")
    }

    fn has_type(&self, value: &Value) -> bool {
        let kind = self
            .kind
            .strip_prefix("template[")
            .map_or(&*self.kind, |rest| rest.strip_suffix(']').unwrap_or(rest));
        match value {
            Value::Bool(_) => kind == "boolean",
            Value::I64(_) => kind == "int",
            Value::F64(_) => kind == "double",
            Value::String(_) => kind == "string",
            Value::Array(Array::String(_)) => kind == "string[]",
            _ => false,
        }
    }

    /// Whether an enumeration has the value. These may have others: what failed is the library's to name, and
    /// there are more databases than the list has.
    fn has_value(&self, name: &str, value: &Value) -> bool {
        const OPEN: [&str; 3] = ["db.system.name", "error.type", "otel.component.type"];
        self.values.is_empty()
            || OPEN.contains(&name)
            || self.values.iter().any(|known| *known == value.as_str())
    }
}
