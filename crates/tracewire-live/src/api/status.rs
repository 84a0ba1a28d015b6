//! Counters, and tables that others fill.

use serde::Serialize;

use super::limits::MOST_ROWS;
use super::values;
use crate::recorder::Recorder;
use crate::tables::{MetricRow, TelemetryRow};

/// What the page's foot says.
#[derive(Debug, Serialize)]
pub(super) struct Counts {
    kept: usize,
    /// Of those kept: with an error, and among the slowest.
    failed: usize,
    slow: usize,
    seen: u64,
    waiting: usize,
    not_kept: u64,
    let_go: u64,
    refused: u64,
    missed: u64,
    spans: u64,
    running: u64,
    used: usize,
    memory: usize,
    /// Microseconds since the Unix epoch.
    oldest: Option<u64>,
    now: u64,
}

/// The answer to `/api/status`.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    instance: String,
    generation: u64,
    started: u64,
    service: String,
    version: String,
    sampler: String,
    value_limit: usize,
    trace_limit: usize,
    counts: Counts,
}

#[derive(Debug, Serialize)]
pub(super) struct Table<T> {
    rows: Vec<T>,
    /// Rows that are not listed.
    more: usize,
    /// Whether there is anything to ask.
    available: bool,
}

pub(super) fn counts(recorder: &Recorder, now: u64) -> Counts {
    let running = recorder.running().len() as u64 + recorder.running().beyond();
    let missed = recorder.missed_count();
    let store = recorder.store();
    let counters = store.counters();
    let totals = store.kept().totals();
    Counts {
        kept: store.kept().len(),
        failed: totals.failed,
        slow: totals.slow,
        seen: counters.traces,
        waiting: store.waiting_count(),
        not_kept: counters.not_kept,
        let_go: counters.let_go,
        refused: counters.refused,
        missed,
        spans: counters.spans,
        running: running + recorder.running().folded(),
        used: store.used(),
        memory: store.memory().total,
        oldest: store.kept().oldest().map(|entry| entry.trace.summary.start / 1_000),
        now: now / 1_000,
    }
}

pub(super) fn status(recorder: &Recorder, now: u64) -> Status {
    let settings = recorder.settings();
    let generation = recorder.store().kept().generation();
    Status {
        instance: format!("{:016x}", recorder.instance()),
        generation,
        started: recorder.started() / 1_000,
        service: values::name(&settings.service),
        version: values::name(&settings.version),
        sampler: values::name(&recorder.sampler()),
        value_limit: settings.options.value,
        trace_limit: settings.options.memory.trace(),
        counts: counts(recorder, now),
    }
}

pub(super) fn telemetry(recorder: &Recorder) -> Table<TelemetryRow> {
    table(recorder.telemetry(), |row| TelemetryRow {
        signal: values::name(&row.signal),
        exporter: values::name(&row.exporter),
        last_error: row.last_error.as_deref().map(values::text),
        ..row
    })
}

pub(super) fn metrics(recorder: &Recorder) -> Table<MetricRow> {
    let pair = |(key, value): &(String, String)| (values::name(key), values::name(value));
    table(recorder.metrics(), |row| MetricRow {
        name: values::name(&row.name),
        unit: values::name(&row.unit),
        attributes: row.attributes.iter().map(pair).collect(),
        ..row
    })
}

fn table<T>(rows: Option<Vec<T>>, shown: impl FnMut(T) -> T) -> Table<T> {
    let available = rows.is_some();
    let rows = rows.unwrap_or_default();
    let more = rows.len().saturating_sub(MOST_ROWS);
    let rows = rows.into_iter().take(MOST_ROWS).map(shown).collect();
    Table { rows, more, available }
}
