//! All series of all instruments, in bounded memory.

use crate::{
    digest::{self, Digests},
    reservoir::{Cell, Exemplar, Reservoir},
};
use opentelemetry::{Array, InstrumentationScope, KeyValue, Value, trace::SpanContext};
use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    mem::size_of_val,
    ops::RangeInclusive,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::SystemTime,
};

/// The most that a store takes, in bytes.
const MOST_BYTES: usize = 2 << 20;

/// The entry of a series in its map, with the room that maps leave free, and the headers of what is
/// shared.
const OVERHEAD: usize = 128;

/// The exemplars of a process, or of one set of providers.
///
/// Give it to the layers that measure and to the exporters that read it. It is a handle, so clones are
/// the same.
///
/// ```
/// use opentelemetry::InstrumentationScope;
/// use tracewire_exemplar::Exemplars;
///
/// let exemplars = Exemplars::new();
/// let scope = InstrumentationScope::builder("shop").build();
/// let checkout = exemplars.instrument(&scope, "checkout.duration", &[0.1, 1.0]);
/// assert!(exemplars.bytes() <= 2 * 1024 * 1024);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Exemplars(Arc<Store>);

#[derive(Debug, Default)]
struct Store {
    instruments: RwLock<HashMap<Name, Arc<Instrument>>>,
    bytes: Arc<Budget>,
}

/// Scope, version of the scope, and instrument.
type Name = (String, String, String);

#[derive(Debug)]
struct Instrument {
    boundaries: Arc<[f64]>,
    series: RwLock<HashMap<u64, Series, BuildHasherDefault<Digest>>>,
    digests: Digests,
    bytes: Arc<Budget>,
}

#[derive(Clone, Debug)]
struct Series {
    attributes: Arc<[KeyValue]>,
    reservoir: Reservoir,
}

/// The exemplars of one series.
///
/// ```
/// use tracewire_exemplar::SeriesExemplars;
///
/// fn slowest(series: &SeriesExemplars) -> f64 {
///     series.exemplars.last().map_or(0.0, |exemplar| exemplar.value) // the highest bucket
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SeriesExemplars {
    /// The attributes that were measured with, sorted by key.
    pub attributes: Arc<[KeyValue]>,
    /// At least one, the lowest bucket first.
    pub exemplars: Vec<Exemplar>,
}

/// The exemplars of one histogram, a [`Reservoir`] for each of its series.
///
/// It is a handle, so clones are the same.
///
/// ```
/// use opentelemetry::trace::TraceContextExt;
/// use opentelemetry::{Context, InstrumentationScope, KeyValue};
/// use std::time::SystemTime;
/// use tracewire_exemplar::Exemplars;
///
/// let scope = InstrumentationScope::builder("shop").build();
/// let reservoirs = Exemplars::new().instrument(&scope, "checkout.duration", &[0.1, 1.0]);
///
/// let attributes = [KeyValue::new("payment", "card")];
/// let context = Context::current();
/// reservoirs.offer(0.25, &attributes, context.span().span_context(), SystemTime::now());
/// ```
#[derive(Clone, Debug)]
pub struct Reservoirs(Option<Arc<Instrument>>);

impl Exemplars {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the reservoirs of a histogram, which is found by its name and the name and version of its
    /// scope.
    ///
    /// There is one exemplar for each bucket between these boundaries, or, where the histogram was there
    /// before, between those that it had first.
    #[must_use]
    pub fn instrument(
        &self,
        scope: &InstrumentationScope,
        instrument: &str,
        boundaries: &[f64],
    ) -> Reservoirs {
        let name = name(scope, instrument);
        let mut all = self.0.instruments.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(&name) {
            return Reservoirs(Some(Arc::clone(known)));
        }
        let text = name.0.len() + name.1.len() + name.2.len();
        let own = size_of::<Name>() + size_of::<Instrument>() + text + size_of_val(boundaries);
        if !self.0.bytes.reserve(own + digest::BYTES + OVERHEAD) {
            return Reservoirs(None);
        }
        let mut boundaries = boundaries.to_vec();
        boundaries.sort_by(f64::total_cmp);
        let new = Arc::new(Instrument {
            boundaries: boundaries.into(),
            series: RwLock::default(),
            digests: Digests::default(),
            bytes: Arc::clone(&self.0.bytes),
        });
        all.insert(name, Arc::clone(&new));
        Reservoirs(Some(new))
    }

