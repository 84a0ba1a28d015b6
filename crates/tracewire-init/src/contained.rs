//! What a program gives to the SDK, called so that its panics end nothing else.
//!
//! The SDK calls span processors where spans end, which may be a destructor, and shuts processors and
//! readers down one after the other: a panic in one of them would abort the process, or lose what the
//! exporters behind it keep.

mod id_generator;
#[cfg(feature = "logs")]
mod log_exporter;
#[cfg(feature = "logs")]
mod log_processor;
mod metric_exporter;
mod reader;
mod span_processor;

pub(crate) use self::{
    id_generator::id_generator, metric_exporter::metric_exporter, reader::reader,
    span_processor::span_processor,
};
#[cfg(feature = "logs")]
pub(crate) use self::{log_exporter::log_exporter, log_processor::log_processor};

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::metrics::{Instrument, Stream};
use opentelemetry_sdk::resource::ResourceDetector;
use tracewire_export::wiring::log::{self, Limited};

/// How often a panic of one part is warned of.
const ONCE: Duration = Duration::from_secs(60);

/// Calls a part of the program, and warns of its panics.
#[derive(Clone, Debug)]
struct Caller {
    what: &'static str,
    panics: Arc<Limited>,
}

impl Caller {
    fn new(what: &'static str) -> Self {
        Self { what, panics: Arc::new(Limited::new(ONCE)) }
    }

    /// Gives what `work` gives, or `None` if it panicked.
    fn call<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        let outcome = catch_unwind(AssertUnwindSafe(work));
        if outcome.is_err()
            && let Some(times) = self.panics.admit(1, Instant::now())
        {
            let times = if times == 1 { String::new() } else { format!(" {times} times") };
            log::warn(&format!("{} of this program panicked{times}", self.what));
        }
        outcome.ok()
    }

    /// The same, with an error in place of `None`.
    fn result(&self, work: impl FnOnce() -> OTelSdkResult) -> OTelSdkResult {
        self.call(work).unwrap_or_else(|| self.panicked())
    }

    /// The same for an export, which may panic as it starts and whenever it goes on.
    async fn exported<F>(&self, start: impl FnOnce() -> F) -> OTelSdkResult
    where
        F: Future<Output = OTelSdkResult>,
    {
        let Some(export) = self.call(start) else { return self.panicked() };
        let mut export = pin!(export);
        poll_fn(|context| {
            let polled = self.call(|| export.as_mut().poll(context));
            polled.unwrap_or_else(|| Poll::Ready(self.panicked()))
        })
        .await
    }

    fn panicked(&self) -> OTelSdkResult {
        Err(OTelSdkError::InternalFailure(format!("{} panicked", self.what)))
    }
}

/// A resource detector that finds nothing where it panics.
pub(crate) struct Detector<D>(pub(crate) D);

impl<D: ResourceDetector> ResourceDetector for Detector<D> {
    fn detect(&self) -> Resource {
        let found = Caller::new("a resource detector").call(|| self.0.detect());
        found.unwrap_or_else(|| Resource::builder_empty().build())
    }
}

/// `view`, which leaves an instrument as it is where it panics.
pub(crate) fn view(
    view: impl Fn(&Instrument) -> Option<Stream> + Send + Sync + 'static,
) -> impl Fn(&Instrument) -> Option<Stream> + Send + Sync + 'static {
    let caller = Caller::new("a view of metrics");
    move |instrument| caller.call(|| view(instrument)).flatten()
}
