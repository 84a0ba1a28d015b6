//! The rows of the tables that others fill.

use serde::Serialize;

/// What one exporter has done so far.
///
/// ```
/// use tracewire_live::{Live, TelemetryRow};
///
/// let recorder = Live::new().build();
/// recorder.set_telemetry(|| {
///     vec![TelemetryRow { signal: "traces".into(), exported: 120, ..TelemetryRow::default() }]
/// });
/// ```
#[derive(Clone, Debug, Default, Serialize)]
pub struct TelemetryRow {
    /// `traces`, `metrics` or `logs`.
    pub signal: String,
    /// Where the signal goes, such as `otlp http://localhost:4318`.
    pub exporter: String,
    /// Items that were exported.
    pub exported: u64,
    /// Items in exports that failed.
    pub failed: u64,
    /// Items for which the queue had no place.
    pub dropped: u64,
    /// Items in the queue.
    pub waiting: u64,
    /// Why the last export failed.
    pub last_error: Option<String>,
    /// When it did, in milliseconds since the Unix epoch.
    pub last_error_at: Option<u64>,
}

/// The current value of one instrument, for one set of attributes.
///
/// ```
/// use tracewire_live::{Live, MetricRow};
///
/// let recorder = Live::new().build();
/// recorder.set_metrics(|| {
///     vec![MetricRow { name: "shop.stock".into(), value: 7.0, ..MetricRow::default() }]
/// });
/// ```
#[derive(Clone, Debug, Default, Serialize)]
pub struct MetricRow {
    /// The instrument's name.
    pub name: String,
    /// Its unit, as in UCUM.
    pub unit: String,
    /// `counter`, `updowncounter`, `gauge` or `histogram`.
    pub kind: String,
    /// The attributes, as text.
    pub attributes: Vec<(String, String)>,
    /// The value: the sum of a counter, or the mean of a histogram.
    pub value: f64,
    /// How many values a histogram has.
    pub count: Option<u64>,
}
