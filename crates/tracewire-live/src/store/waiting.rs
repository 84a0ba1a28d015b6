//! Traces whose local root has not ended.

use std::collections::BTreeMap;

use super::facts::{EndedSpan, TraceId};
use super::trace::Trace;
use super::{Map, has_passed};

/// The place of a waiting trace in the tables, beyond the trace itself.
const OVERHEAD: usize = 160;

/// A trace that may or may not be kept.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) trace: Trace,
    /// Spans that are not encoded yet.
    pub(crate) pending: Vec<Box<dyn EndedSpan>>,
    pub(crate) pending_weight: usize,
    pub(crate) last_span: u64,
    seq: u64,
    weight: usize,
}

impl Waiting {
    fn current_weight(&self) -> usize {
        OVERHEAD
            + self.trace.weight()
            + self.pending_weight
            + self.pending.capacity() * size_of::<Box<dyn EndedSpan>>()
    }
}

/// All waiting traces, oldest first.
#[derive(Debug, Default)]
pub(crate) struct WaitingTraces {
    traces: Map<TraceId, Waiting>,
    order: BTreeMap<u64, TraceId>,
    next_seq: u64,
    used: usize,
}

impl WaitingTraces {
    pub(crate) fn contains(&self, id: &TraceId) -> bool {
        self.traces.contains_key(id)
    }

    pub(crate) fn get(&self, id: &TraceId) -> Option<&Waiting> {
        self.traces.get(id)
    }

    /// Whether spans of a trace have come, and not only log records.
    pub(crate) fn has_spans(&self, id: &TraceId) -> bool {
        self.traces.get(id).is_some_and(|waiting| waiting.trace.summary.spans > 0)
    }

    /// Whether a span of a trace has failed.
    pub(crate) fn has_error(&self, id: &TraceId) -> bool {
        self.traces.get(id).is_some_and(|waiting| waiting.trace.summary.errors > 0)
    }

    /// Returns the traces that spans have come of.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &TraceId> {
        let begun = self.traces.iter().filter(|(_, waiting)| waiting.trace.summary.spans > 0);
        begun.map(|(id, _)| id)
    }

    pub(crate) fn insert(&mut self, id: TraceId, now: u64) -> &mut Waiting {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.order.insert(seq, id);
        self.traces
            .entry(id)
            .insert_entry(Waiting {
                trace: Trace::new(id),
                pending: Vec::new(),
                pending_weight: 0,
                last_span: now,
                seq,
                weight: 0,
            })
            .into_mut()
    }

    /// Changes a trace, and weighs it again.
    pub(crate) fn update<T>(
        &mut self,
        id: &TraceId,
        change: impl FnOnce(&mut Waiting) -> T,
    ) -> Option<T> {
        let waiting = self.traces.get_mut(id)?;
        let result = change(waiting);
        let weight = waiting.current_weight();
        self.used = self.used - waiting.weight + weight;
        waiting.weight = weight;
        Some(result)
    }

    pub(crate) fn remove(&mut self, id: &TraceId) -> Option<Waiting> {
        let waiting = self.traces.remove(id)?;
        self.order.remove(&waiting.seq);
        self.used -= waiting.weight;
        Some(waiting)
    }

    pub(crate) fn oldest(&self) -> Option<TraceId> {
        self.order.values().next().copied()
    }

    /// Returns the traces that no span has come for in so long.
    pub(crate) fn silent_for(&self, patience: u64, now: u64) -> Vec<TraceId> {
        let is_silent = |waiting: &Waiting| has_passed(patience, waiting.last_span, now);
        let silent = self.traces.iter().filter(|(_, waiting)| is_silent(waiting));
        silent.map(|(id, _)| *id).collect()
    }

    /// Returns the bytes of memory that they take.
    pub(crate) fn used(&self) -> usize {
        self.used
    }
}
