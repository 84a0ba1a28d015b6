//! Metrics at one moment, with assertions.

use crate::{
    text::{dedent, difference},
    value::{attributes, sorted, written},
};
use opentelemetry::{KeyValue, Value};
use opentelemetry_proto::tonic::metrics::v1 as proto;
use proto::{metric::Data, number_data_point::Value as Number};
use std::{fmt, ops::Deref};

/// The metrics collected at one moment, sorted by name. A slice of [`Metric`]s.
///
/// ```
/// use opentelemetry::{KeyValue, metrics::MeterProvider};
/// use tracewire_testing::Capture;
///
/// let capture = Capture::new();
/// let orders = capture.meter_provider().meter("shop").u64_counter("shop.orders").build();
/// orders.add(2, &[KeyValue::new("payment", "card")]);
///
/// assert_eq!(capture.metrics().one("shop.orders").point([("payment", "card")]).value, 2.0);
/// ```
#[derive(Clone, Default)]
pub struct Metrics(Vec<Metric>);

/// One metric with its points.
///
/// ```
/// use opentelemetry::metrics::MeterProvider;
/// use tracewire_testing::{Capture, MetricKind};
///
/// let capture = Capture::new();
/// let meter = capture.meter_provider().meter("shop");
/// meter.f64_histogram("checkout.duration").with_unit("s").build().record(0.25, &[]);
///
/// let metrics = capture.metrics();
/// let metric = metrics.one("checkout.duration");
/// assert_eq!((metric.kind, metric.unit.as_str()), (MetricKind::Histogram, "s"));
/// ```
#[derive(Clone, PartialEq)]
pub struct Metric {
    /// The name of the instrument.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Its description.
    pub description: String,
    /// How it adds up.
    pub kind: MetricKind,
    /// The name of the library that measured.
    pub scope: String,
    /// One point for each set of attributes.
    pub points: Vec<Point>,
}

/// How the measurements of a metric add up.
///
/// ```
/// use opentelemetry::metrics::MeterProvider;
/// use tracewire_testing::{Capture, MetricKind};
///
/// let capture = Capture::new();
/// capture.meter_provider().meter("shop").i64_gauge("shop.stock").build().record(7, &[]);
/// assert_eq!(capture.metrics().one("shop.stock").kind, MetricKind::Gauge);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// A sum that only grows.
    Counter,
    /// A sum that goes up and down.
    UpDownCounter,
    /// The last value.
    Gauge,
    /// A distribution over buckets.
    Histogram,
    /// A distribution over buckets of growing size.
    ExponentialHistogram,
}

/// What was measured under one set of attributes.
///
/// ```
/// use opentelemetry::{KeyValue, metrics::MeterProvider};
/// use tracewire_testing::Capture;
///
/// let capture = Capture::new();
/// let histogram = capture.meter_provider().meter("shop").f64_histogram("checkout.duration").build();
/// histogram.record(0.25, &[KeyValue::new("payment", "card")]);
/// histogram.record(0.5, &[KeyValue::new("payment", "card")]);
///
/// let metrics = capture.metrics();
/// let point = metrics.one("checkout.duration").only();
/// assert_eq!((point.count, point.value), (2, 0.75)); // the value of a histogram is its sum
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The attributes, sorted by key.
    pub attributes: Vec<KeyValue>,
    /// The value of a counter or gauge; of a histogram the sum.
    pub value: f64,
    /// Whether the value of a counter or gauge is an integer; OTLP does not say it of a histogram.
    pub integer: bool,
    /// How many measurements a histogram has; 0 for the others.
    pub count: u64,
    /// The boundaries between the buckets of a histogram.
    pub bounds: Vec<f64>,
}

impl Metrics {
    pub(crate) fn from_proto(resources: Vec<proto::ResourceMetrics>) -> Self {
        let scopes = resources.into_iter().flat_map(|resource| resource.scope_metrics);
        let mut metrics: Vec<_> = scopes
            .flat_map(|scoped| {
                let scope = scoped.scope.unwrap_or_default().name;
                scoped.metrics.into_iter().map(move |metric| (scope.clone(), metric))
            })
            .filter_map(|(scope, metric)| Metric::from_proto(scope, metric))
            .collect();
        metrics.sort_by(|a, b| (&a.name, &a.scope).cmp(&(&b.name, &b.scope)));
        Self(metrics)
    }

