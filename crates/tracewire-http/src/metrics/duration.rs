//! A duration: its histogram, and the exemplars beside it.

use opentelemetry::{
    InstrumentationScope, KeyValue,
    metrics::{Histogram, Meter},
    trace::SpanContext,
};
use std::time::SystemTime;
use tracewire_exemplar::{Exemplars, Reservoirs};

/// How durations are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keeping<'a> {
    pub(crate) boundaries: &'a [f64],
    pub(crate) exemplars: Option<&'a Exemplars>,
    pub(crate) scope: &'a InstrumentationScope,
}

/// The sampled span that was measured, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sampled<'a> {
    pub(crate) span: &'a SpanContext,
    pub(crate) time: SystemTime,
}

#[derive(Debug)]
pub(crate) struct DurationHistogram {
    pub(super) histogram: Histogram<f64>,
    /// Where exemplars are kept.
    pub(super) reservoirs: Option<Reservoirs>,
}

impl DurationHistogram {
    pub(crate) fn new(
        meter: &Meter,
        (name, description): (&'static str, &'static str),
        keeping: Keeping<'_>,
    ) -> Self {
        let Keeping { boundaries, exemplars, scope } = keeping;
        let histogram = meter
            .f64_histogram(name)
            .with_description(description)
            .with_unit("s")
            .with_boundaries(boundaries.to_vec())
            .build();
        let reservoirs = exemplars.map(|all| all.instrument(scope, name, boundaries));
        Self { histogram, reservoirs }
    }

    /// Whether exemplars are kept.
    pub(crate) fn has_exemplars(&self) -> bool {
        self.reservoirs.is_some()
    }

    pub(crate) fn record(
        &self,
        seconds: f64,
        attributes: &[KeyValue],
        sampled: Option<Sampled<'_>>,
    ) {
        self.histogram.record(seconds, attributes);
        if let (Some(Sampled { span, time }), Some(reservoirs)) = (sampled, &self.reservoirs) {
            reservoirs.offer(seconds, attributes, span, time);
        }
    }
}
