//! How many time series one layer makes.
//!
//! The other side chooses among the known methods, the versions of the protocol and, towards a
//! client, among all status codes. For each route or host that is dozens of series, and beyond an
//! SDK's limit everything that is new becomes one series without attributes: errors of a quiet
//! route too. So a layer stops telling these choices apart well before.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

/// How many series have all their attributes. By default an SDK keeps 2,000 of one metric.
const LIMIT: usize = 1_000;
/// A power of two that leaves every other slot free.
pub(super) const SLOTS: usize = 2_048;

/// The series that a layer has made so far, by their digests.
///
/// Looking for a known one writes nothing that threads share.
#[derive(Debug, Default)]
pub(crate) struct SeriesLimit {
    digests: OnceLock<Box<[AtomicU64]>>,
    count: AtomicUsize,
}

impl SeriesLimit {
    /// Whether the series is known, or one of the first.
    pub(crate) fn admits(&self, digest: u64) -> bool {
        let digests = self.digests.get_or_init(|| (0..SLOTS).map(|_| AtomicU64::new(0)).collect());
        let digest = digest | 1; // zero is a free slot
        for slot in slots(digests, digest) {
            let mut known = slot.load(Ordering::Relaxed);
            if known == 0 {
                if self.count.load(Ordering::Relaxed) >= LIMIT {
                    return false;
                }
                match slot.compare_exchange(0, digest, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => {
                        self.count.fetch_add(1, Ordering::Relaxed);
                        return true;
                    }
                    Err(other) => known = other,
                }
            }
            if known == digest {
                return true;
            }
        }
        false
    }
}

/// The slots where a digest can be, the first one first.
pub(super) fn slots<T>(table: &[T], digest: u64) -> impl Iterator<Item = &T> {
    let start = (digest >> (u64::BITS - SLOTS.trailing_zeros())) as usize;
    let (behind, from) = table.split_at(start.min(table.len()));
    from.iter().chain(behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_series_stay_known_and_later_ones_are_refused() {
        let series = SeriesLimit::default();
        let digest = |n: u64| (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) & !1;
        let admitted = (0..10_000).filter(|n| series.admits(digest(*n))).count();
        assert_eq!(admitted, LIMIT);
        assert!((0..LIMIT as u64).all(|n| series.admits(digest(n))));
        assert!(!series.admits(digest(20_000)));
    }

    #[test]
    fn digests_that_fall_together_are_told_apart() {
        let series = SeriesLimit::default();
        assert!((1..=LIMIT as u64).all(|n| series.admits(n * 2)));
        assert!((1..=LIMIT as u64).all(|n| series.admits(n * 2)));
        assert!(!series.admits(0xffff_0000));
    }
}
