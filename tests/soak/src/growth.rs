//! Whether something grows.

/// The first third of a run is warm-up. Of the others, the median of the last may be so much more than
/// the second's: one in twenty, and this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Growth {
    pub(crate) second: u64,
    pub(crate) last: u64,
    pub(crate) most: u64,
}

impl Growth {
    /// `None` if there are too few values to compare.
    pub(crate) fn of(values: &[u64], slack: u64) -> Option<Self> {
        let third = values.len() / 3;
        if third == 0 {
            return None;
        }
        let (second, last) = (median(&values[third..2 * third])?, median(&values[2 * third..])?);
        Some(Self { second, last, most: second + second / 20 + slack })
    }

    pub(crate) fn is_flat(self) -> bool {
        self.last <= self.most
    }
}

fn median(values: &[u64]) -> Option<u64> {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_flat(values: impl IntoIterator<Item = u64>, slack: u64) -> bool {
        Growth::of(&values.into_iter().collect::<Vec<_>>(), slack).unwrap().is_flat()
    }

    #[test]
    fn growth_in_the_last_third_is_seen() {
        // A warm-up, and then nothing.
        assert!(is_flat((0..100).map(|at| if at < 30 { at } else { 30 }), 0));
        // A sawtooth.
        assert!(is_flat((0..300).map(|at| 1_000 + at % 25 * 10), 0));
        // A leak of a half over the run.
        assert!(!is_flat((0..300).map(|at| 1_000 + at * 2), 0));
        assert!(is_flat((0..300).map(|at| 1_000 + at * 2), 200));
        assert_eq!(Growth::of(&[1, 2], 0), None);
    }
}
