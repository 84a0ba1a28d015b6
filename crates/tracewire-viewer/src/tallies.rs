//! What has been received, for the page's table of telemetry.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tracewire_live::TelemetryRow;

use crate::signal::{Signal, Taken};

/// Counts what came in, by signal.
#[derive(Debug, Default)]
pub(crate) struct Tallies(Mutex<[Tally; 3]>);

#[derive(Clone, Debug, Default)]
struct Tally {
    accepted: u64,
    rejected: u64,
    last_error: Option<(String, u64)>,
}

impl Tallies {
    pub(crate) fn taken(&self, signal: Signal, taken: &Taken) {
        let mut tallies = self.lock();
        let tally = &mut tallies[signal as usize];
        tally.accepted += taken.accepted;
        tally.rejected += taken.rejected;
        if taken.rejected > 0 {
            tally.last_error = Some((taken.reason.to_owned(), now()));
        }
    }

    pub(crate) fn refused(&self, signal: Signal, reason: &str) {
        self.lock()[signal as usize].last_error = Some((reason.to_owned(), now()));
    }

    pub(crate) fn rows(&self) -> Vec<TelemetryRow> {
        let tallies = self.lock().clone();
        let signals = [Signal::Traces, Signal::Logs, Signal::Metrics];
        let row = |(signal, tally): (Signal, Tally)| TelemetryRow {
            signal: signal.name().to_owned(),
            exporter: "received over OTLP".to_owned(),
            exported: tally.accepted,
            failed: tally.rejected,
            last_error_at: tally.last_error.as_ref().map(|(_, at)| *at),
            last_error: tally.last_error.map(|(reason, _)| reason),
            ..TelemetryRow::default()
        };
        signals.into_iter().zip(tallies).map(row).collect()
    }

    fn lock(&self) -> MutexGuard<'_, [Tally; 3]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Milliseconds since the Unix epoch.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
