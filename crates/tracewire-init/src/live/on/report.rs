//! What became of telemetry, as rows of the page.

use std::time::SystemTime;

use tracewire_export::Exports;
use tracewire_live::TelemetryRow;

pub(super) fn rows(exports: &Exports) -> Vec<TelemetryRow> {
    let report = exports.report();
    let row = |signal: &tracewire_export::SignalReport| TelemetryRow {
        signal: signal.signal().to_owned(),
        exporter: signal.exporter().to_owned(),
        exported: signal.exported(),
        failed: signal.failed(),
        dropped: signal.dropped(),
        waiting: signal.unknown(),
        last_error: signal.reason().map(str::to_owned),
        last_error_at: signal.lost_at().map(millis),
    };
    report.signals().iter().map(row).collect()
}

/// Milliseconds since the Unix epoch.
fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
