//! The bounded store of recent traces.
//!
//! Everything here is driven from outside: a caller brings spans and the time. That makes the store's
//! behaviour a function of its input, which the tests rely on.

mod admission;
mod aggregates;
mod arrival;
mod body;
mod cutting;
mod encoded;
mod facts;
mod gate;
mod gone;
mod groups;
mod histogram;
mod intake;
mod kept;
mod limits;
mod names;
mod refused;
mod room;
mod running;
mod shard;
mod shares;
mod slowest;
mod source;
mod trace;
mod waiting;

#[cfg(test)]
mod tests;

use std::hash::RandomState;
use std::sync::Arc;

use self::gone::GoneIds;
use self::kept::KeptTraces;
use self::trace::{Scratch, TraceLimits};
use self::waiting::WaitingTraces;

pub(crate) use self::{
    aggregates::{RouteStats, Window},
    body::Kind,
    encoded::{SpanHead, id},
    gate::Gate,
    kept::Entry,
    limits::{DEFAULT, LEAST},
    names::shorten,
    running::{Ended, Running},
    shares::Reason,
    source::Sources,
    trace::Trace,
};
pub use self::{
    arrival::Arrival,
    encoded::EncodedSpan,
    facts::{EndedSpan, SpanFacts, SpanId, TraceId},
    limits::Memory,
    source::Source,
};

const SECOND: u64 = 1_000_000_000;

/// A quick hash with a seed of its own, as senders choose ids.
type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
type Set<T> = std::collections::HashSet<T, foldhash::fast::RandomState>;

/// Why a trace is not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gone {
    /// It was not admitted, as more ordinary traces came than are kept.
    NotKept,
    /// It was kept, and evicted to free memory.
    LetGo,
}

/// Returns whether so much time has passed since then. If the clock was set back, it has.
fn has_passed(time: u64, since: u64, now: u64) -> bool {
    now.checked_sub(since).is_none_or(|passed| passed > time)
}

/// What a store does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) memory: Memory,
    /// Ordinary traces kept a second, and at once. A rate of 0 keeps all.
    pub(crate) rate: u32,
    pub(crate) burst: u32,
    /// The longest attribute value in bytes.
    pub(crate) value: usize,
}

impl Options {
    fn trace_limits(&self) -> TraceLimits {
        TraceLimits { bytes: self.memory.trace(), value: self.value }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { memory: Memory::new(DEFAULT), rate: 50, burst: 200, value: 8 * 1024 }
    }
}

/// What the store has seen and done since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) spans: u64,
    pub(crate) traces: u64,
    /// Ordinary traces beyond the rate.
    pub(crate) not_kept: u64,
    pub(crate) let_go: u64,
    /// Spans of traces that were not kept, which came after the decision.
    pub(crate) late: u64,
    /// Spans without a trace id, or without any place for them.
    pub(crate) refused: u64,
}

/// The store. One thread writes; readers clone what they need.
#[derive(Debug)]
pub(crate) struct Store {
    options: Options,
    sources: Sources,
    waiting: WaitingTraces,
    kept: KeptTraces,
    gone: GoneIds,
    gate: Arc<Gate>,
    scratch: Scratch,
    hasher: RandomState,
    counters: Counters,
}

impl Store {
    pub(crate) fn new(options: Options, sources: Sources) -> Self {
        Self {
            options,
            sources,
            waiting: WaitingTraces::default(),
            kept: KeptTraces::new(options.memory.traces),
            gone: GoneIds::default(),
            gate: Arc::new(Gate::new(&options)),
            scratch: Scratch::default(),
            hasher: RandomState::new(),
            counters: Counters::default(),
        }
    }

    /// Returns the bytes of memory in use, of all that [`Memory::total`] has, except the queue and
    /// running requests.
    pub(crate) fn used(&self) -> usize {
        self.used_by_traces() + self.gate.used() + self.gone.used()
    }

    pub(crate) fn counters(&self) -> Counters {
        let refusals = self.gate.refusals();
        Counters {
            spans: self.counters.spans + refusals.spans,
            traces: self.counters.traces + refusals.traces,
            not_kept: refusals.not_kept,
            late: self.counters.late + refusals.late,
            ..self.counters
        }
    }

    /// Returns what decides about traces, for threads that end requests.
    pub(crate) fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.gate)
    }

    pub(crate) fn memory(&self) -> Memory {
        self.options.memory
    }

    pub(crate) fn kept(&self) -> &KeptTraces {
        &self.kept
    }

    pub(crate) fn waiting_count(&self) -> usize {
        self.waiting.ids().count()
    }

    pub(crate) fn routes(&self) -> impl Iterator<Item = RouteStats> {
        self.gate.routes()
    }

    /// Returns how many spans of a trace have come.
    pub(crate) fn spans_so_far(&self, id: &TraceId) -> u32 {
        let kept = self.kept.get(id).map(|entry| entry.trace.summary.spans);
        kept.or_else(|| Some(self.waiting.get(id)?.trace.summary.spans)).unwrap_or_default()
    }

    /// Returns when and why the one trace whose id matches was dropped.
    pub(crate) fn gone(&self, matches: impl Fn(&TraceId) -> bool) -> Option<(Gone, u64)> {
        let evicted: Vec<_> = self.gone.matching(&matches).collect();
        let mut found: Vec<_> = evicted.iter().map(|(id, at)| (*id, Gone::LetGo, *at)).collect();
        for (id, at) in self.gate.refused_matching(&matches) {
            if evicted.iter().all(|(evicted, _)| *evicted != id) {
                found.push((id, Gone::NotKept, at));
            }
        }
        match found[..] {
            [(_, why, at)] => Some((why, at)),
            _ => None,
        }
    }

    /// Returns a trace, kept or still waiting. What waits is encoded for this.
    pub(crate) fn trace(&self, id: &TraceId) -> Option<Arc<Trace>> {
        if let Some(entry) = self.kept.get(id) {
            return Some(Arc::clone(&entry.trace));
        }
        let waiting = self.waiting.get(id).filter(|waiting| waiting.trace.summary.spans > 0)?;
        let mut trace = waiting.trace.clone();
        let mut scratch = Scratch::default();
        for span in &waiting.pending {
            trace.encode(&**span, &mut scratch, self.options.trace_limits());
        }
        trace.body.append(&scratch.entries);
        Some(Arc::new(trace))
    }

    /// Returns the ids of traces, kept or waiting, that match.
    pub(crate) fn matching(&self, matches: impl Fn(&TraceId) -> bool) -> Vec<TraceId> {
        let ids = self.kept.ids().chain(self.waiting.ids());
        ids.filter(|id| matches(id)).copied().take(2).collect()
    }

    fn used_by_traces(&self) -> usize {
        self.kept.used() + self.waiting.used() + self.sources.used()
    }
}

#[cfg(all(test, shuttle))]
impl Store {
    /// Checks what must hold whenever no thread is at work, and no trace is open in a browser.
    pub(crate) fn check(&self) {
        self.kept.check();
        assert!(self.used_by_traces() <= self.options.memory.traces);
        assert_eq!(self.gate.kept(), self.kept.ids().copied().collect());
    }
}
