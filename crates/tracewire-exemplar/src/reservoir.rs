//! One series: a cell for each of its buckets.

use opentelemetry::trace::{SpanContext, SpanId, TraceId};
use std::{
    ops::RangeInclusive,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// How long a cell keeps what it has, in nanoseconds, unless it was collected.
const FRESH: u64 = 100_000_000;

/// A measurement and the span that it was taken in.
///
/// ```
/// use opentelemetry::InstrumentationScope;
/// use std::time::SystemTime;
/// use tracewire_exemplar::Exemplars;
///
/// fn print(exemplars: &Exemplars, scope: &InstrumentationScope) {
///     let all = SystemTime::UNIX_EPOCH..=SystemTime::now();
///     for series in exemplars.collect(scope, "checkout.duration", all) {
///         for exemplar in &series.exemplars {
///             println!("{} s in trace {}", exemplar.value, exemplar.trace_id);
///         }
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Exemplar {
    /// What was measured, in the unit of the instrument.
    pub value: f64,
    /// When it was measured.
    pub time: SystemTime,
    /// The trace of the span.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
}

/// The exemplars of one series, one for each bucket.
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
/// // Once, for attributes that stay the same; `None` if the store is full.
/// let Some(cards) = reservoirs.reservoir(&[KeyValue::new("payment", "card")]) else { return };
///
/// cards.offer(0.25, Context::current().span().span_context(), SystemTime::now());
/// ```
#[derive(Clone, Debug)]
pub struct Reservoir(Arc<Cells>);

#[derive(Debug)]
struct Cells {
    boundaries: Arc<[f64]>,
    cells: Box<[Cell]>,
}

/// The exemplar of one bucket.
#[derive(Debug, Default)]
pub(crate) struct Cell {
    /// The time of the exemplar; zero if the next measurement is to replace it.
    written: AtomicU64,
    kept: Mutex<Kept>,
}

/// An exemplar in 40 bytes. A time of zero stands for none.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    value: f64,
    time: u64,
    trace_id: [u8; 16],
    span_id: [u8; 8],
}

impl Reservoir {
    pub(crate) fn new(boundaries: &Arc<[f64]>) -> Self {
        let cells = (0..=boundaries.len()).map(|_| Cell::default()).collect();
        Self(Arc::new(Cells { boundaries: Arc::clone(boundaries), cells }))
    }

    /// Offers a measurement that was taken in `span` at `time`.
    ///
    /// It is kept if the span is sampled and its bucket has no exemplar of the last 100 ms. Values that
    /// are not finite, and times before 1970, are not kept.
    pub fn offer(&self, value: f64, span: &SpanContext, time: SystemTime) {
        if span.is_sampled() && value.is_finite() && span.is_valid() {
            self.keep(value, span, time);
        }
    }

    fn keep(&self, value: f64, span: &SpanContext, time: SystemTime) {
        let Cells { boundaries, cells } = &*self.0;
        let Some(cell) = cells.get(boundaries.partition_point(|&boundary| boundary < value)) else {
            return;
        };
        let (time, written) = (nanoseconds(time), cell.written.load(Ordering::Relaxed));
        // The clock may have been set back, so what is far ahead is not fresh.
        if time == 0 || (written != 0 && time.abs_diff(written) < FRESH) {
            return;
        }
        if let Ok(mut kept) = cell.kept.try_lock() {
            *kept = Kept {
                value,
                time,
                trace_id: span.trace_id().to_bytes(),
                span_id: span.span_id().to_bytes(),
            };
            // Under the lock, or a collection in between would be undone.
            cell.written.store(time, Ordering::Relaxed);
        }
    }

