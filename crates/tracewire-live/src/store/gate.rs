//! Decides which traces are kept, from a few numbers.
//!
//! Under load nearly every request is an ordinary one that is not kept. The gate finds that out on the
//! thread that ends the request, without the store and its lock, so that the spans of such a trace are
//! dropped where they ended.

use std::sync::PoisonError;

use super::admission::Admission;
use super::aggregates::{Aggregates, RouteIndex, RouteStats};
use super::facts::{SpanFacts, TraceId};
use super::histogram::bucket;
use super::refused::RefusedIds;
use super::shares::Cell;
use super::slowest::Slowest;
use super::{Options, Set};
use crate::sync::{Mutex, MutexGuard};

/// A local root that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root {
    pub(super) route: RouteIndex,
    pub(super) duration: u64,
}

impl Root {
    pub(super) fn cell(self) -> Cell {
        (self.route, bucket(self.duration))
    }
}

/// What never reached the store.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Refusals {
    /// Spans that were dropped where they ended, late ones included.
    pub(super) spans: u64,
    /// Traces whose spans were all dropped so.
    pub(super) traces: u64,
    pub(super) not_kept: u64,
    pub(super) late: u64,
}

/// Counts requests by route, and decides about their traces.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    aggregates: Aggregates,
    admission: Admission,
    slowest: Slowest,
    /// Traces that the store keeps, or will when it sees them.
    kept: Set<TraceId>,
    refused: RefusedIds,
    refusals: Refusals,
}

impl State {
    fn record(&mut self, facts: &SpanFacts<'_>, now: u64) -> Root {
        Root { route: self.aggregates.record(facts, now), duration: facts.duration() }
    }

    fn admits(&mut self, id: &TraceId, root: Root, is_error: bool, now: u64) -> bool {
        let is_slow = self.slowest.is_slow(root.cell(), root.duration, now);
        let admits = is_error || is_slow || self.admission.admit(now);
        if is_slow {
            self.slowest.add(root.cell(), id, root.duration, now);
        }
        if admits {
            self.kept.insert(*id);
        } else {
            self.refusals.not_kept += 1;
        }
        admits
    }
}

impl Gate {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            state: Mutex::new(State {
                aggregates: Aggregates::default(),
                admission: Admission::new(options.rate, options.burst),
                slowest: Slowest::default(),
                kept: Set::default(),
                refused: RefusedIds::default(),
                refusals: Refusals::default(),
            }),
        }
    }

    /// Counts a local root and decides about its trace, of which `spans` ended here. `None` if it is not
    /// kept; then nothing of it goes to the store.
    pub(crate) fn pass(
        &self,
        facts: &SpanFacts<'_>,
        spans: usize,
        has_error: bool,
        now: u64,
    ) -> Option<Root> {
        let id = facts.trace_id;
        let mut state = self.lock();
        let root = state.record(facts, now);
        if state.kept.contains(&id) || state.admits(&id, root, has_error || facts.is_error, now) {
            return Some(root);
        }
        let is_new = state.refused.insert(id, now);
        state.refusals.spans += spans as u64;
        state.refusals.traces += u64::from(is_new);
        None
    }

    /// Returns whether a span comes after the decision not to keep its trace, and counts it then.
    pub(crate) fn is_late(&self, facts: &SpanFacts<'_>) -> bool {
        let mut state = self.lock();
        let id = &facts.trace_id;
        let is_late = !facts.is_error
            && !facts.is_entry
            && state.refused.get(id).is_some()
            && !state.kept.contains(id);
        if is_late {
            state.refusals.spans += 1;
            state.refusals.late += 1;
        }
        is_late
    }

    /// Counts a local root that the store decides about.
    pub(super) fn record(&self, facts: &SpanFacts<'_>, now: u64) -> Root {
        self.lock().record(facts, now)
    }

    /// Decides about a trace in the store.
    pub(super) fn admits(&self, id: &TraceId, root: Root, is_error: bool, now: u64) -> bool {
        let mut state = self.lock();
        let admits = state.admits(id, root, is_error, now);
        if !admits {
            state.refused.insert(*id, now);
        }
        admits
    }

    /// Decides about a trace whose local root has not come.
    pub(super) fn admits_without_root(&self, id: &TraceId, is_error: bool, now: u64) -> bool {
        let mut state = self.lock();
        let admits = is_error || state.admission.admit(now);
        if admits {
            state.kept.insert(*id);
        } else {
            state.refusals.not_kept += 1;
            state.refused.insert(*id, now);
        }
        admits
    }

    /// Returns whether a later local root of a kept trace is among the slowest of its cell.
    pub(super) fn is_slow(&self, id: &TraceId, root: Root, now: u64) -> bool {
        let mut state = self.lock();
        let is_slow = state.slowest.is_slow(root.cell(), root.duration, now);
        if is_slow {
            state.slowest.add(root.cell(), id, root.duration, now);
        }
        is_slow
    }

    /// Notes that a trace is not among the slowest of a cell any longer.
    pub(super) fn is_slow_no_more(&self, id: &TraceId, cell: Cell) {
        self.lock().slowest.remove(cell, id);
    }

    /// Notes that the store does not keep a trace any longer.
    pub(super) fn forget(&self, id: &TraceId) {
        self.lock().kept.remove(id);
    }

    /// Takes an admission back, as the trace did not reach the store.
    pub(crate) fn take_back(&self, id: &TraceId, root: Root) {
        let mut state = self.lock();
        state.kept.remove(id);
        state.slowest.remove(root.cell(), id);
    }

    /// Returns when a trace was not kept.
    pub(super) fn refused(&self, id: &TraceId) -> Option<u64> {
        self.lock().refused.get(id)
    }

    /// Returns up to two traces that were not kept and match, with their times.
    pub(super) fn refused_matching(
        &self,
        matches: impl Fn(&TraceId) -> bool,
    ) -> Vec<(TraceId, u64)> {
        let state = self.lock();
        state.refused.iter().filter(|(id, _)| matches(id)).take(2).copied().collect()
    }

    pub(super) fn refusals(&self) -> Refusals {
        self.lock().refusals
    }

    /// Returns the routes, each as it is when its turn comes, so that requests do not wait for all.
    pub(super) fn routes(&self) -> impl Iterator<Item = RouteStats> {
        (0..).map_while(|place| self.lock().aggregates.route(place).cloned())
    }

    /// Returns the bytes of memory in use. Kept ids are weighed with their traces.
    pub(super) fn used(&self) -> usize {
        let state = self.lock();
        state.aggregates.used() + state.slowest.used() + state.refused.used()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, shuttle))]
impl Gate {
    /// Returns the traces that it takes for kept.
    pub(super) fn kept(&self) -> Set<TraceId> {
        self.lock().kept.clone()
    }
}
