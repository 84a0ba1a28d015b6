//! The variables of metrics: how often they are exported, and in which form.

use std::time::Duration;

use opentelemetry_sdk::metrics::{Aggregation, Instrument, InstrumentKind, Stream, Temporality};

use crate::env::{self, Env};

/// What code says about metrics.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) interval: Option<Duration>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) temporality: Option<Temporality>,
}

/// How often metrics are collected, and how long one export may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
}

impl Interval {
    pub(crate) fn decide(env: &Env, code: Settings) -> Self {
        let interval = env.pick(
            &["OTEL_METRIC_EXPORT_INTERVAL"],
            code.interval,
            env::milliseconds(1),
            Duration::from_secs(60),
        );
        let timeout = env.pick(
            &["OTEL_METRIC_EXPORT_TIMEOUT"],
            code.timeout,
            env::milliseconds(0),
            Duration::from_secs(30),
        );
        Self { interval, timeout }
    }
}

impl Interval {
    /// The shorter of an exporter's limit and that of the reader; zero is no limit.
    pub(crate) fn shorter(self, limit: Duration) -> Duration {
        let limits = [limit, self.timeout].into_iter().filter(|limit| !limit.is_zero());
        limits.min().unwrap_or_default()
    }
}

/// `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`.
pub(crate) fn temporality(env: &Env, code: Settings) -> Temporality {
    env.pick(
        &["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"],
        code.temporality,
        env::choice(&[
            ("cumulative", Temporality::Cumulative),
            ("delta", Temporality::Delta),
            ("lowmemory", Temporality::LowMemory),
        ]),
        Temporality::Cumulative,
    )
}

/// `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION`: how histograms are summarized, if
/// not with the boundaries that their instrument asks for.
pub(crate) fn histogram_aggregation(env: &Env) -> Option<Aggregation> {
    const EXPONENTIAL: Aggregation = Aggregation::Base2ExponentialHistogram {
        max_size: 160,
        max_scale: 20,
        record_min_max: true,
    };
    env.pick(
        &["OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"],
        None,
        env::choice(&[
            ("explicit_bucket_histogram", None),
            ("base2_exponential_bucket_histogram", Some(EXPONENTIAL)),
        ]),
        None,
    )
}

/// The view that gives all histograms this aggregation.
pub(crate) fn histograms_as(
    aggregation: Aggregation,
) -> impl Fn(&Instrument) -> Option<Stream> + Send + Sync + 'static {
    move |instrument| {
        if instrument.kind() != InstrumentKind::Histogram {
            return None;
        }
        Stream::builder().with_aggregation(aggregation.clone()).build().ok()
    }
}
