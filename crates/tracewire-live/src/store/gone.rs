//! The ids of traces that were evicted.

use std::collections::VecDeque;

use super::Map;
use super::facts::TraceId;

/// How many ids are remembered.
const MOST: usize = 4096;

/// Remembers the last 4,096 traces that were evicted.
#[derive(Debug, Default)]
pub(crate) struct GoneIds {
    order: VecDeque<TraceId>,
    known: Map<TraceId, u64>,
}

impl GoneIds {
    pub(crate) fn push(&mut self, id: TraceId, now: u64) {
        if self.known.insert(id, now).is_some() {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    pub(crate) fn get(&self, id: &TraceId) -> Option<u64> {
        self.known.get(id).copied()
    }

    pub(crate) fn used(&self) -> usize {
        self.order.capacity() * size_of::<TraceId>()
            + self.known.capacity() * (size_of::<(TraceId, u64)>() + 1)
    }

    /// Returns up to two traces that match.
    pub(crate) fn matching(
        &self,
        matches: impl Fn(&TraceId) -> bool,
    ) -> impl Iterator<Item = (TraceId, u64)> {
        let found = self.known.iter().filter(move |(id, _)| matches(id));
        found.map(|(id, at)| (*id, *at)).take(2)
    }
}
