//! How spans and log records come in: what they join, whether it is kept, and what goes for it.

use std::hash::BuildHasher;
use std::sync::Arc;

use super::aggregates::RouteIndex;
use super::arrival::Arrival;
use super::facts::{EndedSpan, TraceId};
use super::gate::Root;
use super::kept::KeptTraces;
use super::shares::{ErrorKind, Loss, Reason, Reasons};
use super::source::Source;
use super::trace::{Scratch, TraceLimits};
use super::waiting::Waiting;
use super::{SECOND, Store};

/// After this time without another local root a kept trace is complete.
const SETTLE: u64 = 2 * SECOND;
/// After this time without a span a trace is not waited for.
pub(super) const PATIENCE: u64 = 30 * SECOND;
/// Pending spans beyond these are encoded, so that what they hold is given back.
const MOST_PENDING: usize = 64;
const MOST_PENDING_BYTES: usize = 256 * 1024;

/// How a span stands that comes in.
#[derive(Clone, Copy, Debug)]
enum Standing {
    /// Nothing is decided about its trace.
    Undecided,
    /// Its trace was admitted, and its local root follows.
    Part,
    /// It is the local root that its trace was admitted for.
    Admitted(Root),
}

impl Store {
    /// Takes a span that has ended. One whose trace is not kept is neither copied nor encoded.
    pub(crate) fn offer(&mut self, span: impl EndedSpan + 'static, now: u64) {
        self.take(span, Standing::Undecided, now);
    }

    /// Takes the spans of a request.
    pub(crate) fn bring(&mut self, arrival: Arrival, now: u64) {
        let Arrival { spans, admitted, .. } = arrival;
        let last = spans.len().saturating_sub(1);
        for (place, span) in spans.into_iter().enumerate() {
            let standing = match admitted {
                None => Standing::Undecided,
                Some(root) if place == last => Standing::Admitted(root),
                Some(_) => Standing::Part,
            };
            self.take(span, standing, now);
        }
    }

    fn take(&mut self, span: impl EndedSpan + 'static, standing: Standing, now: u64) {
        let facts = span.facts();
        self.counters.spans += 1;
        if facts.trace_id == TraceId::default() {
            self.counters.refused += 1;
            return;
        }
        let id = facts.trace_id;
        let root = match standing {
            Standing::Admitted(root) => Some(root),
            _ => facts.is_entry.then(|| self.gate.record(&facts, now)),
        };
        if self.kept.contains(&id) {
            let error = facts.is_error.then(|| facts.error_type.to_owned());
            self.append(id, &span, root, error.as_deref(), now);
            return;
        }
        let begins = !self.waiting.has_spans(&id);
        let was_refused = begins && self.gate.refused(&id).is_some();
        let is_undecided = matches!(standing, Standing::Undecided);
        if is_undecided && root.is_none() && !facts.is_error && was_refused {
            self.counters.late += 1;
            return;
        }
        let was_here = was_refused || (begins && self.gone.get(&id).is_some());
        self.counters.traces += u64::from(begins && !was_here);
        let is_error = facts.is_error || self.waiting.has_error(&id);
        if let Some(root) = root
            && is_undecided
            && !self.gate.admits(&id, root, is_error, now)
        {
            self.waiting.remove(&id);
            return;
        }
        if begins {
            self.begin(id, was_here, now);
        }
        self.wait(id, span.boxed(), now);
        match root {
            Some(root) => self.keep_with_root(id, root, now),
            None => self.limit_waiting(now),
        }
    }

    /// Takes a log record; `encode` is called only if its trace is here.
    ///
    /// Returns whether it is.
    pub(crate) fn offer_log(
        &mut self,
        id: TraceId,
        source: &Arc<Source>,
        encode: impl FnOnce(&mut Vec<u8>),
        now: u64,
    ) -> bool {
        let limits = self.options.trace_limits();
        let scratch = &mut self.scratch;
        let done = if self.kept.contains(&id) {
            self.kept.change(&id, |trace| {
                trace.encode_log(source, encode, scratch, limits);
                trace.body.append(&scratch.entries);
            })
        } else {
            let change = |waiting: &mut Waiting| {
                waiting.trace.encode_log(source, encode, scratch, limits);
                waiting.trace.body.append(&scratch.entries);
            };
            self.waiting.update(&id, change).is_some()
        };
        self.scratch.clear();
        self.evict_for(0, now);
        self.limit_waiting(now);
        done
    }

