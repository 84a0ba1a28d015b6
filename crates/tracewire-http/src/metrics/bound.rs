//! The duration's series, each bound once to its attributes.
//!
//! An unbound histogram sorts and hashes the attributes of every measurement, which is most of what
//! a measurement costs. What differs between the series of one layer is a handful of facts, found
//! by a quick digest of them, without a lock.

use super::{
    DurationHistogram, Sampled,
    limit::{SLOTS, slots},
};
use crate::values::{Scheme, is_same};
use opentelemetry::{KeyValue, StringValue, metrics::BoundHistogram};
use std::sync::OnceLock;
use tracewire_exemplar::Reservoir;

/// The series of one duration that are bound so far.
///
/// A layer has no more than half as many as there are slots: see [`SeriesLimit`](super::SeriesLimit).
#[derive(Debug, Default)]
pub(crate) struct BoundDurations(OnceLock<Box<[OnceLock<Box<Bound>>]>>);

#[derive(Debug)]
struct Bound {
    digest: u64,
    series: Series<StringValue>,
    duration: BoundHistogram<f64>,
    /// Its exemplars, from its first sampled measurement on; none where the store is full.
    reservoir: OnceLock<Option<Reservoir>>,
}

impl Bound {
    fn offer(
        &self,
        seconds: f64,
        Sampled { span, time }: Sampled<'_>,
        find: impl FnOnce() -> Option<Reservoir>,
    ) {
        if let Some(reservoir) = self.reservoir.get_or_init(find) {
            reservoir.offer(seconds, span, time);
        }
    }
}

/// What tells one series from another.
#[derive(Debug)]
pub(crate) struct Series<T> {
    pub(crate) method: T,
    pub(crate) scheme: Scheme,
    pub(crate) version: Option<&'static str>,
    pub(crate) server: Option<(T, u16)>,
    pub(crate) route: Option<T>,
    pub(crate) synthetic: Option<&'static str>,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<T>,
}

impl Series<StringValue> {
    fn is(&self, other: &Series<&StringValue>) -> bool {
        let server = self.server.as_ref().map(|(host, port)| (host, *port));
        self.status == other.status
            && self.scheme == other.scheme
            && is_same(&self.method, other.method)
            && self.route.is_some() == other.route.is_some()
            && self.route.iter().zip(other.route).all(|(own, other)| is_same(own, other))
            && self.version == other.version
            && server == other.server
            && self.error.as_ref() == other.error
            && self.synthetic == other.synthetic
    }
}

impl Series<&StringValue> {
    fn to_owned(&self) -> Series<StringValue> {
        Series {
            method: self.method.clone(),
            scheme: self.scheme,
            version: self.version,
            server: self.server.map(|(host, port)| (host.clone(), port)),
            route: self.route.cloned(),
            synthetic: self.synthetic,
            status: self.status,
            error: self.error.cloned(),
        }
    }
}

impl BoundDurations {
    /// Records `seconds` for `series`, and says whether it did.
    ///
    /// A series that is not bound yet is bound first, if it is to be admitted and there is a slot for it.
    /// Its attributes are asked for only then, and while it has no reservoir yet.
    pub(crate) fn record<A: AsRef<[KeyValue]>>(
        &self,
        seconds: f64,
        duration: &DurationHistogram,
        (digest, series): (u64, &Series<&StringValue>),
        attributes: impl Fn() -> A,
        sampled: Option<Sampled<'_>>,
        admit: impl Fn() -> bool,
    ) -> bool {
        let table = self.0.get_or_init(|| (0..SLOTS).map(|_| OnceLock::new()).collect());
        let mut admitted = false;
        for slot in slots(table, digest) {
            let bind = || {
                let duration = duration.histogram.bind(attributes().as_ref());
                let (series, reservoir) = (series.to_owned(), OnceLock::new());
                Box::new(Bound { digest, series, duration, reservoir })
            };
            let bound = match slot.get() {
                Some(bound) => bound,
                None => {
                    admitted = admitted || admit();
                    if !admitted {
                        return false;
                    }
                    slot.get_or_init(bind)
                }
            };
            if bound.digest == digest && bound.series.is(series) {
                bound.duration.record(seconds);
                if let (Some(sampled), Some(all)) = (sampled, &duration.reservoirs) {
                    bound.offer(seconds, sampled, || all.reservoir(attributes().as_ref()));
                }
                return true;
            }
        }
        false
    }
}
