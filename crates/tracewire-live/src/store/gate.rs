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
use super::room::{Beyond, Room};
use super::shares::Cell;
use super::slowest::Slowest;
use super::{Map, Options, Set};
use crate::sync::{Mutex, MutexGuard};

/// A local root that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root {
    pub(super) route: RouteIndex,
    pub(super) bucket: u8,
    pub(super) duration: u64,
    /// Whether its trace was not kept before.
    pub(super) is_first: bool,
}

impl Root {
    pub(super) fn cell(self) -> Cell {
        (self.route, self.bucket)
    }
}

/// What becomes of a request that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verdict {
    /// Its spans are dropped where they ended.
    Dropped,
    /// Its trace is kept.
    Admitted(Root),
    /// The store decides.
    Undecided,
}

/// Whether a trace that gets more spans is kept, and has room for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Unknown,
    Kept,
    /// It is kept, and has no room for them.
    Full,
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
    /// Kept traces that are full; each takes much of the memory, so they are few.
    full: Map<TraceId, Room>,
    refused: RefusedIds,
    refusals: Refusals,
    /// Kept traces with spans that found no room, since the store asked.
    overflowed: Vec<TraceId>,
}

impl State {
    fn record(&mut self, facts: &SpanFacts<'_>, now: u64) -> Root {
        let duration = facts.duration();
        let bucket = bucket(duration);
        let route = self.aggregates.record(facts, bucket, now);
        Root { route, bucket, duration, is_first: true }
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

    /// Returns whether a trace is kept and takes spans like these. What a full one does not take is counted.
    fn known(&mut self, facts: &SpanFacts<'_>, spans: usize, is_error: bool) -> Known {
        let id = &facts.trace_id;
        if !self.kept.contains(id) {
            return Known::Unknown;
        }
        let Some(room) = self.full.get_mut(id).filter(|room| room.has_none(is_error)) else {
            return Known::Kept;
        };
        if room.count(spans, is_error, facts.end) {
            self.overflowed.push(facts.trace_id);
        }
        self.refusals.spans += spans as u64;
        Known::Full
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
                full: Map::default(),
                refused: RefusedIds::default(),
                refusals: Refusals::default(),
                overflowed: Vec::new(),
            }),
        }
    }

    /// Counts a local root and decides about its trace, of which `spans` ended here.
    ///
    /// If these are not all of its spans that are known here, only those that a full trace has no room for
    /// are dropped, and nothing else is decided or counted.
    pub(crate) fn pass(
        &self,
        facts: &SpanFacts<'_>,
        spans: usize,
        has_error: bool,
        is_whole: bool,
        now: u64,
    ) -> Verdict {
        let id = facts.trace_id;
        let is_error = has_error || facts.is_error;
        let mut guard = self.lock();
        let state = &mut *guard;
        let known = state.known(facts, spans, is_error);
        if !is_whole && known != Known::Full {
            return Verdict::Undecided;
        }
        let root = state.record(facts, now);
        match known {
            Known::Full => return Verdict::Dropped,
            Known::Kept => return Verdict::Admitted(Root { is_first: false, ..root }),
            Known::Unknown if state.admits(&id, root, is_error, now) => {
                return Verdict::Admitted(root);
            }
            Known::Unknown => {}
        }
        let is_new = state.refused.insert(id, now);
        state.refusals.spans += spans as u64;
        state.refusals.traces += u64::from(is_new);
        Verdict::Dropped
    }

    /// Returns whether a span comes after the decision not to keep its trace, or after the trace was full,
    /// and counts it then.
    pub(crate) fn is_late(&self, facts: &SpanFacts<'_>) -> bool {
        if facts.is_entry {
            return false;
        }
        let mut state = self.lock();
        match state.known(facts, 1, facts.is_error) {
            Known::Full => true,
            Known::Kept => false,
            Known::Unknown => {
                let was_refused = state.refused.get(&facts.trace_id).is_some();
                let is_late = was_refused && !facts.is_error;
                state.refusals.spans += u64::from(is_late);
                state.refusals.late += u64::from(is_late);
                is_late
            }
        }
    }

    /// Notes that a span found no room in a kept trace.
    pub(super) fn fill(&self, id: &TraceId, was_error: bool) {
        let mut state = self.lock();
        if state.kept.contains(id) {
            state.full.entry(*id).or_default().fill(was_error);
        }
    }

    /// Takes the counts of what found no room.
    pub(super) fn take_beyond(&self) -> Vec<(TraceId, Beyond)> {
        let mut guard = self.lock();
        let State { overflowed, full, .. } = &mut *guard;
        let counts = |id| full.get_mut(&id).map(|room| (id, room.take()));
        overflowed.drain(..).filter_map(counts).collect()
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

    /// Notes that the store keeps a trace.
    pub(super) fn keep(&self, id: &TraceId) {
        self.lock().kept.insert(*id);
    }

    /// Notes that the store does not keep a trace any longer.
    pub(super) fn forget(&self, id: &TraceId) {
        let mut state = self.lock();
        state.kept.remove(id);
        state.full.remove(id);
    }

    /// Takes an admission back, as the trace did not reach the store.
    pub(crate) fn take_back(&self, id: &TraceId, root: Root) {
        if !root.is_first {
            return; // an earlier request of the trace did
        }
        let mut state = self.lock();
        state.kept.remove(id);
        state.slowest.remove(root.cell(), id);
    }

    /// Returns the one trace that matches and is to be kept. Its spans may be on their way to the store.
    pub(crate) fn expected(&self, matches: impl Fn(&TraceId) -> bool) -> Option<TraceId> {
        let state = self.lock();
        let mut found = state.kept.iter().filter(|id| matches(id));
        let first = found.next()?;
        found.next().is_none().then_some(*first)
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
