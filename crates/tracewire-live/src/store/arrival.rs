//! Spans on their way from a running request to the store.

use std::fmt;

use super::facts::{EndedSpan, TraceId};
use super::gate::Root;

/// Spans of one trace that [`Recorder::ended`](crate::Recorder::ended) gives back, for
/// [`Recorder::bring`](crate::Recorder::bring).
///
/// ```
/// use tracewire_live::{Arrival, Live};
///
/// let recorder = Live::new().build();
/// // No request of this trace is under way, so no span waits for one.
/// let waiting: Option<Arrival> = recorder.held([1; 16]);
/// assert!(waiting.is_none());
/// ```
pub struct Arrival {
    pub(crate) trace_id: TraceId,
    /// In the order in which they ended. Only the last one may be a local root.
    pub(crate) spans: Vec<Box<dyn EndedSpan>>,
    /// The local root that the trace was admitted for; `None` if the store decides.
    pub(crate) admitted: Option<Root>,
}

impl Arrival {
    /// Returns how many spans there are.
    pub fn spans(&self) -> usize {
        self.spans.len()
    }

    /// Returns the bytes of memory that the spans take.
    pub fn weight(&self) -> usize {
        let places = self.spans.capacity() * size_of::<Box<dyn EndedSpan>>();
        size_of::<Self>() + places + self.spans.iter().map(|span| span.weight()).sum::<usize>()
    }
}

impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spans = self.spans.len();
        f.debug_struct("Arrival").field("spans", &spans).finish_non_exhaustive()
    }
}
