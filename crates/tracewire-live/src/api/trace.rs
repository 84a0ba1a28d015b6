//! One trace: its skeleton for the waterfall, and its matches.

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde::Serialize;
use tracewire_text::hex::to_string as hex;

use super::limits::MOST_EVENTS;
use super::path::IdPrefix;
use super::values;
use crate::clock::now;
use crate::query::Query;
use crate::recorder::Recorder;
use crate::store::{Gone, SpanHead, SpanId, Trace, id, shorten};

/// Why a trace is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It was never seen, or that is too long ago.
    Unknown,
    /// Several traces begin with the digits.
    Ambiguous,
    /// It was dropped at that time.
    Gone(Gone, u64),
}

#[derive(Debug, Serialize)]
pub(super) struct Explanation {
    why: &'static str,
    /// Seconds since then.
    ago: Option<u64>,
}

impl Missing {
    pub(super) fn explain(&self, now: u64) -> Explanation {
        let (why, at) = match self {
            Self::Unknown => ("unknown", None),
            Self::Ambiguous => ("ambiguous", None),
            Self::Gone(Gone::NotKept, at) => ("not kept", Some(at)),
            Self::Gone(Gone::LetGo, at) => ("let go", Some(at)),
        };
        Explanation { why, ago: at.map(|at| now.saturating_sub(*at) / 1_000_000_000) }
    }
}

/// Finds the one trace whose id begins with these digits.
pub(crate) fn find(recorder: &Recorder, prefix: IdPrefix<'_>) -> Result<Arc<Trace>, Missing> {
    let running = recorder.running().matching(|id| prefix.matches(id));
    running.iter().for_each(|entry| recorder.show(&entry.trace_id));
    let store = recorder.store();
    match (&store.matching(|id| prefix.matches(id))[..], &running[..]) {
        ([id], []) => store.trace(id).ok_or(Missing::Unknown),
        ([id], [entry]) if entry.trace_id == *id => store.trace(id).ok_or(Missing::Unknown),
        // A request may run without any span that has ended.
        ([], [entry]) => Ok(Arc::new(Trace::begun(entry.trace_id, &entry.name, entry.start))),
        ([], []) => {
            if let Some(id) = recorder.gate().expected(|id| prefix.matches(id)) {
                return Ok(Arc::new(Trace::begun(id, "", now())));
            }
            let gone = store.gone(|id| prefix.matches(id));
            Err(gone.map_or(Missing::Unknown, |(why, at)| Missing::Gone(why, at)))
        }
        _ => Err(Missing::Ambiguous),
    }
}

/// A trace by column: one array for each property of its spans.
#[derive(Debug, Default, Serialize)]
pub(super) struct Skeleton {
    id: String,
    name: String,
    /// Microseconds since the Unix epoch; the starts below count from it, in nanoseconds.
    start: u64,
    duration: u64,
    errors: u32,
    total: u32,
    logs: u32,
    omitted: u32,
    complete: bool,
    lacks_earlier: bool,
    names: Vec<String>,
    services: Vec<String>,
    spans: Columns,
    /// Events: the place of the span, and nanoseconds since the start.
    events: Vec<(usize, u64)>,
    /// Spans that ended before they began, which a clock that was set back makes.
    reversed: Vec<usize>,
}

#[derive(Debug, Default, Serialize)]
struct Columns {
    id: Vec<String>,
    name: Vec<usize>,
    service: Vec<usize>,
    /// The place of the parent; -1 if there is none, -2 if it is not here.
    parent: Vec<i64>,
    start: Vec<u64>,
    duration: Vec<u64>,
    kind: Vec<i32>,
    error: Vec<u8>,
    running: Vec<u8>,
}

/// Texts that are repeated, each with its place.
#[derive(Debug, Default)]
struct Texts {
    places: HashMap<String, usize>,
    all: Vec<String>,
}

