//! What became of the telemetry, told when it ends.

use crate::{
    diagnostics::unreachable,
    pipeline::counts::{Counts, Snapshot},
};
use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// What became of everything that was recorded, for each signal and exporter.
///
/// A report, not a `Result`: a lost span must not turn a clean exit into a failure. Its `Display`
/// is one line for people:
///
/// ```text
/// spans to otlp: 120 exported, 8 failed (HTTP 503 from http://localhost:4318/v1/traces)
/// ```
///
/// ```
/// use tracewire_export::Exports;
///
/// let report = Exports::new().report();
/// if !report.is_complete() {
///     eprintln!("{} items of telemetry were lost: {report}", report.lost());
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ShutdownReport {
    signals: Vec<SignalReport>,
    deadline: Option<Duration>,
}

/// The part of a [`ShutdownReport`] about one signal on its way to one exporter.
///
/// ```
/// use tracewire_export::Exports;
///
/// for part in Exports::new().report().signals() {
///     println!("{} to {}: {} exported", part.signal(), part.exporter(), part.exported());
/// }
/// ```
#[derive(Clone, Debug)]
pub struct SignalReport {
    signal: &'static str,
    exporter: &'static str,
    /// Which of the signal's exporters of this name, from one.
    number: usize,
    counts: Snapshot,
    unknown: u64,
    lost_at: Option<SystemTime>,
}

impl ShutdownReport {
    /// `deadline` is the time limit if it ran out before everything was done.
    pub(crate) fn new<'a>(
        counts: impl IntoIterator<Item = &'a Counts>,
        deadline: Option<Duration>,
    ) -> Self {
        let mut signals: Vec<SignalReport> = Vec::new();
        for counts in counts {
            let mut next = SignalReport::new(counts);
            next.number += signals.iter().filter(|earlier| earlier.is_beside(&next)).count();
            signals.push(next);
        }
        Self { signals, deadline }
    }

    /// One entry for each signal and exporter, traces first.
    pub fn signals(&self) -> &[SignalReport] {
        &self.signals
    }

    /// How many items did not arrive, or may not have: failed, dropped and unknown.
    pub fn lost(&self) -> u64 {
        self.signals.iter().map(SignalReport::lost).sum()
    }

    /// The reason of a signal whose collector was not there.
    pub(crate) fn missing_collector(&self) -> Option<&str> {
        let mut reasons = self.signals.iter().filter_map(SignalReport::reason);
        reasons.find(|reason| unreachable::is_reason(reason))
    }

    /// Whether everything arrived, before the deadline.
    pub fn is_complete(&self) -> bool {
        self.lost() == 0 && self.deadline.is_none()
    }
}

impl SignalReport {
    fn new(counts: &Counts) -> Self {
        let snapshot = counts.snapshot();
        let known = snapshot.exported + snapshot.failed + snapshot.dropped;
        Self {
            signal: counts.signal(),
            exporter: counts.exporter(),
            number: 1,
            unknown: snapshot.ended.saturating_sub(known),
            counts: snapshot,
            lost_at: counts.last_reason().map(|(_, at)| at),
        }
    }

    fn is_beside(&self, other: &Self) -> bool {
        (self.signal, self.exporter) == (other.signal, other.exporter)
    }

    /// What is counted: `spans`, `data points` or `log records`.
    pub fn signal(&self) -> &str {
        self.signal
    }

    /// Where it went: the exporter's word, such as `otlp` or `console`.
    pub fn exporter(&self) -> &str {
        self.exporter
    }

    /// Which of the signal's exporters of this name it was, from one, in the order they were given.
    pub fn number(&self) -> usize {
        self.number
    }

    /// How many items the exporter delivered.
    pub fn exported(&self) -> u64 {
        self.counts.exported
    }

    /// How many items the exporter could not deliver.
    pub fn failed(&self) -> u64 {
        self.counts.failed
    }

    /// How many items found no room in the queue.
    pub fn dropped(&self) -> u64 {
        self.counts.dropped
    }

    /// How many items were still on their way when the report was made.
    pub fn unknown(&self) -> u64 {
        self.unknown
    }

    /// How many items did not arrive, or may not have.
    pub fn lost(&self) -> u64 {
        self.failed() + self.dropped() + self.unknown()
    }

