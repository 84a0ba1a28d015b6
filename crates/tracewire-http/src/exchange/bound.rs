//! The duration's series, each bound once to its attributes.
//!
//! An unbound histogram sorts and hashes the attributes of every measurement, which is most of what
//! a measurement costs. What differs between the series of one layer is a handful of facts, found
//! by a quick hash of them.

use super::{Record, series::Labels};
use crate::Scheme;
use opentelemetry::{
    StringValue,
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
struct Series {
    method: StringValue,
    scheme: Scheme,
    version: Option<&'static str>,
    server: Option<(StringValue, u16)>,
    route: Option<StringValue>,
    synthetic: Option<&'static str>,
    status: Option<u16>,
    error: Option<StringValue>,
}

impl BoundDurations {
    /// Records `seconds` for the series of this exchange.
    pub(super) fn record(
        &self,
        seconds: f64,
        duration: &Histogram<f64>,
        record: &Record,
        labels: &Labels,
    ) {
        if !labels.exact {
            return duration.record(seconds, &record.duration_attributes(labels));
        }
        let key = record.digest(labels);
        let series = Series {
            method: labels.method.clone(),
            scheme: record.scheme,
            version: labels.version,
            server: record.server.clone(),
            route: record.route.clone(),
            synthetic: labels.synthetic,
            status: labels.status,
            error: labels.error.clone(),
        };
        match self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            Some(bound) if bound.series == series => return bound.duration.record(seconds),
            // Two series of one digest: the first stays.
            Some(_) => return duration.record(seconds, &record.duration_attributes(labels)),
            None => {}
        }
        let attributes = record.duration_attributes(labels);
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() < LIMIT {
            let bound = Bound { series, duration: duration.bind(&attributes) };
            bound.duration.record(seconds);
            all.entry(key).or_insert(bound);
        } else {
            duration.record(seconds, &attributes);
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

    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.0 = self.0.rotate_left(8) ^ u64::from(*octet);
        }
    }

    fn write_u64(&mut self, digest: u64) {
        self.0 = digest;
    }
}