    /// Returns the exemplars of a histogram that were measured in this time, by series.
    ///
    /// They stay, for other readers, until a new measurement replaces them.
    #[must_use]
    pub fn collect(
        &self,
        scope: &InstrumentationScope,
        instrument: &str,
        times: RangeInclusive<SystemTime>,
    ) -> Vec<SeriesExemplars> {
        let all = self.0.instruments.read().unwrap_or_else(PoisonError::into_inner);
        let Some(instrument) = all.get(&name(scope, instrument)).map(Arc::clone) else {
            return Vec::new();
        };
        drop(all);
        // Copied, so that a new series does not wait for the cells.
        let known = instrument.series.read().unwrap_or_else(PoisonError::into_inner);
        let series: Vec<Series> = known.values().cloned().collect();
        drop(known);
        let exemplars = series.into_iter().map(|Series { attributes, reservoir }| {
            let mut exemplars = Vec::new();
            reservoir.collect(&times, &mut exemplars);
            SeriesExemplars { attributes, exemplars }
        });
        exemplars.filter(|series| !series.exemplars.is_empty()).collect()
    }

    /// Returns how many bytes the store takes, at most 2 MiB.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.bytes.0.load(Ordering::Relaxed)
    }
}

impl Reservoirs {
    /// Offers a measurement that was taken with these attributes, in `span`, at `time`.
    ///
    /// Nothing is looked up unless the span is sampled. [`Reservoir::offer`] says what is kept.
    pub fn offer(&self, value: f64, attributes: &[KeyValue], span: &SpanContext, time: SystemTime) {
        if !span.is_sampled() {
            return;
        }
        let Some(instrument) = &self.0 else { return };
        let digest = instrument.digests.of(attributes);
        let known = instrument.series.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(Series { reservoir, .. }) = known.get(&digest) {
            return reservoir.offer(value, span, time);
        }
        drop(known);
        if let Some(reservoir) = instrument.add(digest, attributes) {
            reservoir.offer(value, span, time);
        }
    }

    /// Returns the reservoir of the series with these attributes, to keep beside it; `None` if the
    /// store is full.
    #[must_use]
    pub fn reservoir(&self, attributes: &[KeyValue]) -> Option<Reservoir> {
        let instrument = self.0.as_ref()?;
        let digest = instrument.digests.of(attributes);
        let known = instrument.series.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(Series { reservoir, .. }) = known.get(&digest) {
            return Some(reservoir.clone());
        }
        drop(known);
        instrument.add(digest, attributes)
    }
}

impl Instrument {
    fn add(&self, digest: u64, attributes: &[KeyValue]) -> Option<Reservoir> {
        let text: usize = attributes.iter().map(text).sum();
        let cells = (self.boundaries.len() + 1) * size_of::<Cell>();
        let own = size_of::<Series>() + size_of_val(attributes) + text + cells + OVERHEAD;
        if !self.bytes.has_room(own) {
            return None;
        }
        let mut all = self.series.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(&digest) {
            return Some(known.reservoir.clone());
        }
        if !self.bytes.reserve(own) {
            return None;
        }
        self.digests.remember(attributes);
        let mut attributes = attributes.to_vec();
        attributes.sort_by(|a, b| a.key.cmp(&b.key));
        let reservoir = Reservoir::new(&self.boundaries);
        all.insert(digest, Series { attributes: attributes.into(), reservoir: reservoir.clone() });
        Some(reservoir)
    }
}

fn name(scope: &InstrumentationScope, instrument: &str) -> Name {
    let version = scope.version().unwrap_or_default();
    (scope.name().to_owned(), version.to_owned(), instrument.to_owned())
}

/// How many bytes an attribute's text takes. What is shared is counted for each attribute.
fn text(attribute: &KeyValue) -> usize {
    let value = match &attribute.value {
        Value::String(text) => text.as_str().len(),
        Value::Array(Array::String(texts)) => {
            size_of_val(&**texts) + texts.iter().map(|text| text.as_str().len()).sum::<usize>()
        }
        Value::Array(Array::Bool(values)) => size_of_val(&**values),
        Value::Array(Array::I64(values)) => size_of_val(&**values),
        Value::Array(Array::F64(values)) => size_of_val(&**values),
        _ => 0,
    };
    attribute.key.as_str().len() + value
}

/// How many bytes are taken.
#[derive(Debug, Default)]
struct Budget(AtomicUsize);

impl Budget {
    fn has_room(&self, bytes: usize) -> bool {
        self.0.load(Ordering::Relaxed).saturating_add(bytes) <= MOST_BYTES
    }

    /// Takes so many bytes, unless there would be too many.
    fn reserve(&self, bytes: usize) -> bool {
        let with = |taken: usize| taken.checked_add(bytes).filter(|&all| all <= MOST_BYTES);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, with).is_ok()
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
