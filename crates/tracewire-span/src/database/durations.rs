//! `db.client.operation.duration`, created once for each meter provider.

use super::statement::Statement;
use crate::{exemplars, tracer::Library};
use arc_swap::ArcSwapOption;
#[cfg(feature = "bound-instruments")]
use opentelemetry::metrics::BoundHistogram;
use opentelemetry::{
    KeyValue, global,
    metrics::{Histogram, MeterProvider},
};
#[cfg(feature = "bound-instruments")]
use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};
use std::{
    sync::{Arc, Weak},
    time::SystemTime,
};
#[cfg(feature = "bound-instruments")]
use tracewire_exemplar::Reservoir;
use tracewire_exemplar::Reservoirs;
use tracewire_propagation::{current, providers};

const NAME: &str = "db.client.operation.duration";

/// The boundaries of `db.client.operation.duration` in seconds, as the conventions advise.
pub(super) const BOUNDARIES: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// How many instruments are kept: a process has one, unless it keeps tenants apart or has a tracer
/// for each library.
const LIMIT: usize = 16;

/// The instruments used last.
static KEPT: ArcSwapOption<Vec<Arc<Durations>>> = ArcSwapOption::const_empty();

type Provider = dyn MeterProvider + Send + Sync;

/// What records the duration of one call.
pub(super) enum Recorder {
    Unbound(Arc<Durations>),
    #[cfg(feature = "bound-instruments")]
    Bound(Arc<Series>),
}

impl Recorder {
    /// That of the provider that the context carries, or of the global one; `None` if there is none.
    ///
    /// The provider is asked for each time, because it may have been set or replaced meanwhile.
    pub(super) fn get(statement: &Statement) -> Option<Self> {
        let carried = current::with(|context| context.get::<Arc<Provider>>().cloned());
        let provider = carried.unwrap_or_else(global::meter_provider);
        // OpenTelemetry's placeholder holds nothing; what records points to its readers at least.
        if size_of_val(&*provider) == 0 {
            return None;
        }
        #[cfg(feature = "bound-instruments")]
        if let Some(series) = &statement.series
            && let Some(series) = series.bound.get()
            && series.durations.is_of(&provider)
        {
            return Some(Self::Bound(series.clone()));
        }
        Some(Self::Unbound(Durations::of(&provider, statement.library)))
    }

    /// Records how long a call of `statement` took, with what its failure adds.
    pub(super) fn record(&self, seconds: f64, statement: &Statement, failed: &[KeyValue]) {
        let attributes = &statement.attributes;
        let durations = match self {
            Self::Unbound(durations) => durations,
            #[cfg(feature = "bound-instruments")]
            Self::Bound(series) if failed.is_empty() => return series.record(seconds, statement),
            #[cfg(feature = "bound-instruments")]
            Self::Bound(series) => &series.durations,
        };
        if !failed.is_empty() {
            return durations.record(seconds, &[attributes, failed].concat());
        }
        #[cfg(feature = "bound-instruments")]
        Series::bind(durations, statement);
        durations.record(seconds, attributes);
    }
}

/// The instrument of one meter provider and one library.
#[derive(Debug)]
pub(super) struct Durations {
    /// Only to know the provider again: it is not kept alive.
    provider: Weak<Provider>,
    library: Library,
    histogram: Histogram<f64>,
    reservoirs: Option<Reservoirs>,
    #[cfg(feature = "bound-instruments")]
    binds: bool,
}

impl Durations {
    fn of(provider: &Arc<Provider>, library: Library) -> Arc<Self> {
        let kept = KEPT.load();
        let kept = kept.iter().flat_map(|kept| kept.iter());
        let is_it = |own: &&Arc<Self>| own.is_of(provider) && own.library == library;
        if let Some(own) = kept.clone().find(is_it) {
            return own.clone();
        }
        let new = Arc::new(Self::new(provider, library));
        let others = kept.filter(|own| own.provider.strong_count() > 0).take(LIMIT - 1);
        KEPT.store(Some(Arc::new([&new].into_iter().chain(others).cloned().collect())));
        new
    }

    fn new(provider: &Arc<Provider>, library: Library) -> Self {
        let scope = library.scope();
        let reservoirs = exemplars::store().map(|all| all.instrument(&scope, NAME, &BOUNDARIES));
        let (meter, binds) = providers::meter(&**provider, scope);
        #[cfg(not(feature = "bound-instruments"))]
        let _ = binds;
        let histogram = meter
            .f64_histogram(NAME)
            .with_unit("s")
            .with_description("Duration of database client operations.")
            .with_boundaries(BOUNDARIES.to_vec())
            .build();
        Self {
            provider: Arc::downgrade(provider),
            library,
            histogram,
            reservoirs,
            #[cfg(feature = "bound-instruments")]
            binds,
        }
    }

    fn record(&self, seconds: f64, attributes: &[KeyValue]) {
        self.histogram.record(seconds, attributes);
        if let Some(reservoirs) = &self.reservoirs {
            exemplars::if_sampled(|span| {
                reservoirs.offer(seconds, attributes, span, SystemTime::now());
            });
        }
    }

    fn is_of(&self, provider: &Arc<Provider>) -> bool {
        // A weak reference keeps the address from being used again.
        std::ptr::addr_eq(self.provider.as_ptr(), Arc::as_ptr(provider))
    }
}

/// The successful calls of one statement, bound to their attributes.
///
/// An unbound histogram sorts and hashes the attributes of every measurement, which is most of what a
/// measurement costs.
#[cfg(feature = "bound-instruments")]
#[derive(Debug)]
pub(super) struct Series {
    durations: Arc<Durations>,
    histogram: BoundHistogram<f64>,
    /// Its exemplars, from its first sampled call on; none where the store is full.
    reservoir: OnceLock<Option<Reservoir>>,
}

/// Where a statement keeps its series.
#[cfg(feature = "bound-instruments")]
#[derive(Debug, Default)]
pub(super) struct Binding {
    measured: AtomicBool,
    bound: OnceLock<Arc<Series>>,
}

#[cfg(feature = "bound-instruments")]
impl Series {
    fn record(&self, seconds: f64, statement: &Statement) {
        self.histogram.record(seconds);
        let Some(reservoirs) = &self.durations.reservoirs else { return };
        exemplars::if_sampled(|span| {
            let find = || reservoirs.reservoir(&statement.attributes);
            if let Some(reservoir) = self.reservoir.get_or_init(find) {
                reservoir.offer(seconds, span, SystemTime::now());
            }
        });
    }

    /// Binds the statement for later calls, if it has any.
    fn bind(durations: &Arc<Durations>, statement: &Statement) {
        // Once: where tenants take turns, the others are measured unbound. And not for a text that never
        // comes again, for to bind costs more than to record.
        if let Some(series) = &statement.series
            && durations.binds
            && series.bound.get().is_none()
            && series.measured.swap(true, Ordering::Relaxed)
        {
            let histogram = durations.histogram.bind(&statement.attributes);
            let _ = series.bound.set(Arc::new(Self {
                durations: durations.clone(),
                histogram,
                reservoir: OnceLock::new(),
            }));
        }
    }
}
