//! Durations, counted in cells that are an eighth of a power of two wide.

/// Powers of two from 1 µs on; the last one ends at 134 s.
const POWERS: usize = 27;
const CELLS: usize = POWERS * 8;

/// The upper bounds of the coarse buckets, in nanoseconds. The last bucket has none.
pub(crate) const BOUNDS: [u64; 9] = [
    1_000_000,
    3_000_000,
    10_000_000,
    30_000_000,
    100_000_000,
    300_000_000,
    1_000_000_000,
    3_000_000_000,
    10_000_000_000,
];

/// The coarse buckets of a histogram.
pub(crate) const BUCKETS: usize = BOUNDS.len() + 1;

/// Returns the coarse bucket of a duration in nanoseconds.
pub(crate) fn bucket(nanos: u64) -> u8 {
    // Ten buckets fit.
    BOUNDS.partition_point(|bound| *bound < nanos) as u8
}

/// Counts durations so that percentiles are right within 6.3 %, from 1 µs to 134 s.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    cells: [u32; CELLS],
}

impl Default for Histogram {
    fn default() -> Self {
        Self { cells: [0; CELLS] }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, nanos: u64) {
        let cell = &mut self.cells[cell(nanos)];
        *cell = cell.saturating_add(1);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (cell, more) in self.cells.iter_mut().zip(other.cells) {
            *cell = cell.saturating_add(more);
        }
    }

    /// Returns the duration in nanoseconds below which `share` (0 to 1) of the recorded ones are.
    pub(crate) fn percentile(&self, share: f64) -> Option<u64> {
        let count: u64 = self.cells.iter().copied().map(u64::from).sum();
        if count == 0 {
            return None;
        }
        let rank = ((count as f64 * share).ceil() as u64).clamp(1, count);
        let mut below = 0;
        let cell = self.cells.iter().position(|cell| {
            below += u64::from(*cell);
            below >= rank
        })?;
        Some(middle(cell))
    }
}

fn cell(nanos: u64) -> usize {
    let eighths = (nanos / 125).max(8);
    let power = (eighths.ilog2() - 3) as usize;
    if power >= POWERS {
        return CELLS - 1;
    }
    power * 8 + (eighths >> power) as usize - 8
}

/// The middle of a cell, in nanoseconds.
fn middle(cell: usize) -> u64 {
    let width = 125 << (cell / 8);
    (cell % 8 + 8) as u64 * width + width / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn percentiles_are_right_within_their_promise(
            mut durations in prop::collection::vec(1_000..134_000_000_000_u64, 1..200),
            share in 0.01..1.0_f64,
        ) {
            let mut histogram = Histogram::default();
            for duration in &durations {
                histogram.record(*duration);
            }
            durations.sort_unstable();
            let rank = (durations.len() as f64 * share).ceil() as usize;
            let exact = durations[rank - 1] as f64;
            let found = histogram.percentile(share).unwrap() as f64;
            prop_assert!((found - exact).abs() <= exact * 0.063, "{found} for {exact}");
        }

        #[test]
        fn every_duration_has_a_cell_and_a_bucket(duration: u64) {
            let mut histogram = Histogram::default();
            histogram.record(duration);
            prop_assert!(histogram.percentile(0.5).is_some());
            let bucket = usize::from(bucket(duration));
            prop_assert!(bucket < BUCKETS);
            prop_assert!(bucket == BOUNDS.len() || duration <= BOUNDS[bucket]);
            prop_assert!(bucket == 0 || duration > BOUNDS[bucket - 1]);
        }
    }

    #[test]
    fn an_empty_histogram_has_no_percentile() {
        assert_eq!(Histogram::default().percentile(0.5), None);
    }
}
