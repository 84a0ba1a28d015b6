//! The ids of traces that were not kept, for spans that come later and for those who ask.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use super::facts::TraceId;

/// How many ids are remembered at most.
const PLACES: usize = 4096;

/// Remembers traces that were not kept. Each id has one place, which a later one takes, so that noting one
/// costs next to nothing: under load that happens for nearly every request.
#[derive(Debug, Default)]
pub(super) struct RefusedIds {
    /// Each with its time; zeros where there is none.
    places: Box<[(TraceId, u64)]>,
    hasher: RandomState,
}

impl RefusedIds {
    /// Returns whether it was not known.
    pub(super) fn insert(&mut self, id: TraceId, now: u64) -> bool {
        if self.places.is_empty() {
            self.places = vec![(TraceId::default(), 0); PLACES].into();
        }
        let place = self.place(&id);
        let before = std::mem::replace(&mut self.places[place], (id, now));
        before.0 != id
    }

    /// Returns when a trace was not kept.
    pub(super) fn get(&self, id: &TraceId) -> Option<u64> {
        let (known, at) = self.places.get(self.place(id))?;
        (known == id).then_some(*at)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(TraceId, u64)> {
        self.places.iter().filter(|(id, _)| *id != TraceId::default())
    }

    pub(super) fn used(&self) -> usize {
        size_of_val(&*self.places)
    }

    fn place(&self, id: &TraceId) -> usize {
        // The remainder is below the number of places.
        (self.hasher.hash_one(id) % PLACES as u64) as usize
    }
}
