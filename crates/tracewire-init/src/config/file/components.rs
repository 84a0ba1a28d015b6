//! Components of other makers: names that a program registers, and their properties.

use std::fmt;

use super::position::Place;

/// Which part of a file names a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Sampler,
    Composable,
    IdGenerator,
    SpanProcessor,
    SpanExporter,
    LogProcessor,
    LogExporter,
    MetricExporter,
    PullExporter,
    ResourceDetector,
    Propagator,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sampler | Self::Composable => "sampler",
            Self::IdGenerator => "id generator",
            Self::SpanProcessor => "span processor",
            Self::SpanExporter => "span exporter",
            Self::LogProcessor => "log record processor",
            Self::LogExporter => "log record exporter",
            Self::MetricExporter => "metric exporter",
            Self::PullExporter => "pull metric exporter",
            Self::ResourceDetector => "resource detector",
            Self::Propagator => "propagator",
        })
    }
}

/// The components that a program has registered, by kind and name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registered(Vec<(Kind, String)>);

impl Registered {
    pub(crate) fn add(&mut self, kind: Kind, name: impl Into<String>) {
        self.0.push((kind, name.into()));
    }

    pub(crate) fn has(&self, kind: Kind, name: &str) -> bool {
        self.0.iter().any(|(registered, by_name)| *registered == kind && by_name == name)
    }

    pub(crate) fn names(&self, kind: Kind) -> impl Iterator<Item = &str> {
        let is_of_kind = move |(registered, _): &&(Kind, String)| *registered == kind;
        self.0.iter().filter(is_of_kind).map(|(_, name)| name.as_str())
    }
}

/// A registered component as a file names it. What makes it checks the properties.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ComponentNode {
    pub(crate) name: String,
    /// An object, or null where the file says no more than the name.
    pub(crate) properties: serde_json::Value,
    pub(crate) place: Place,
}
