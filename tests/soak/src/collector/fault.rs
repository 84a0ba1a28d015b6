//! How a collector falters, and when.

use std::time::Duration;

/// What the collector does to requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing: it takes all.
    None,
    /// Answers 503.
    Unavailable,
    /// Answers 429, and asks for a pause of a second.
    TooMany,
    /// Takes all spans of a batch but one, and says so.
    Partial,
    /// Takes all, but takes its time.
    Slow,
    /// Reads the request and never answers.
    Hang,
    /// Closes the connection without an answer.
    Reset,
    /// Does not listen, and has closed every connection.
    Refuse,
}

impl Fault {
    pub(crate) const ALL: [Self; 8] = [
        Self::None,
        Self::Unavailable,
        Self::TooMany,
        Self::Partial,
        Self::Slow,
        Self::Hang,
        Self::Reset,
        Self::Refuse,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "well",
            Self::Unavailable => "503",
            Self::TooMany => "429",
            Self::Partial => "partial",
            Self::Slow => "slow",
            Self::Hang => "hangs",
            Self::Reset => "resets",
            Self::Refuse => "refuses",
        }
    }
}

/// One round: as much time well as not.
const ROUND: [Fault; 12] = [
    Fault::None,
    Fault::Unavailable,
    Fault::None,
    Fault::TooMany,
    Fault::None,
    Fault::Reset,
    Fault::Slow,
    Fault::None,
    Fault::Hang,
    Fault::Partial,
    Fault::None,
    Fault::Refuse,
];

/// A round takes about so long.
const ROUND_TIME: u64 = 240;

/// What the collector does at this moment of a run. Each third of the run has the same whole rounds, so
/// that they can be compared.
pub(crate) fn fault_at(at: Duration, whole: Duration) -> Fault {
    let rounds = 3 * (whole.as_secs() / (3 * ROUND_TIME)).max(1);
    let step = whole.as_secs_f64() / (rounds as f64 * ROUND.len() as f64);
    ROUND[(at.as_secs_f64() / step) as usize % ROUND.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_third_of_a_run_has_every_fault_equally_long() {
        for seconds in [120, 3_600] {
            let whole = Duration::from_secs(seconds);
            let counts = [0, 1, 2].map(|third| {
                let of = third * seconds * 10..(third + 1) * seconds * 10;
                let faults = of.map(|tick| fault_at(Duration::from_millis(tick * 100 / 3), whole));
                let faults: Vec<_> = faults.collect();
                Fault::ALL.map(|fault| faults.iter().filter(|at| **at == fault).count())
            });
            assert!(counts[0].iter().all(|count| *count > 0), "{counts:?}");
            let differ = |a: usize, b: usize| a.abs_diff(b) > 2 * 15;
            for (fault, first) in counts[0].iter().enumerate() {
                assert!(!differ(*first, counts[1][fault]) && !differ(*first, counts[2][fault]));
            }
        }
    }
}