    /// Takes a log record of a trace that may not have come yet, as records are made, and often arrive,
    /// before the spans around them have ended. `encode` is called unless the trace was let go.
    ///
    /// Returns whether the record is kept for now.
    pub(crate) fn offer_early_log(
        &mut self,
        id: TraceId,
        source: &Arc<Source>,
        encode: impl FnOnce(&mut Vec<u8>),
        now: u64,
    ) -> bool {
        let is_here = self.kept.contains(&id) || self.waiting.contains(&id);
        if !is_here {
            let is_gone = self.gone.get(&id).is_some() || self.gate.refused(&id).is_some();
            if is_gone || id == TraceId::default() {
                return false;
            }
            self.waiting.insert(id, now);
        }
        self.offer_log(id, source, encode, now)
    }

    /// Completes traces that nothing came for in a while. To be called every second or so.
    pub(crate) fn tick(&mut self, now: u64) {
        for (id, beyond) in self.gate.take_beyond() {
            self.kept.change(&id, |trace| trace.summary.overflow(beyond));
            self.kept.unsettle(&id, now);
        }
        self.kept.settle(SETTLE, now);
        for id in self.waiting.silent_for(PATIENCE, now) {
            self.decide_without_root(id, now);
        }
    }

    /// Keeps a trace while a browser shows it. At most 8 are kept so, and no more than take half of the
    /// memory for traces.
    pub(crate) fn pin(&mut self, id: &TraceId) -> bool {
        self.kept.pin(id)
    }

    pub(crate) fn unpin(&mut self, id: &TraceId, now: u64) {
        if self.kept.unpin(id) {
            self.note_gone(*id, now);
        }
    }

    /// Begins a trace, or one whose log records came first.
    fn begin(&mut self, id: TraceId, lacks_earlier: bool, now: u64) {
        if !self.waiting.contains(&id) {
            self.waiting.insert(id, now);
        }
        self.waiting.update(&id, |waiting| waiting.trace.summary.lacks_earlier = lacks_earlier);
    }

    /// Adds a span to a waiting trace.
    fn wait(&mut self, id: TraceId, span: Box<dyn EndedSpan>, now: u64) {
        let limits = self.options.trace_limits();
        let scratch = &mut self.scratch;
        self.waiting.update(&id, |waiting| {
            waiting.last_span = now;
            if !waiting.trace.count(&*span, waiting.pending_weight, limits) {
                return;
            }
            waiting.pending_weight += span.weight();
            waiting.pending.push(span);
            if waiting.pending.len() >= MOST_PENDING || waiting.pending_weight >= MOST_PENDING_BYTES
            {
                waiting.encode(scratch, limits);
            }
        });
    }

    /// The local root of a waiting trace has ended, and it is to be kept.
    fn keep_with_root(&mut self, id: TraceId, root: Root, now: u64) {
        let Some(mut waiting) = self.waiting.remove(&id) else { return };
        waiting.encode(&mut self.scratch, self.options.trace_limits());
        let summary = &waiting.trace.summary;
        let reasons = Reasons {
            error: (summary.errors > 0).then(|| self.error_kind(root.route, &summary.error_type)),
            slow: Some(root.cell()),
            latest: true,
        };
        self.keep(waiting, reasons, root.duration, now);
    }

    /// The local root of a waiting trace has not come, and is not waited for any longer.
    fn decide_without_root(&mut self, id: TraceId, now: u64) {
        let Some(mut waiting) = self.waiting.remove(&id) else { return };
        if waiting.trace.summary.spans == 0 {
            return; // nothing but log records, of a trace that is not sampled perhaps
        }
        let is_error = waiting.trace.summary.errors > 0;
        if !self.gate.admits_without_root(&id, is_error, now) {
            return;
        }
        let limits = self.options.trace_limits();
        waiting.encode(&mut self.scratch, limits);
        let error_type = &waiting.trace.summary.error_type;
        let kind = is_error.then(|| self.error_kind(RouteIndex::MAX, error_type));
        let reasons = Reasons { error: kind, slow: None, latest: true };
        self.keep(waiting, reasons, 0, now);
    }