    /// Why items were lost, the latest reason if there were several.
    pub fn reason(&self) -> Option<&str> {
        self.counts.reason.as_deref()
    }

    /// When the latest [reason](Self::reason) was given. Drops in a row count as one loss for 10 seconds.
    pub fn lost_at(&self) -> Option<SystemTime> {
        self.lost_at
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A program that does not log need not read that no log records were exported.
        let mut signals = self.signals.iter().filter(|s| s.counts.ended > 0).peekable();
        if signals.peek().is_none() {
            f.write_str("nothing to export")?;
        }
        while let Some(signal) = signals.next() {
            // One reason for several signals stands behind the last of them.
            let next = signals.peek();
            let is_repeated = next.is_some_and(|next| next.reason() == signal.reason());
            signal.write(f, !is_repeated)?;
            f.write_str(if next.is_some() { "; " } else { "" })?;
        }
        match self.deadline {
            Some(limit) => write!(f, "; not done after {limit:?}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for SignalReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, true)
    }
}

impl SignalReport {
    fn write(&self, f: &mut fmt::Formatter<'_>, with_reason: bool) -> fmt::Result {
        write!(f, "{} to {}", self.signal, self.exporter)?;
        if self.number > 1 {
            write!(f, " [exporter {}]", self.number)?;
        }
        write!(f, ": {} exported", self.exported())?;
        for (number, outcome) in
            [(self.failed(), "failed"), (self.dropped(), "dropped"), (self.unknown(), "unknown")]
        {
            if number > 0 {
                write!(f, ", {number} {outcome}")?;
            }
        }
        match self.reason().filter(|_| with_reason) {
            Some(reason) => write!(f, " ({})", tracewire_text::printable(reason)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::failure::{ErrorType, Failure};

    #[test]
    fn tells_each_outcome_and_why() {
        let spans = Counts::new("spans", "otlp");
        spans.ended(20);
        spans.delivered(10, Ok(()));
        spans.delivered(5, Err(Failure::all("HTTP 400")));
        spans.dropped(2, &Failure::of(ErrorType::QueueFull, "the queue is full"));
        let points = Counts::new("data points", "console");
        points.ended(4);
        points.delivered(4, Ok(()));
        let nothing = Counts::new("log records", "otlp");
        let report = ShutdownReport::new([&spans, &points, &nothing], Some(Duration::from_secs(5)));
        assert_eq!(
            report.to_string(),
            "spans to otlp: 10 exported, 5 failed, 2 dropped, 3 unknown (the queue is full); \
             data points to console: 4 exported; not done after 5s"
        );
        assert_eq!(report.lost(), 10);
        assert!(!report.is_complete());
    }

    #[test]
    fn one_reason_for_several_signals_is_told_once() {
        let lost = |signal| {
            let counts = Counts::new(signal, "otlp");
            counts.ended(2);
            counts.delivered(2, Err(Failure::all("nothing answers at http://c (refused)")));
            counts
        };
        let (spans, points) = (lost("spans"), lost("data points"));
        assert_eq!(
            ShutdownReport::new([&spans, &points], None).to_string(),
            "spans to otlp: 0 exported, 2 failed; data points to otlp: 0 exported, 2 failed \
             (nothing answers at http://c (refused))"
        );
    }

    #[test]
    fn a_second_exporter_of_a_name_has_a_number() {
        let sent = |exporter| {
            let counts = Counts::new("spans", exporter);
            counts.ended(2);
            counts.delivered(2, Ok(()));
            counts
        };
        let (first, second, console) = (sent("otlp"), sent("otlp"), sent("console"));
        let report = ShutdownReport::new([&first, &second, &console], None);
        assert_eq!(
            report.to_string(),
            "spans to otlp: 2 exported; spans to otlp [exporter 2]: 2 exported; \
             spans to console: 2 exported"
        );
        let numbers: Vec<_> = report.signals().iter().map(SignalReport::number).collect();
        assert_eq!(numbers, [1, 2, 1]);
    }

    #[test]
    fn a_quiet_end_is_complete() {
        let report = ShutdownReport::new([], None);
        assert!(report.is_complete());
        assert_eq!(report.to_string(), "nothing to export");
    }
}