    #[cfg(feature = "collector")]
    pub(crate) fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
        self.0.sort_by(|a, b| (&a.name, &a.scope).cmp(&(&b.name, &b.scope)));
    }

    /// The one metric of this name.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one.
    #[track_caller]
    pub fn one(&self, name: &str) -> &Metric {
        let mut named = self.iter().filter(|metric| metric.name == name);
        match (named.next(), named.next()) {
            (Some(metric), None) => metric,
            (None, _) => panic!("expected a metric {name:?}\n\nall metrics:\n{self}"),
            (Some(_), Some(_)) => {
                panic!("expected one metric {name:?}, but found several\n\nall metrics:\n{self}")
            }
        }
    }

    /// All metrics as text: name, kind and unit, and below the points, a histogram's with its count and
    /// without its sum, which differs from run to run.
    pub fn snapshot(&self) -> String {
        self.to_string()
    }

    /// Asserts the [`snapshot`](Self::snapshot). The indentation that all expected lines share does
    /// not count.
    ///
    /// # Panics
    ///
    /// If it is another.
    #[track_caller]
    pub fn assert_snapshot(&self, expected: &str) {
        if let Some(difference) = difference(&dedent(expected), &self.snapshot()) {
            panic!("{difference}");
        }
    }
}

impl Metric {
    /// The only point.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one.
    #[track_caller]
    pub fn only(&self) -> &Point {
        match &self.points[..] {
            [point] => point,
            points => panic!("expected one point, but found {}\n\n{self}", points.len()),
        }
    }

    /// The point of exactly these attributes, in any order.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[track_caller]
    pub fn point<V: Into<Value>>(
        &self,
        attributes: impl IntoIterator<Item = (&'static str, V)>,
    ) -> &Point {
        let wanted = sorted(attributes.into_iter().map(|(key, value)| KeyValue::new(key, value)));
        match self.points.iter().find(|point| point.attributes == wanted) {
            Some(point) => point,
            None => panic!("expected a point {}\n\n{self}", set(&wanted)),
        }
    }

    fn from_proto(scope: String, metric: proto::Metric) -> Option<Self> {
        let (kind, mut points) = match metric.data? {
            Data::Gauge(gauge) => (MetricKind::Gauge, numbers(gauge.data_points)),
            Data::Sum(sum) if sum.is_monotonic => (MetricKind::Counter, numbers(sum.data_points)),
            Data::Sum(sum) => (MetricKind::UpDownCounter, numbers(sum.data_points)),
            Data::Histogram(histogram) => {
                let points = histogram.data_points.into_iter().map(|point| Point {
                    attributes: attributes(point.attributes),
                    value: point.sum.unwrap_or_default(),
                    integer: false,
                    count: point.count,
                    bounds: point.explicit_bounds,
                });
                (MetricKind::Histogram, points.collect())
            }
            Data::ExponentialHistogram(histogram) => {
                let points = histogram.data_points.into_iter().map(|point| Point {
                    attributes: attributes(point.attributes),
                    value: point.sum.unwrap_or_default(),
                    integer: false,
                    count: point.count,
                    bounds: Vec::new(),
                });
                (MetricKind::ExponentialHistogram, points.collect())
            }
            // Only for metrics that come from other systems.
            Data::Summary(_) => return None,
        };
        points.sort_by_key(|point: &Point| set(&point.attributes));
        Some(Self {
            name: metric.name,
            unit: metric.unit,
            description: metric.description,
            kind,
            scope,
            points,
        })
    }
}

impl Point {
    /// The value of an attribute.
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        self.attributes.iter().find(|own| own.key.as_str() == key).map(|own| &own.value)
    }
}

fn numbers(points: Vec<proto::NumberDataPoint>) -> Vec<Point> {
    let points = points.into_iter().map(|point| Point {
        attributes: attributes(point.attributes),
        value: match point.value {
            Some(Number::AsDouble(value)) => value,
            #[expect(clippy::cast_precision_loss, reason = "tests count far below 2^53")]
            Some(Number::AsInt(value)) => value as f64,
            None => 0.0,
        },
        integer: matches!(point.value, Some(Number::AsInt(_))),
        count: 0,
        bounds: Vec::new(),
    });
    points.collect()
}

fn set(attributes: &[KeyValue]) -> String {
    let attributes: Vec<_> = attributes.iter().map(written).collect();
    format!("{{{}}}", attributes.join(", "))
}

impl Deref for Metrics {
    type Target = [Metric];

    fn deref(&self) -> &[Metric] {
        &self.0
    }
}

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metrics: Vec<_> = self.iter().map(ToString::to_string).collect();
        f.write_str(&metrics.join("\n"))
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            MetricKind::Counter => "counter",
            MetricKind::UpDownCounter => "up-down counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
            MetricKind::ExponentialHistogram => "exponential histogram",
        };
        write!(f, "{} [{kind}]", self.name)?;
        if !self.unit.is_empty() {
            write!(f, " {}", self.unit)?;
        }
        for point in &self.points {
            match self.kind {
                MetricKind::Histogram | MetricKind::ExponentialHistogram => {
                    write!(f, "\n| {} times {}", point.count, set(&point.attributes))?;
                }
                _ if point.integer => {
                    write!(f, "\n| {} {}", point.value, set(&point.attributes))?;
                }
                _ => write!(f, "\n| {:?} {}", point.value, set(&point.attributes))?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