    fn keep(&mut self, waiting: Waiting, reasons: Reasons, duration: u64, now: u64) {
        let id = waiting.trace.summary.id;
        let need = KeptTraces::weight(&waiting.trace);
        if self.evict_for(need, now) {
            // It may have let an earlier part of the trace go since the gate decided.
            self.gate.keep(&id);
            let losses = self.kept.insert(waiting.trace, reasons, duration, now);
            self.lose(losses, now);
        } else {
            self.counters.refused += 1;
            self.gone.push(id, now);
            self.gate.forget(&id);
        }
    }

    /// Adds a span to a trace that is kept.
    fn append(
        &mut self,
        id: TraceId,
        span: &dyn EndedSpan,
        root: Option<Root>,
        error: Option<&str>,
        now: u64,
    ) {
        let limits = self.options.trace_limits();
        let scratch = &mut self.scratch;
        let mut fits = true;
        self.kept.change(&id, |trace| {
            fits = trace.count(span, 0, limits);
            if fits {
                trace.encode(span, scratch, limits);
                trace.body.append(&scratch.entries);
            }
            trace.summary.is_complete = false;
        });
        scratch.clear();
        if !fits {
            self.gate.fill(&id, error.is_some());
        }
        self.kept.unsettle(&id, now);
        let mut losses = Vec::new();
        if let Some(error_type) = error {
            let route = root.map_or(RouteIndex::MAX, |root| root.route);
            let kind = self.error_kind(route, error_type);
            losses.extend(self.kept.add_error(&id, kind, now));
        }
        if let Some(root) = root
            && self.gate.is_slow(&id, root, now)
        {
            losses.extend(self.kept.add_slow(&id, root.cell(), root.duration, now));
        }
        self.lose(losses, now);
        self.evict_for(0, now);
    }

    fn error_kind(&self, route: RouteIndex, error_type: &str) -> ErrorKind {
        (route, self.hasher.hash_one(error_type))
    }

    /// Lets traces go until `need` more bytes fit. Returns whether they do.
    fn evict_for(&mut self, need: usize, now: u64) -> bool {
        while self.used_by_traces() + need > self.options.memory.traces {
            if let Some(loss) = self.kept.shares().victim() {
                self.lose(vec![loss], now);
            } else if let Some(id) = self.kept.unpin_any() {
                self.note_gone(id, now);
            } else {
                return false;
            }
        }
        true
    }

    fn lose(&mut self, losses: Vec<Loss>, now: u64) {
        for (id, reason) in losses {
            if reason == Reason::Slow
                && let Some(cell) = self.kept.cell(&id)
            {
                self.gate.is_slow_no_more(&id, cell);
            }
            if self.kept.lose(&id, reason) {
                self.note_gone(id, now);
            }
        }
    }

    fn note_gone(&mut self, id: TraceId, now: u64) {
        self.counters.let_go += 1;
        self.gone.push(id, now);
        self.gate.forget(&id);
    }

    /// Decides about the oldest waiting traces while there are too many.
    fn limit_waiting(&mut self, now: u64) {
        while self.waiting.used() > self.options.memory.waiting() {
            let Some(oldest) = self.waiting.oldest() else { return };
            self.decide_without_root(oldest, now);
        }
        self.evict_for(0, now);
    }
}

impl Waiting {
    /// Encodes all pending spans.
    fn encode(&mut self, scratch: &mut Scratch, limits: TraceLimits) {
        for span in std::mem::take(&mut self.pending) {
            self.trace.encode(&*span, scratch, limits);
        }
        self.pending_weight = 0;
        self.trace.body.append(&scratch.entries);
        scratch.clear();
    }
}
