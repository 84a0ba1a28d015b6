//! One short log line for malformed headers, not one for each.

use opentelemetry::otel_warn;
use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

/// Seconds between two lines about the same header.
const INTERVAL: u64 = 60;

/// The log line about one header. It names the header and never shows what was in it.
pub(crate) struct Malformed {
    header: &'static str,
    quiet_until: AtomicU64,
}

impl Malformed {
    pub(crate) const fn new(header: &'static str) -> Self {
        Self { header, quiet_until: AtomicU64::new(0) }
    }

    /// Says that the header was ignored, at most once a minute.
    #[cold]
    pub(crate) fn warn(&self) {
        if self.is_due(seconds()) {
            otel_warn!(name: "Propagation.MalformedHeader", header = self.header);
        }
    }

    fn is_due(&self, now: u64) -> bool {
        let until = self.quiet_until.load(Relaxed);
        now >= until
            && self.quiet_until.compare_exchange(until, now + INTERVAL, Relaxed, Relaxed).is_ok()
    }
}

fn seconds() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_writes_one_line_a_minute() {
        let malformed = Malformed::new("traceparent");
        let lines = (0..600).flat_map(|second| [second; 1000]).filter(|&s| malformed.is_due(s));
        assert_eq!(lines.count(), 10);
    }
}
