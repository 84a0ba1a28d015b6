//! The list of traces, and what changed in it.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use tracewire_text::hex::to_string as hex;

use super::limits::{MOST_CHANGES, MOST_SERVICES, MOST_TRACES, SEARCH, TRACES};
use super::parameters::Parameters;
use super::since::Since;
use super::status::{Counts, counts};
use super::values;
use crate::query::Query;
use crate::recorder::Recorder;
use crate::store::{Entry, Reason, Store, Trace};

/// A trace in the list.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    /// The place in the order in which traces came; a list goes on `before` it.
    seq: u64,
    name: String,
    services: Vec<String>,
    /// Services that are not named.
    more_services: usize,
    spans: u32,
    errors: u32,
    omitted: u32,
    /// Microseconds since the Unix epoch, as nanoseconds do not fit into JavaScript's numbers.
    start: u64,
    /// Nanoseconds.
    duration: u64,
    status: u16,
    error_type: String,
    kept: &'static str,
    bucket: u8,
    complete: bool,
    root: bool,
    lacks_earlier: bool,
}

/// The answer to `/api/traces`.
#[derive(Debug, Serialize)]
pub(super) struct List {
    at: String,
    traces: Vec<Row>,
    /// How many traces a search came to look at, of how many.
    searched: usize,
    of: usize,
    /// The `before` with which the list goes on, unless it ends here.
    next: Option<u64>,
    counts: Counts,
    service: String,
    version: String,
    sampler: String,
}

/// Changed traces, taken out of the store.
#[derive(Debug)]
pub(crate) struct Changes {
    items: Vec<Item>,
    more: usize,
}

#[derive(Debug, Serialize)]
struct Message {
    traces: Vec<Row>,
    more: usize,
    open: bool,
    counts: Counts,
}

/// A trace and what the store knows of it.
#[derive(Clone, Debug)]
struct Item {
    trace: Arc<Trace>,
    seq: u64,
    kept: Option<Reason>,
    bucket: u8,
}

impl Item {
    fn of(entry: &Entry) -> Self {
        Self {
            trace: Arc::clone(&entry.trace),
            seq: entry.seq,
            kept: entry.reasons.charged(),
            bucket: entry.bucket(),
        }
    }

    fn row(&self) -> Row {
        let summary = &self.trace.summary;
        let services = self.trace.services();
        Row {
            id: hex(&summary.id),
            seq: self.seq,
            name: values::name(&summary.name),
            services: services.iter().take(MOST_SERVICES).map(|name| values::name(name)).collect(),
            more_services: services.len().saturating_sub(MOST_SERVICES),
            spans: summary.spans,
            errors: summary.errors,
            omitted: summary.omitted,
            start: summary.start / 1_000,
            duration: summary.duration(),
            status: summary.http_status,
            error_type: values::name(&summary.error_type),
            kept: match self.kept {
                Some(Reason::Error) => "error",
                Some(Reason::Slow) => "slow",
                Some(Reason::Latest) => "latest",
                None => "open",
            },
            bucket: self.bucket,
            complete: summary.is_complete,
            root: summary.has_root(),
            lacks_earlier: summary.lacks_earlier,
        }
    }
}

pub(super) fn list(recorder: &Recorder, parameters: &Parameters<'_>, now: u64) -> List {
    let limit = parameters.number("limit").and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(TRACES).clamp(1, MOST_TRACES);
    let before = parameters.number("before").unwrap_or(u64::MAX);
    let query = Query::parse(parameters.get("q").unwrap_or_default());
    let route = parameters.get("route");
    let bucket = parameters.number("bucket");
    let only_errors = parameters.get("error") == Some("1");
    let only_slow = parameters.get("slow") == Some("1");

    let store = recorder.store();
    let at = Since { instance: recorder.instance(), generation: store.kept().generation() };
    let candidates = store.kept().before(before).filter(|entry| {
        let summary = &entry.trace.summary;
        (!only_errors || entry.has_error())
            && (!only_slow || entry.is_slow())
            && route.is_none_or(|route| {
                summary.route.as_deref().is_some_and(|r| values::name(r) == route)
            })
            && bucket.is_none_or(|bucket| u64::from(entry.bucket()) == bucket)
    });
    // A search goes on without the lock.
    let most = if query.is_empty() { limit } else { usize::MAX };
    let items: Vec<_> = candidates.take(most).map(Item::of).collect();
    drop(store);

    let of = items.len();
    let mut searched = 0;
    let begun = Instant::now();
    let mut rows = Vec::new();
    let mut last = None;
    for item in items {
        if rows.len() >= limit || (searched > 0 && begun.elapsed() > SEARCH) {
            break;
        }
        searched += 1;
        last = Some(item.seq);
        if query.matches(&item.trace) {
            rows.push(item.row());
        }
    }
    let settings = recorder.settings();
    List {
        at: at.to_string(),
        traces: rows,
        searched,
        of,
        next: last.filter(|_| searched < of || of == most),
        counts: counts(recorder, now),
        service: values::name(&settings.service),
        version: values::name(&settings.version),
        sampler: values::name(&recorder.sampler()),
    }
}

/// Takes what changed since a generation out of the store.
pub(crate) fn changes(store: &Store, since: u64) -> Changes {
    let mut changed = store.kept().changed_since(since);
    let items: Vec<_> = changed.by_ref().take(MOST_CHANGES).map(Item::of).collect();
    Changes { items, more: changed.count() }
}

/// Writes changes as the data of a message.
pub(crate) fn message(recorder: &Recorder, changes: Changes, open: bool, now: u64) -> String {
    let message = Message {
        traces: changes.items.iter().map(Item::row).collect(),
        more: changes.more,
        open,
        counts: counts(recorder, now),
    };
    // JSON has no line breaks outside of strings, and escapes those within.
    serde_json::to_string(&message).unwrap_or_default()
}
