//! What is known of the service at one moment.

use crate::collector::Taken;
use std::{fmt, time::Duration};
use tracewire::ShutdownReport;

/// What the service says of itself, as one line of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Requests that reached the layer.
    pub(crate) reached: u64,
    /// Calls that reached the middleware.
    pub(crate) called: u64,
    pub(crate) exported: u64,
    pub(crate) failed: u64,
    pub(crate) dropped: u64,
    /// Spans that ended, and whose fate is open.
    pub(crate) unknown: u64,
    /// Tasks of its runtime.
    pub(crate) tasks: u64,
}

/// The service, its process and its collector.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) at: Duration,
    pub(crate) told: Told,
    pub(crate) process: Process,
    pub(crate) taken: Taken,
}

/// A process, as the system sees it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Process {
    pub(crate) resident_kib: u64,
    pub(crate) threads: u64,
    pub(crate) descriptors: u64,
}

impl Told {
    pub(crate) fn of_spans(report: &ShutdownReport) -> Self {
        let spans = report.signals().iter().find(|signal| signal.signal() == "spans");
        spans.map_or_else(Self::default, |spans| Self {
            exported: spans.exported(),
            failed: spans.failed(),
            dropped: spans.dropped(),
            unknown: spans.unknown(),
            ..Self::default()
        })
    }

    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut numbers = line.split(' ').map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        Some(Self {
            reached: next()?,
            called: next()?,
            exported: next()?,
            failed: next()?,
            dropped: next()?,
            unknown: next()?,
            tasks: next()?,
        })
    }

    /// How many spans there must be in the end.
    pub(crate) fn made(&self) -> u64 {
        self.reached + self.called
    }

    pub(crate) fn lost(&self) -> u64 {
        self.failed + self.dropped
    }

    /// Spans that telemetry knows of.
    pub(crate) fn accounted(&self) -> u64 {
        self.exported + self.lost() + self.unknown
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reached, called, exported, failed, dropped, unknown, tasks } = self;
        write!(f, "{reached} {called} {exported} {failed} {dropped} {unknown} {tasks}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read_again() {
        let told = Told {
            reached: 1,
            called: 2,
            exported: 3,
            failed: 4,
            dropped: 5,
            unknown: 6,
            tasks: 7,
        };
        assert_eq!(Told::parse(&told.to_string()), Some(told));
        assert_eq!(Told::parse("1 2 3"), None);
        assert_eq!((told.made(), told.lost(), told.accounted()), (3, 9, 18));
    }
}