    /// Adds the exemplars of these times, the lowest bucket first.
    pub(crate) fn collect(&self, times: &RangeInclusive<SystemTime>, all: &mut Vec<Exemplar>) {
        for cell in &self.0.cells {
            let kept = cell.kept.lock().unwrap_or_else(PoisonError::into_inner);
            cell.written.store(0, Ordering::Relaxed);
            let Kept { value, time, trace_id, span_id } = *kept;
            drop(kept);
            let at = SystemTime::UNIX_EPOCH + Duration::from_nanos(time);
            if time != 0 && times.contains(&at) {
                let (trace_id, span_id) =
                    (TraceId::from_bytes(trace_id), SpanId::from_bytes(span_id));
                all.push(Exemplar { value, time: at, trace_id, span_id });
            }
        }
    }
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs().checked_mul(1_000_000_000);
    seconds.and_then(|all| all.checked_add(since.subsec_nanos().into())).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{TraceFlags, TraceState};

    fn span(id: u64, flags: TraceFlags) -> SpanContext {
        let (trace, span) = (TraceId::from(u128::from(id)), SpanId::from(id));
        SpanContext::new(trace, span, flags, false, TraceState::NONE)
    }

    fn sampled(id: u64) -> SpanContext {
        span(id, TraceFlags::SAMPLED)
    }

    fn at(milliseconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds)
    }

    fn kept(reservoir: &Reservoir) -> Vec<(f64, u64)> {
        let mut all = Vec::new();
        reservoir.collect(&(SystemTime::UNIX_EPOCH..=at(1_000_000)), &mut all);
        let id = |exemplar: &Exemplar| u64::from_be_bytes(exemplar.span_id.to_bytes());
        all.iter().map(|exemplar| (exemplar.value, id(exemplar))).collect()
    }

    #[test]
    fn a_cell_takes_56_bytes() {
        assert_eq!(size_of::<Cell>(), 56);
    }

    #[test]
    fn a_bucket_includes_its_upper_boundary() {
        let reservoir = Reservoir::new(&Arc::from([1.0, 2.0]));
        for (value, id) in [(1.0, 1), (1.5, 2), (2.0, 3), (2.1, 4)] {
            reservoir.offer(value, &sampled(id), at(id * 1_000));
        }
        assert_eq!(kept(&reservoir), [(1.0, 1), (2.0, 3), (2.1, 4)]);
    }

    #[test]
    fn what_is_fresh_stays_until_it_is_collected() {
        let reservoir = Reservoir::new(&Arc::from([]));
        reservoir.offer(1.0, &sampled(1), at(1_000));
        reservoir.offer(2.0, &sampled(2), at(1_099));
        assert_eq!(kept(&reservoir), [(1.0, 1)]);
        reservoir.offer(3.0, &sampled(3), at(1_099));
        assert_eq!(kept(&reservoir), [(3.0, 3)]);
        reservoir.offer(4.0, &sampled(4), at(1_300));
        reservoir.offer(5.0, &sampled(5), at(1_400));
        assert_eq!(kept(&reservoir), [(5.0, 5)]);
    }

    #[test]
    fn a_clock_that_was_set_back_stops_nothing() {
        let reservoir = Reservoir::new(&Arc::from([]));
        reservoir.offer(1.0, &sampled(1), at(900_000));
        reservoir.offer(2.0, &sampled(2), at(1_000));
        assert_eq!(kept(&reservoir), [(2.0, 2)]);
    }

    #[test]
    fn what_leads_nowhere_is_not_kept() {
        let reservoir = Reservoir::new(&Arc::from([]));
        reservoir.offer(1.0, &span(1, TraceFlags::NOT_SAMPLED), at(1));
        reservoir.offer(1.0, &sampled(0), at(1));
        reservoir.offer(f64::NAN, &sampled(1), at(1));
        reservoir.offer(f64::INFINITY, &sampled(1), at(1));
        reservoir.offer(1.0, &sampled(1), SystemTime::UNIX_EPOCH - Duration::from_secs(1));
        assert_eq!(kept(&reservoir), []);
    }

    #[test]
    fn a_busy_cell_is_skipped() {
        let reservoir = Reservoir::new(&Arc::from([]));
        let busy = reservoir.0.cells[0].kept.lock().unwrap();
        reservoir.offer(1.0, &sampled(1), at(1));
        drop(busy);
        assert_eq!(kept(&reservoir), []);
        reservoir.offer(2.0, &sampled(2), at(2));
        assert_eq!(kept(&reservoir), [(2.0, 2)]);
    }
}
