//! How many time series one layer makes.
//!
//! The other side chooses among the known methods, the versions of the protocol and, towards a
//! client, among all status codes. For each route or host that is dozens of series, and beyond an
//! SDK's limit everything that is new becomes one series without attributes: errors of a quiet
//! route too. So a layer stops telling these choices apart well before.

use super::Record;
use crate::{instruments::Side, method::OTHER, repeated::digest};
use opentelemetry::StringValue;
use std::sync::{
    OnceLock,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

/// How many series have all their attributes. By default an SDK keeps 2,000 of one metric.
const LIMIT: usize = 1_000;
/// A power of two that leaves every other slot free.
const SLOTS: usize = 2_048;

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
    fn admits(&self, digest: u64) -> bool {
        let digests = self.digests.get_or_init(|| (0..SLOTS).map(|_| AtomicU64::new(0)).collect());
        let digest = digest | 1; // zero is a free slot
        let start = (digest >> (u64::BITS - SLOTS.trailing_zeros())) as usize;
        for offset in 0..SLOTS {
            let slot = &digests[(start + offset) % SLOTS];
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

/// What distinguishes one series from another.
#[derive(Clone, Debug)]
pub(super) struct Labels {
    pub(super) method: StringValue,
    pub(super) version: Option<&'static str>,
    pub(super) synthetic: Option<&'static str>,
    pub(super) status: Option<u16>,
    pub(super) error: Option<StringValue>,
    /// Whether nothing was left out.
    pub(super) exact: bool,
}

impl Record {
    /// The labels of this exchange's series: exact ones, or, past the limit, without what the other
    /// side chooses.
    pub(super) fn labels(&self, error: Option<StringValue>) -> Labels {
        let method = self.rpc.as_ref().map_or(&self.method, |call| &call.method);
        let mut labels = Labels {
            method: method.clone(),
            version: self.version,
            synthetic: self.synthetic,
            status: self.status.map(|status| status.as_u16()),
            error,
            exact: true,
        };
        if !self.resolved.series.admits(self.digest(&labels)) {
            self.blur(&mut labels);
        }
        labels
    }

    /// A number that differs between series.
    pub(super) fn digest(&self, labels: &Labels) -> u64 {
        let text = |text: &StringValue| digest(text.as_str());
        let words = [
            text(&labels.method),
            self.scheme as u64,
            labels.version.map_or(0, digest),
            self.server.as_ref().map_or(0, |(host, port)| text(host) ^ u64::from(*port)),
            self.route.as_ref().map_or(0, text),
            labels.synthetic.map_or(0, digest),
            labels.status.map_or(0, u64::from),
            labels.error.as_ref().map_or(0, text),
            self.rpc
                .as_ref()
                .and_then(|call| call.status)
                .map_or(0, |status| digest(status.name())),
        ];
        words
            .into_iter()
            .fold(0, |all, word| (all ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23))
    }

    fn blur(&self, labels: &mut Labels) {
        labels.exact = false;
        labels.version = None;
        labels.synthetic = None;
        if self.rpc.is_some() || self.side == Side::Server {
            labels.method = OTHER.into();
        } else {
            // The server's choice; the method is the client's own.
            let status = labels.status.take().map(|status| status.to_string());
            if let Some(error) = &mut labels.error
                && status.is_some_and(|status| status == error.as_str())
            {
                *error = OTHER.into();
            }
        }
    }
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
