//! Routes, and the requests that run.

use std::collections::HashMap;

use serde::Serialize;
use tracewire_text::hex::to_string as hex;

use super::limits::MOST_RUNNING;
use super::values;
use crate::recorder::Recorder;
use crate::store::{RouteStats, TraceId, Window};

const SECOND: u64 = 1_000_000_000;
/// The time that recent counts are about.
const RECENT: u64 = 300 * SECOND;

#[derive(Debug, Serialize)]
pub(super) struct Routes {
    routes: Vec<Route>,
    sampler: String,
    /// Seconds that the recent counts and the total ones are about.
    recent_seconds: f64,
    total_seconds: f64,
}

#[derive(Debug, Serialize)]
struct Route {
    name: String,
    kind: u8,
    running: usize,
    recent: Numbers,
    total: Numbers,
}

#[derive(Debug, Serialize)]
struct Numbers {
    count: u64,
    errors: u64,
    /// Nanoseconds.
    p50: Option<u64>,
    p95: Option<u64>,
    p99: Option<u64>,
    buckets: [u32; 10],
}

#[derive(Debug, Serialize)]
pub(super) struct RunningRequests {
    requests: Vec<Request>,
    beyond: u64,
    folded: u64,
    now: u64,
}

#[derive(Debug, Serialize)]
struct Request {
    trace: String,
    span: String,
    name: String,
    path: String,
    /// Microseconds since the Unix epoch.
    start: u64,
    /// Nanoseconds so far.
    duration: u64,
    /// Spans of its trace that have begun in this process and not ended.
    open: u32,
    /// Spans of its trace that have ended.
    ended: u32,
    /// Whether it already took longer than 99 % of its route.
    slow: bool,
}

impl Numbers {
    fn of(window: &Window) -> Self {
        Self {
            count: window.count,
            errors: window.errors,
            p50: window.durations.percentile(0.5),
            p95: window.durations.percentile(0.95),
            p99: window.durations.percentile(0.99),
            buckets: window.buckets,
        }
    }
}

pub(super) fn routes(recorder: &Recorder, now: u64) -> Routes {
    let mut running: HashMap<_, usize> = HashMap::new();
    for entry in recorder.running().entries(now) {
        *running.entry(entry.name).or_default() += 1;
    }
    // Not under the lock: what is called may take long.
    let sampler = values::name(&recorder.sampler());
    let store = recorder.store();
    let row = |route: RouteStats| Route {
        name: values::name(&route.name),
        kind: route.kind,
        running: running.get(&*route.name).copied().unwrap_or_default(),
        recent: Numbers::of(&route.recent(now)),
        total: Numbers::of(&route.total()),
    };
    let uptime = now.saturating_sub(recorder.started());
    Routes {
        routes: store.routes().map(row).collect(),
        sampler,
        recent_seconds: seconds(uptime.min(RECENT)),
        total_seconds: seconds(uptime),
    }
}

pub(super) fn running(recorder: &Recorder, now: u64) -> RunningRequests {
    let entries = recorder.running().entries(now);
    let unlisted = entries.len().saturating_sub(MOST_RUNNING) as u64;
    let store = recorder.store();
    let mut slow_from: HashMap<Box<str>, u64> = HashMap::new();
    for route in store.routes() {
        slow_from.extend(route.total().durations.percentile(0.99).map(|p99| (route.name, p99)));
    }
    let ended = |trace_id: &TraceId| {
        let held = recorder.running().held_spans(trace_id);
        store.spans_so_far(trace_id).saturating_add(u32::try_from(held).unwrap_or(u32::MAX))
    };
    let requests = entries.iter().take(MOST_RUNNING).map(|entry| {
        let duration = now.saturating_sub(entry.start);
        Request {
            trace: hex(&entry.trace_id),
            span: hex(&entry.span_id),
            name: values::name(&entry.name),
            path: values::name(entry.path()),
            start: entry.start / 1_000,
            duration,
            open: recorder.running().open_spans(&entry.trace_id),
            ended: ended(&entry.trace_id),
            slow: slow_from.get(&*entry.name).is_some_and(|p99| duration > *p99),
        }
    });
    RunningRequests {
        requests: requests.collect(),
        beyond: recorder.running().beyond() + unlisted,
        folded: recorder.running().folded(),
        now: now / 1_000,
    }
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / SECOND as f64
}
