//! The traces that are kept, by id, by age and by their last change.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::facts::TraceId;
use super::groups::Member;
use super::histogram::bucket;
use super::shares::{Cell, ErrorKind, Loss, Reason, Reasons, Shares};
use super::trace::Trace;
use super::{Map, has_passed};

/// What the tables take for each trace, beyond the trace and its entry. Tables double when they grow,
/// so an entry takes up to twice its size in each.
const OVERHEAD: usize = 360 + size_of::<Entry>();
/// Traces that are kept because a browser shows them.
const MOST_PINNED: usize = 8;

/// A kept trace.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) trace: Arc<Trace>,
    pub(crate) reasons: Reasons,
    /// The place in the order in which traces came.
    pub(crate) seq: u64,
    /// The generation of its last change.
    pub(crate) generation: u64,
    duration: u64,
    pins: u32,
    weight: usize,
    charged: Reason,
    last_span: u64,
    is_settling: bool,
}

impl Entry {
    pub(crate) fn has_error(&self) -> bool {
        self.trace.summary.errors > 0
    }

    /// Returns whether it is among the slowest, or the newest, of its route and latency.
    pub(crate) fn is_slow(&self) -> bool {
        self.reasons.has(Reason::Slow)
    }

    /// Returns the latency bucket of the local root that the trace was kept at.
    pub(crate) fn bucket(&self) -> u8 {
        bucket(self.duration)
    }
}

/// All kept traces.
#[derive(Debug)]
pub(crate) struct KeptTraces {
    /// In boxes, as a table that grows has place for twice as many.
    traces: Map<TraceId, Box<Entry>>,
    by_age: BTreeMap<u64, TraceId>,
    by_change: BTreeMap<u64, TraceId>,
    settling: VecDeque<TraceId>,
    shares: Shares,
    budget: usize,
    next_seq: u64,
    generation: u64,
    totals: Totals,
}

/// How many kept traces each filter of the list finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// With an error.
    pub(crate) failed: usize,
    /// Among the slowest of their kind.
    pub(crate) slow: usize,
}

impl Totals {
    fn add(&mut self, entry: &Entry) {
        self.failed += usize::from(entry.has_error());
        self.slow += usize::from(entry.is_slow());
    }

    fn remove(&mut self, entry: &Entry) {
        self.failed -= usize::from(entry.has_error());
        self.slow -= usize::from(entry.is_slow());
    }
}

impl KeptTraces {
    pub(crate) fn new(budget: usize) -> Self {
        Self {
            traces: Map::default(),
            by_age: BTreeMap::new(),
            by_change: BTreeMap::new(),
            settling: VecDeque::new(),
            shares: Shares::new(budget),
            budget,
            next_seq: 0,
            generation: 0,
            totals: Totals::default(),
        }
    }

    pub(crate) fn weight(trace: &Trace) -> usize {
        OVERHEAD + trace.weight()
    }

    pub(crate) fn contains(&self, id: &TraceId) -> bool {
        self.traces.contains_key(id)
    }

