//! Histograms of the application's own, with exemplars.

use crate::{Tracer, exemplars};
use arc_swap::ArcSwapOption;
use opentelemetry::{KeyValue, global, metrics, metrics::MeterProvider};
use std::{
    fmt,
    sync::{Arc, Weak},
    time::SystemTime,
};
use tracewire_exemplar::Reservoirs;
use tracewire_propagation::current;

/// The boundaries of a histogram without any, as the specification has them.
const BOUNDARIES: [f64; 15] = [
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0,
    10000.0,
];

type Provider = dyn MeterProvider + Send + Sync;

/// A histogram whose buckets lead to traces.
///
/// A measurement in a sampled span is kept as an exemplar of its bucket, with the ids of the span.
/// Instruments of OpenTelemetry's API have none, because its SDK keeps none.
///
/// ```
/// use tracewire_span::{Histogram, KeyValue, histogram, span};
///
/// static CHECKOUT: Histogram = histogram!("shop.checkout.duration") // of this package
///     .unit("s")
///     .description("Duration of checkouts.")
///     .boundaries(&[0.1, 0.5, 1.0, 5.0]);
///
/// span("checkout").in_scope(|| {
///     CHECKOUT.record(0.25, &[KeyValue::new("payment", "card")]);
/// });
/// ```
///
/// Measurements go to the meter provider that the context carries, else to the global one, even if it is
/// set later. Without a provider they go nowhere. Every combination of attributes is a series: keep
/// their number small.
pub struct Histogram {
    name: &'static str,
    unit: &'static str,
    description: &'static str,
    boundaries: &'static [f64],
    library: Tracer,
    /// The instrument used last.
    kept: ArcSwapOption<Instrument>,
}

struct Instrument {
    /// Only to know the provider again: it is not kept alive.
    provider: Weak<Provider>,
    histogram: metrics::Histogram<f64>,
    reservoirs: Option<Reservoirs>,
}

/// Creates a [`Histogram`] of this name, with name and version of the current package.
///
/// ```
/// use tracewire_span::{Histogram, histogram};
///
/// static CHECKOUT: Histogram = histogram!("checkout.duration");
/// # let _ = &CHECKOUT;
/// ```
#[macro_export]
macro_rules! histogram {
    ($name:expr) => {
        $crate::Histogram::new($crate::tracer!(), $name)
    };
}

impl Histogram {
    /// Creates a histogram of the library that `tracer` names.
    #[must_use]
    pub const fn new(tracer: Tracer, name: &'static str) -> Self {
        Self {
            name,
            unit: "",
            description: "",
            boundaries: &BOUNDARIES,
            library: tracer,
            kept: ArcSwapOption::const_empty(),
        }
    }

    /// Sets the unit, such as `s` or `By`. Default: none.
    #[must_use]
    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// Sets the description. Default: none.
    #[must_use]
    pub const fn description(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// Sets the boundaries between buckets, in ascending order. Default: the specification's, from 0 to
    /// 10,000, which suit milliseconds.
    #[must_use]
    pub const fn boundaries(mut self, boundaries: &'static [f64]) -> Self {
        self.boundaries = boundaries;
        self
    }

    /// Records a measurement. It is an exemplar if the current span is sampled and its bucket has no
    /// exemplar of the last 100 ms.
    pub fn record(&self, value: f64, attributes: &[KeyValue]) {
        let carried = current::with(|context| context.get::<Arc<Provider>>().cloned());
        let provider = carried.unwrap_or_else(global::meter_provider);
        // OpenTelemetry's placeholder holds nothing; what records points to its readers at least.
        if size_of_val(&*provider) == 0 {
            return;
        }
        let kept = self.kept.load();
        match &*kept {
            Some(instrument) if instrument.is_of(&provider) => instrument.record(value, attributes),
            _ => {
                let instrument = Arc::new(self.instrument(&provider));
                instrument.record(value, attributes);
                self.kept.store(Some(instrument));
            }
        }
    }

    fn instrument(&self, provider: &Arc<Provider>) -> Instrument {
        let scope = self.library.scope();
        let exemplars = exemplars::store();
        let reservoirs =
            exemplars.map(|store| store.instrument(&scope, self.name, self.boundaries));
        let histogram = provider
            .meter_with_scope(scope)
            .f64_histogram(self.name)
            .with_unit(self.unit)
            .with_description(self.description)
            .with_boundaries(self.boundaries.to_vec())
            .build();
        Instrument { provider: Arc::downgrade(provider), histogram, reservoirs }
    }
}

impl Instrument {
    fn is_of(&self, provider: &Arc<Provider>) -> bool {
        // A weak reference keeps the address from being used again.
        std::ptr::addr_eq(self.provider.as_ptr(), Arc::as_ptr(provider))
    }

    fn record(&self, value: f64, attributes: &[KeyValue]) {
        self.histogram.record(value, attributes);
        if let Some(reservoirs) = &self.reservoirs {
            exemplars::if_sampled(|span| {
                reservoirs.offer(value, attributes, span, SystemTime::now());
            });
        }
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram")
            .field("name", &self.name)
            .field("library", &self.library)
            .finish_non_exhaustive()
    }
}
