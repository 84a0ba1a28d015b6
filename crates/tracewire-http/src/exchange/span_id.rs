//! Ids for spans that no SDK starts.

use opentelemetry::trace::SpanId;
use std::{
    cell::Cell,
    hash::{BuildHasher, RandomState},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// A new random id.
///
/// It tells spans apart and decides nothing, so a quick generator (SplitMix64, seeded at random for each
/// thread) will do.
pub(crate) fn random() -> SpanId {
    thread_local! {
        // Without a destructor, so it is there while the thread ends, too.
        static STATE: Cell<u64> = const { Cell::new(0) };
    }
    let state = STATE.get();
    let state = if state == 0 { seed() } else { state };
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    STATE.set(state);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    // Zero is no id.
    SpanId::from_bytes((mixed ^ (mixed >> 31)).max(1).to_be_bytes())
}

fn seed() -> u64 {
    static KEYS: OnceLock<RandomState> = OnceLock::new();
    static THREADS: AtomicU64 = AtomicU64::new(0);
    KEYS.get_or_init(RandomState::new).hash_one(THREADS.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::HashSet, thread};

    #[test]
    fn ids_differ_on_all_threads() {
        let ids = || (0..1000).map(|_| random()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| thread::spawn(ids)).collect();
        let all = threads.into_iter().flat_map(|thread| thread.join().unwrap());
        let all: HashSet<_> = all.chain(ids()).collect();
        assert_eq!(all.len(), 5000);
        assert!(!all.contains(&SpanId::INVALID));
    }
}