    pub(crate) fn get(&self, id: &TraceId) -> Option<&Entry> {
        self.traces.get(id).map(|entry| &**entry)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &TraceId> {
        self.traces.keys()
    }

    pub(crate) fn len(&self) -> usize {
        self.traces.len()
    }

    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    /// Returns the cell that a trace is among the slowest of.
    pub(crate) fn cell(&self, id: &TraceId) -> Option<Cell> {
        self.get(id)?.reasons.slow
    }

    pub(crate) fn shares(&self) -> &Shares {
        &self.shares
    }

    pub(crate) fn used(&self) -> usize {
        self.shares.used()
    }

    /// Returns the number of the last change.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns the traces that came before `seq`, newest first.
    pub(crate) fn before(&self, seq: u64) -> impl Iterator<Item = &Entry> {
        self.by_age.range(..seq).rev().filter_map(|(_, id)| self.get(id))
    }

    /// Returns the oldest trace.
    pub(crate) fn oldest(&self) -> Option<&Entry> {
        self.by_age.values().next().and_then(|id| self.get(id))
    }

    /// Returns the traces that changed after `generation`, the last change first.
    pub(crate) fn changed_since(&self, generation: u64) -> impl Iterator<Item = &Entry> {
        let range = self.by_change.range(generation.saturating_add(1)..);
        range.rev().filter_map(|(_, id)| self.get(id))
    }

    /// Keeps a trace. Returns who loses a reason to it.
    pub(crate) fn insert(
        &mut self,
        trace: Trace,
        reasons: Reasons,
        duration: u64,
        now: u64,
    ) -> Vec<Loss> {
        let id = trace.summary.id;
        let weight = Self::weight(&trace);
        let charged = reasons.charged().unwrap_or(Reason::Latest);
        let member = Member { id, at: now, duration };
        self.shares.charge(charged, weight);
        let mut losses = Vec::new();
        if let Some(kind) = reasons.error {
            losses.extend(self.shares.add_error(kind, member));
        }
        if let Some(cell) = reasons.slow {
            losses.extend(self.shares.add_slow(cell, member));
        }
        if reasons.latest {
            self.shares.add_latest(member);
        }
        self.next_seq += 1;
        let seq = self.next_seq;
        self.by_age.insert(seq, id);
        let entry = Entry {
            trace: Arc::new(trace),
            reasons,
            seq,
            generation: 0,
            duration,
            pins: 0,
            weight,
            charged,
            last_span: now,
            is_settling: true,
        };
        self.totals.add(&entry);
        self.traces.insert(id, Box::new(entry));
        self.settling.push_back(id);
        self.touch(&id);
        losses
    }

    /// Changes a trace and weighs it again.
    pub(crate) fn change(&mut self, id: &TraceId, change: impl FnOnce(&mut Trace)) -> bool {
        let Some(entry) = self.traces.get_mut(id) else { return false };
        self.totals.remove(entry);
        change(Arc::make_mut(&mut entry.trace));
        self.totals.add(entry);
        let weight = Self::weight(&entry.trace);
        self.shares.discharge(entry.charged, entry.weight);
        self.shares.charge(entry.charged, weight);
        entry.weight = weight;
        self.touch(id);
        true
    }

    pub(crate) fn add_error(&mut self, id: &TraceId, kind: ErrorKind, now: u64) -> Option<Loss> {
        let entry = self.traces.get_mut(id)?;
        if entry.reasons.error.is_some() {
            return None;
        }
        entry.reasons.error = Some(kind);
        let member = Member { id: *id, at: now, duration: entry.duration };
        let loss = self.shares.add_error(kind, member);
        self.recharge(id);
        loss
    }

    pub(crate) fn add_slow(
        &mut self,
        id: &TraceId,
        cell: Cell,
        duration: u64,
        now: u64,
    ) -> Vec<Loss> {
        let Some(entry) = self.traces.get_mut(id) else { return Vec::new() };
        if entry.reasons.slow.is_some() {
            return Vec::new();
        }
        self.totals.remove(entry);
        entry.reasons.slow = Some(cell);
        self.totals.add(entry);
        let losses = self.shares.add_slow(cell, Member { id: *id, at: now, duration });
        self.recharge(id);
        losses
    }

    /// Takes a reason from a trace. Returns whether the trace is gone with it.
    pub(crate) fn lose(&mut self, id: &TraceId, reason: Reason) -> bool {
        let Some(entry) = self.traces.get_mut(id) else { return false };
        self.totals.remove(entry);
        self.shares.forget(*id, reason, &mut entry.reasons);
        self.totals.add(entry);
        self.recharge(id);
        self.free_unless_held(id)
    }

    pub(crate) fn pin(&mut self, id: &TraceId) -> bool {
        let pinned = self.traces.values().filter(|entry| entry.pins > 0);
        let (count, bytes) =
            pinned.fold((0, 0), |(count, bytes), entry| (count + 1, bytes + entry.weight));
        let Some(entry) = self.traces.get_mut(id) else { return false };
        if entry.pins == 0 && (count >= MOST_PINNED || bytes + entry.weight > self.budget / 2) {
            return false;
        }
        entry.pins += 1;
        true
    }

    /// Returns whether the trace is gone with its last pin.
    pub(crate) fn unpin(&mut self, id: &TraceId) -> bool {
        let Some(entry) = self.traces.get_mut(id) else { return false };
        entry.pins = entry.pins.saturating_sub(1);
        self.free_unless_held(id)
    }

    /// Evicts the largest trace that is kept only because a browser shows it.
    pub(crate) fn unpin_any(&mut self) -> Option<TraceId> {
        let held = |entry: &&mut Box<Entry>| entry.pins > 0 && entry.reasons.charged().is_none();
        let entry = self.traces.values_mut().filter(held).max_by_key(|entry| entry.weight)?;
        entry.pins = 0;
        let id = entry.trace.summary.id;
        self.free_unless_held(&id);
        Some(id)
    }

    /// A span came for a trace that may have been complete.
    pub(crate) fn unsettle(&mut self, id: &TraceId, now: u64) {
        let Some(entry) = self.traces.get_mut(id) else { return };
        entry.last_span = now;
        if !entry.is_settling {
            entry.is_settling = true;
            self.settling.push_back(*id);
        }
    }

    /// Completes traces that no span has come for in so long.
    pub(crate) fn settle(&mut self, patience: u64, now: u64) {
        for _ in 0..self.settling.len() {
            let Some(id) = self.settling.pop_front() else { return };
            let Some(entry) = self.traces.get_mut(&id) else { continue };
            if !has_passed(patience, entry.last_span, now) {
                self.settling.push_back(id);
                continue;
            }
            entry.is_settling = false;
            Arc::make_mut(&mut entry.trace).summary.is_complete = true;
            self.touch(&id);
        }
    }

    fn touch(&mut self, id: &TraceId) {
        let Some(entry) = self.traces.get_mut(id) else { return };
        self.by_change.remove(&entry.generation);
        self.generation += 1;
        entry.generation = self.generation;
        self.by_change.insert(self.generation, *id);
    }

    /// Moves the charge to the first share that has a reason.
    fn recharge(&mut self, id: &TraceId) {
        let Some(entry) = self.traces.get_mut(id) else { return };
        self.shares.discharge(entry.charged, entry.weight);
        entry.charged = entry.reasons.charged().unwrap_or(Reason::Latest);
        self.shares.charge(entry.charged, entry.weight);
    }

    fn free_unless_held(&mut self, id: &TraceId) -> bool {
        let Some(entry) = self.traces.get(id) else { return false };
        if entry.pins > 0 || entry.reasons.charged().is_some() {
            return false;
        }
        self.totals.remove(entry);
        self.shares.discharge(entry.charged, entry.weight);
        self.by_age.remove(&entry.seq);
        self.by_change.remove(&entry.generation);
        self.traces.remove(id);
        true
    }
}

#[cfg(test)]
impl KeptTraces {
    /// Checks what must hold after every step.
    pub(super) fn check(&self) {
        assert_eq!(self.traces.len(), self.by_age.len());
        assert_eq!(self.traces.len(), self.by_change.len());
        let mut used = 0;
        let mut totals = Totals::default();
        for (id, entry) in &self.traces {
            totals.add(entry);
            assert_eq!(entry.trace.summary.id, *id);
            assert_eq!(entry.weight, Self::weight(&entry.trace));
            assert_eq!(Some(entry.charged), entry.reasons.charged());
            assert_eq!(self.by_age.get(&entry.seq), Some(id));
            assert_eq!(self.by_change.get(&entry.generation), Some(id));
            let spans = entry.trace.body.spans().map(|(_, bytes)| bytes.len()).sum::<usize>();
            assert!(entry.weight >= spans);
            used += entry.weight;
        }
        assert_eq!((self.used(), self.totals), (used, totals));
    }
}
