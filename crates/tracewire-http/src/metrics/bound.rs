//! The duration's series, each bound once to its attributes.
//!
//! An unbound histogram sorts and hashes the attributes of every measurement, which is most of what
//! a measurement costs. What differs between the series of one layer is a handful of facts, found
//! by a quick hash of them.

use crate::values::Scheme;
use opentelemetry::{
    KeyValue, StringValue,
    metrics::{BoundHistogram, Histogram},
};
use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    sync::{PoisonError, RwLock},
};

/// How many series are bound; the metric itself has no more by default. Others are measured
/// unbound.
const LIMIT: usize = 2_000;

/// The series of one duration that are bound so far.
#[derive(Debug, Default)]
pub(crate) struct BoundDurations(RwLock<HashMap<u64, Bound, BuildHasherDefault<Digest>>>);

#[derive(Debug)]
struct Bound {
    series: Series,
    duration: BoundHistogram<f64>,
}

/// What tells one series from another.
#[derive(Debug, PartialEq)]
pub(crate) struct Series {
    pub(crate) method: StringValue,
    pub(crate) scheme: Scheme,
    pub(crate) version: Option<&'static str>,
    pub(crate) server: Option<(StringValue, u16)>,
    pub(crate) route: Option<StringValue>,
    pub(crate) synthetic: Option<&'static str>,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<StringValue>,
}

impl BoundDurations {
    /// Records `seconds` for `series`, whose digest is `key`, and whose attributes are asked for
    /// only if it is not bound.
    pub(crate) fn record<A: AsRef<[KeyValue]>>(
        &self,
        seconds: f64,
        duration: &Histogram<f64>,
        (key, series): (u64, Series),
        attributes: impl FnOnce() -> A,
    ) {
        match self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            Some(bound) if bound.series == series => return bound.duration.record(seconds),
            // Two series of one digest: the first stays.
            Some(_) => return duration.record(seconds, attributes().as_ref()),
            None => {}
        }
        let attributes = attributes();
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() < LIMIT {
            let bound = Bound { series, duration: duration.bind(attributes.as_ref()) };
            bound.duration.record(seconds);
            all.entry(key).or_insert(bound);
        } else {
            duration.record(seconds, attributes.as_ref());
        }
    }
}

/// Takes a key that is a digest already.
#[derive(Default)]
struct Digest(u64);

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, digest: u64) {
        self.0 = digest;
    }
}
