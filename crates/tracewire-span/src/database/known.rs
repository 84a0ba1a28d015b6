//! What a database need not work out again for each call.

use foldhash::fast::RandomState;
use std::{
    hash::{BuildHasher, Hash},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// A number for what a database is, and a digest of it; 0 until they are asked for.
///
/// What changes the database gives it a new one of these.
#[derive(Debug)]
pub(super) struct Known {
    id: AtomicU64,
    digest: AtomicU64,
}

impl Known {
    pub(super) const fn new() -> Self {
        Self { id: AtomicU64::new(0), digest: AtomicU64::new(0) }
    }

    /// Gives the database a number of its own, which its clones have as well.
    pub(super) fn identify(&self) {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        if self.id.load(Ordering::Relaxed) == 0 {
            let new = NEXT.fetch_add(1, Ordering::Relaxed);
            // If another thread is faster, its number stays.
            let _ = self.id.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Whether both are of the same database. If not, their databases may still be equal.
    pub(super) fn is(&self, other: &Self) -> bool {
        let id = self.id.load(Ordering::Relaxed);
        id != 0 && id == other.id.load(Ordering::Relaxed)
    }

    /// The digest of `facts`, which are the same each time, with keys of this process.
    pub(super) fn digest(&self, facts: impl Hash) -> u64 {
        static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::default);
        let known = self.digest.load(Ordering::Relaxed);
        if known != 0 {
            return known;
        }
        let digest = KEYS.hash_one(facts).max(1);
        self.digest.store(digest, Ordering::Relaxed);
        digest
    }
}

impl Clone for Known {
    fn clone(&self) -> Self {
        let copy = |number: &AtomicU64| AtomicU64::new(number.load(Ordering::Relaxed));
        Self { id: copy(&self.id), digest: copy(&self.digest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_are_the_same_and_others_are_not() {
        let one = Known::new();
        assert!(!one.is(&one), "it has no number yet");
        one.identify();
        let clone = one.clone();
        clone.identify();
        assert!(one.is(&clone));
        let other = Known::new();
        other.identify();
        assert!(!one.is(&other) && !one.is(&Known::new()));
    }

    #[test]
    fn equal_facts_have_equal_digests() {
        let (one, other) = (Known::new(), Known::new());
        assert_eq!(one.digest(("shop", 1)), other.digest(("shop", 1)));
        assert_ne!(one.digest(("shop", 1)), Known::new().digest(("mail", 1)));
        assert_eq!(one.digest(("shop", 1)), one.clone().digest(("shop", 1)));
    }
}