impl Texts {
    fn place(&mut self, text: &str) -> usize {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        self.places.insert(text.to_owned(), self.all.len());
        self.all.push(values::name(&shorten(text)));
        self.all.len() - 1
    }
}

pub(super) fn skeleton(recorder: &Recorder, trace: &Trace, now: u64) -> Skeleton {
    let summary = &trace.summary;
    let mut running = recorder.running().entries(now);
    running.retain(|entry| entry.trace_id == summary.id);
    // What runs began before everything that has ended in it.
    let starts = running.iter().map(|entry| entry.start);
    let start = starts.chain([summary.start]).min().unwrap_or_default();
    let (mut names, mut services) = (Texts::default(), Texts::default());
    let mut columns = Columns::default();
    let (mut events, mut reversed) = (Vec::new(), Vec::new());
    let mut parents: Vec<SpanId> = Vec::new();
    for (source, bytes) in trace.body.spans() {
        // Spans that cannot be read keep their place, which details are asked by.
        let head = SpanHead::decode(bytes).unwrap_or_default();
        let place = columns.id.len();
        columns.push(&head, names.place(&head.name), services.place(source.service()), start);
        parents.push(id(&head.parent_span_id));
        if head.end < head.start {
            reversed.push(place);
        }
        let left = MOST_EVENTS - events.len();
        let times = head.events.iter().take(left);
        events.extend(times.map(|event| (place, event.time.saturating_sub(start))));
    }
    let mut end = summary.end;
    for entry in &running {
        columns.push_running(&entry.span_id, names.place(&entry.name), entry.start, start, now);
        parents.push(SpanId::default());
        end = end.max(now);
    }
    columns.find_parents(&parents);
    Skeleton {
        id: hex(&summary.id),
        name: values::name(&summary.name),
        start: start / 1_000,
        duration: end.saturating_sub(start),
        errors: summary.errors,
        total: summary.spans,
        logs: summary.logs,
        omitted: summary.omitted,
        complete: summary.is_complete,
        lacks_earlier: summary.lacks_earlier,
        names: names.all,
        services: services.all,
        spans: columns,
        events,
        reversed,
    }
}

impl Columns {
    fn push(&mut self, head: &SpanHead, name: usize, service: usize, start: u64) {
        self.id.push(hex(&head.span_id));
        self.name.push(name);
        self.service.push(service);
        self.start.push(head.start.saturating_sub(start));
        self.duration.push(head.end.saturating_sub(head.start));
        self.kind.push(head.kind);
        self.error.push(head.is_error().into());
        self.running.push(0);
    }

    fn push_running(&mut self, span: &SpanId, name: usize, begun: u64, start: u64, now: u64) {
        self.id.push(hex(span));
        self.name.push(name);
        self.service.push(0);
        self.start.push(begun.saturating_sub(start));
        self.duration.push(now.saturating_sub(begun));
        self.kind.push(2);
        self.error.push(0);
        self.running.push(1);
    }

    fn find_parents(&mut self, parents: &[SpanId]) {
        let mut places: HashMap<&str, usize> = HashMap::with_capacity(self.id.len());
        for (place, id) in self.id.iter().enumerate() {
            places.entry(id).or_insert(place);
        }
        let found = parents.iter().map(|parent| {
            if *parent == SpanId::default() {
                return -1;
            }
            // Places are far below the limit.
            places.get(&*hex(parent)).map_or(-2, |place| *place as i64)
        });
        self.parent = found.collect();
    }
}

/// The places of spans that match.
#[derive(Debug, Serialize)]
pub(super) struct Matches {
    found: Vec<usize>,
}

pub(super) fn matches(trace: &Trace, find: &str) -> Matches {
    let query = Query::parse(find);
    let spans = trace.body.spans().enumerate();
    let found = spans.filter(|(_, (source, bytes))| {
        Span::decode(*bytes).is_ok_and(|span| query.matches_span(&span, source.service()))
    });
    Matches { found: found.map(|(place, _)| place).collect() }
}
