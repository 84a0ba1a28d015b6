//! The ids of traces that are no longer here.

use std::collections::VecDeque;

use super::Map;
use super::facts::TraceId;

/// How many ids are remembered.
const MOST: usize = 4096;

/// Why a trace is not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gone {
    /// It was not admitted, as more ordinary traces came than are kept.
    NotKept,
    /// It was kept, and evicted to free memory.
    LetGo,
}

/// Remembers the last 4,096 traces that were dropped.
#[derive(Debug, Default)]
pub(crate) struct GoneIds {
    order: VecDeque<TraceId>,
    known: Map<TraceId, (Gone, u64)>,
}

impl GoneIds {
    pub(crate) fn push(&mut self, id: TraceId, why: Gone, now: u64) {
        if self.known.insert(id, (why, now)).is_some() {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    pub(crate) fn get(&self, id: &TraceId) -> Option<(Gone, u64)> {
        self.known.get(id).copied()
    }

    pub(crate) fn used(&self) -> usize {
        self.order.capacity() * size_of::<TraceId>()
            + self.known.capacity() * (size_of::<(TraceId, (Gone, u64))>() + 1)
    }

    /// Finds the one id that starts with these hexadecimal digits.
    pub(crate) fn matching(&self, matches: impl Fn(&TraceId) -> bool) -> Option<(Gone, u64)> {
        let mut found = self.known.iter().filter(|(id, _)| matches(id)).map(|(_, gone)| *gone);
        found.next().filter(|_| found.next().is_none())
    }
}
