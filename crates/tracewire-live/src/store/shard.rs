//! Running requests whose trace ids end alike, under one lock.

use super::facts::{EndedSpan, SpanId, TraceId};
use super::has_passed;
use super::running::RunningEntry;

/// Entries of one shard.
const MOST: usize = 256;
/// Spans that wait with a request.
const MOST_HELD: usize = 64;

/// Spans of one trace, in the order in which they ended.
pub(crate) type Spans = Vec<Box<dyn EndedSpan>>;

/// Requests, each at the same place of every list. Few run at a time and their ids lie side by side, so a
/// search reads few cache lines and hashes nothing.
#[derive(Debug, Default)]
pub(super) struct Shard {
    spans: Vec<SpanId>,
    traces: Vec<TraceId>,
    /// Spans that have started and not ended. What is open of a trace is the sum over its requests.
    open: Vec<i32>,
    held: Vec<Held>,
    requests: Vec<RunningEntry>,
}

/// Spans that ended within a request. They wait for its end, when it is decided whether they are kept.
#[derive(Debug)]
enum Held {
    Waiting {
        spans: Spans,
        has_error: bool,
    },
    /// The store has seen a part of the trace, so it takes the rest as well and decides.
    PassedOn,
}

impl Held {
    const NOTHING: Self = Self::Waiting { spans: Vec::new(), has_error: false };

    fn pass_on(&mut self) -> Spans {
        match std::mem::replace(self, Self::PassedOn) {
            Self::Waiting { spans, .. } => spans,
            Self::PassedOn => Vec::new(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Waiting { spans, .. } => spans.len(),
            Self::PassedOn => 0,
        }
    }
}

/// A request that has ended, and what waited with it.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) spans: Spans,
    pub(super) has_error: bool,
    /// Whether no other request of the trace is listed.
    pub(super) is_last: bool,
    /// Whether these are all spans of the trace that are known here, so that it can be decided at once.
    pub(super) is_whole: bool,
}

/// What becomes of a span within a request.
#[derive(Debug)]
pub(super) enum Destination {
    /// It waits.
    Held,
    /// It finds no place, or those before it did not. Here they are; it follows them.
    PassedOn(Spans),
    /// No request of its trace is listed.
    Unknown,
}

impl Shard {
    pub(super) fn len(&self) -> usize {
        self.requests.len()
    }

    pub(super) fn requests(&self) -> &[RunningEntry] {
        &self.requests
    }

    /// Adds a request. Returns whether there was a place.
    pub(super) fn add(&mut self, entry: RunningEntry) -> bool {
        if self.len() >= MOST {
            return false;
        }
        self.spans.push(entry.span_id);
        self.traces.push(entry.trace_id);
        self.open.push(1);
        self.held.push(Held::NOTHING);
        self.requests.push(entry);
        true
    }

    /// Removes a request that has ended. Where another one of its trace runs, the store decides about all
    /// that they hold, unless it has no room for it.
    pub(super) fn finish(&mut self, trace_id: &TraceId, span_id: SpanId) -> Option<Finished> {
        let held = self.remove(trace_id, span_id)?;
        let is_last = self.find(trace_id).is_none();
        Some(match held {
            Held::Waiting { spans, has_error } => {
                Finished { spans, has_error, is_last, is_whole: is_last }
            }
            Held::PassedOn => {
                Finished { spans: Vec::new(), has_error: false, is_last, is_whole: false }
            }
        })
    }

    /// Counts a span as ended, and lets it wait with its request. `has_room` is asked before.
    pub(super) fn hold(
        &mut self,
        trace_id: &TraceId,
        is_error: bool,
        has_room: impl Fn() -> bool,
        span: impl FnOnce() -> Option<Box<dyn EndedSpan>>,
    ) -> Destination {
        let Some(place) = self.find(trace_id) else { return Destination::Unknown };
        self.open[place] = self.open[place].saturating_sub(1);
        match &mut self.held[place] {
            Held::Waiting { spans, has_error } if spans.len() < MOST_HELD && has_room() => {
                spans.extend(span());
                *has_error |= is_error;
                Destination::Held
            }
            _ => Destination::PassedOn(self.pass_on(trace_id)),
        }
    }

    /// Takes what waits with the requests of a trace. What ends in them from now on does not wait.
    pub(super) fn pass_on(&mut self, trace_id: &TraceId) -> Spans {
        let mut all = Vec::new();
        for (trace, held) in self.traces.iter().zip(&mut self.held) {
            if trace == trace_id {
                all.append(&mut held.pass_on());
            }
        }
        all
    }

    /// Takes what waits with requests that have run for so long.
    pub(super) fn pass_on_after(&mut self, time: u64, now: u64) -> Spans {
        let is_due = |(held, entry): (&Held, &RunningEntry)| {
            (held.len() > 0 && has_passed(time, entry.start, now)).then_some(entry.trace_id)
        };
        let due: Vec<_> = self.held.iter().zip(&self.requests).filter_map(is_due).collect();
        due.iter().flat_map(|trace_id| self.pass_on(trace_id)).collect()
    }

    /// Forgets requests that have run for longer. Returns how many, and what waited with them.
    pub(super) fn fold(&mut self, time: u64, now: u64) -> (usize, Spans) {
        let is_old = |entry: &&RunningEntry| now.saturating_sub(entry.start) > time;
        let ids = |entry: &RunningEntry| (entry.trace_id, entry.span_id);
        let old: Vec<_> = self.requests.iter().filter(is_old).map(ids).collect();
        let mut spans = Vec::new();
        for (trace_id, span_id) in &old {
            spans.extend(
                self.finish(trace_id, *span_id).into_iter().flat_map(|finished| finished.spans),
            );
            spans.extend(self.pass_on(trace_id));
        }
        (old.len(), spans)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let lists = [self.spans.len(), self.traces.len(), self.open.len(), self.held.len()];
        lists.iter().all(|list| *list == self.len()) && self.requests.is_empty()
    }

    /// Counts spans of a trace, if it has a listed request.
    pub(super) fn count(&mut self, trace_id: &TraceId, spans: i32) {
        if let Some(place) = self.find(trace_id) {
            self.open[place] = self.open[place].saturating_add(spans);
        }
    }

    pub(super) fn open_spans(&self, trace_id: &TraceId) -> u32 {
        let all = self.traces.iter().zip(&self.open).filter(|(trace, _)| *trace == trace_id);
        let open: i64 = all.map(|(_, open)| i64::from(*open)).sum();
        u32::try_from(open.max(0)).unwrap_or(u32::MAX)
    }

    /// Returns how many spans of a trace wait here.
    pub(super) fn held_spans(&self, trace_id: &TraceId) -> usize {
        let all = self.traces.iter().zip(&self.held).filter(|(trace, _)| *trace == trace_id);
        all.map(|(_, held)| held.len()).sum()
    }

    fn find(&self, trace_id: &TraceId) -> Option<usize> {
        self.traces.iter().position(|trace| trace == trace_id)
    }

    /// Removes a request. Spans that outlive the last one of their trace are not counted.
    fn remove(&mut self, trace_id: &TraceId, span_id: SpanId) -> Option<Held> {
        let mut ids = self.spans.iter().zip(&self.traces);
        // Ids of spans should be unique, and are not always.
        let place = ids.position(|(span, trace)| *span == span_id && trace == trace_id)?;
        self.spans.swap_remove(place);
        self.traces.swap_remove(place);
        let left = self.open.swap_remove(place) - 1;
        let held = self.held.swap_remove(place);
        self.requests.swap_remove(place);
        if left != 0 {
            self.count(trace_id, left);
        }
        Some(held)
    }
}
