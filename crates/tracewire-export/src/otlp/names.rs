//! The names of fields in OTLP as JSON.

/// The names of a signal's fields in JSON: of resources, of scopes and of items.
pub(crate) type Names = [&'static str; 3];

pub(crate) const SPANS: Names = ["resourceSpans", "scopeSpans", "spans"];
#[cfg(feature = "logs")]
pub(crate) const LOGS: Names = ["resourceLogs", "scopeLogs", "logRecords"];
