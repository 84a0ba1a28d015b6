//! The slowest traces of each route and latency, as far as a decision needs them.

use super::facts::TraceId;
use super::histogram::BUCKETS;
use super::shares::{Cell, SLOW_FOR, SLOWEST};

/// A trace that was admitted.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// The first half of its id.
    id: u64,
    /// 0 if the place is free.
    at: u64,
    duration: u64,
}

impl Place {
    fn is_taken(&self, now: u64) -> bool {
        self.at != 0 && now.saturating_sub(self.at) <= SLOW_FOR
    }
}

/// The durations that a trace has to exceed to be among the slowest of its cell.
#[derive(Debug, Default)]
pub(super) struct Slowest {
    /// By route and then by bucket.
    cells: Vec<[Place; SLOWEST]>,
}

impl Slowest {
    /// Returns whether a duration is among the slowest of its cell.
    pub(super) fn is_slow(&self, cell: Cell, duration: u64, now: u64) -> bool {
        let Some(places) = self.cells.get(index(cell)) else { return true };
        !places.iter().all(|place| place.is_taken(now) && place.duration >= duration)
    }

    /// Notes a trace that is among the slowest, in the place of one that is not any longer.
    pub(super) fn add(&mut self, cell: Cell, id: &TraceId, duration: u64, now: u64) {
        let index = index(cell);
        if index >= self.cells.len() {
            // All buckets of the route.
            self.cells.resize(index / BUCKETS * BUCKETS + BUCKETS, Default::default());
        }
        let rank = |place: &&mut Place| (place.is_taken(now), place.duration);
        if let Some(place) = self.cells[index].iter_mut().min_by_key(rank) {
            *place = Place { id: half(id), at: now.max(1), duration };
        }
    }

    /// Frees the place of a trace that was evicted.
    pub(super) fn remove(&mut self, cell: Cell, id: &TraceId) {
        let places = self.cells.get_mut(index(cell)).into_iter().flatten();
        places.filter(|place| place.id == half(id)).for_each(|place| *place = Place::default());
    }

    pub(super) fn used(&self) -> usize {
        self.cells.capacity() * size_of::<[Place; SLOWEST]>()
    }
}

fn index((route, bucket): Cell) -> usize {
    usize::from(route) * BUCKETS + usize::from(bucket)
}

fn half(id: &TraceId) -> u64 {
    let id = u128::from_ne_bytes(*id);
    // Both halves, as senders choose ids.
    (id >> 64) as u64 ^ id as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: Cell = (3, 2);

    fn id(n: u8) -> TraceId {
        let mut id = [0; 16];
        id[15] = n;
        id
    }

    #[test]
    fn two_are_the_slowest_until_slower_ones_come_or_time_passes() {
        let mut slowest = Slowest::default();
        for (n, duration, is_slow) in
            [(1, 50, true), (2, 10, true), (3, 10, false), (4, 20, true), (5, 20, false)]
        {
            assert_eq!(slowest.is_slow(CELL, duration, 100), is_slow, "{n}");
            if is_slow {
                slowest.add(CELL, &id(n), duration, 100);
            }
        }
        assert!(slowest.is_slow((3, 3), 1, 100), "another cell");
        assert!(slowest.is_slow(CELL, 1, 101 + SLOW_FOR));
    }

    #[test]
    fn an_evicted_one_gives_its_place_up() {
        let mut slowest = Slowest::default();
        slowest.add(CELL, &id(1), 50, 100);
        slowest.add(CELL, &id(2), 60, 100);
        assert!(!slowest.is_slow(CELL, 50, 100));
        slowest.remove(CELL, &id(9));
        assert!(!slowest.is_slow(CELL, 50, 100));
        slowest.remove(CELL, &id(1));
        assert!(slowest.is_slow(CELL, 50, 100));
        slowest.add(CELL, &id(3), 50, 100);
        assert!(!slowest.is_slow(CELL, 50, 100));
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_the_places() {
        let mut slowest = Slowest::default();
        slowest.add(CELL, &id(1), 50, 1_000);
        slowest.add(CELL, &id(2), u64::MAX - 1, 1_000);
        assert!(!slowest.is_slow(CELL, 50, 10));
        slowest.add(CELL, &id(3), 60, 10);
        assert!(!slowest.is_slow(CELL, 60, 10));
    }
}
