//! Which exemplars belong to which data points.

mod points;

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, SystemTime};

use opentelemetry::{InstrumentationScope, Key, KeyValue};
use opentelemetry_sdk::metrics::data::Metric;
use tracewire_exemplar::{Exemplar, Exemplars, SeriesExemplars};

use self::points::{Point, Points};

/// The most exemplars of a data point without fixed buckets: what the specification advises.
const MOST: usize = 20;

/// An exemplar of one data point.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) exemplar: Exemplar,
    /// The bucket of the data point that counts it.
    pub(crate) bucket: usize,
    /// What a view dropped of the attributes.
    pub(crate) dropped: Vec<KeyValue>,
}

/// The exemplars of each of a histogram's data points, in their order; none for other metrics.
///
/// They were measured after `after` and since the start of the data points, and each is in a bucket
/// that counts it. A bucket has the newest one. Data points that have exemplars already get none.
pub(crate) fn join(
    exemplars: &Exemplars,
    scope: &InstrumentationScope,
    metric: &Metric,
    after: SystemTime,
) -> Vec<Vec<Joined>> {
    let Some(Points { start, time, points }) = points::points(metric.data()) else {
        return Vec::new();
    };
    let mut all: Vec<Vec<Joined>> = points.iter().map(|_| Vec::new()).collect();
    let from = start.max(after + Duration::from_nanos(1));
    let collected = exemplars.collect(scope, metric.name(), from..=time);
    if collected.is_empty() {
        return all;
    }
    let known = Series::of(&points);
    for series in &collected {
        if let Some((point, dropped)) = known.find(series) {
            for exemplar in &series.exemplars {
                add(&mut all[point], &points[point], *exemplar, &dropped);
            }
        }
    }
    for (joined, point) in all.iter_mut().zip(&points) {
        joined.sort_by_key(|joined| (joined.bucket, std::cmp::Reverse(joined.exemplar.time)));
        match point.has_fixed_buckets() {
            true => joined.dedup_by_key(|joined| joined.bucket),
            false => joined.truncate(MOST),
        }
    }
    all
}

fn add(joined: &mut Vec<Joined>, point: &Point<'_>, exemplar: Exemplar, dropped: &[KeyValue]) {
    if let Some(bucket) = point.bucket(exemplar.value) {
        joined.push(Joined { exemplar, bucket, dropped: dropped.to_vec() });
    }
}

/// The series of a metric's data points.
struct Series<'a> {
    points: HashMap<Vec<&'a KeyValue>, usize>,
    keys: BTreeSet<&'a Key>,
}

impl<'a> Series<'a> {
    fn of(points: &[Point<'a>]) -> Self {
        let keys = points.iter().flat_map(|point| &point.attributes).map(|a| &a.key).collect();
        let numbered = points.iter().enumerate();
        let points = numbered
            .filter(|(_, point)| !point.has_exemplars)
            .map(|(number, point)| (point.attributes.clone(), number))
            .collect();
        Self { points, keys }
    }

    /// The data point of a series, and what it lacks of the attributes.
    ///
    /// A view drops attributes by their key, so a key that no data point has was dropped. The series
    /// is not that of a data point which has fewer attributes for another reason.
    fn find(&self, series: &SeriesExemplars) -> Option<(usize, Vec<KeyValue>)> {
        let (kept, dropped): (Vec<_>, Vec<_>) =
            series.attributes.iter().partition(|attribute| self.keys.contains(&attribute.key));
        let point = self.points.get(&kept)?;
        Some((*point, dropped.into_iter().cloned().collect()))
    }
}
