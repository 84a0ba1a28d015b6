//! Which spans and events of `tracing` reach the trace.

use tracewire_propagation::current;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::layer::Filter;
use tracing_subscriber::registry::LookupSpan;

use super::living_thread::WhileAlive;
use crate::targets::is_telemetry;

/// Spans from level INFO on, those that `verbose` names besides, and events that are errors.
pub(crate) fn span_filter<S>(verbose: EnvFilter) -> impl Filter<S>
where
    S: Subscriber + for<'a> LookupSpan<'a> + 'static,
{
    let spans = filter_fn(|metadata| *metadata.level() <= LevelFilter::INFO)
        .or(verbose)
        .and(filter_fn(|metadata| metadata.is_span()));
    let errors = filter_fn(is_error);
    // The layer asks for the current context, which panics once the thread's is destroyed.
    WhileAlive::spans_and_events(
        spans.or(errors).and(filter_fn(is_exported)),
        current::is_reachable,
    )
}

/// Whether an event says that the work of its span failed: `error!`, and what `#[instrument(err)]`
/// makes of an `Err` at any level, which is an event with the error and without a message.
///
/// Everything else that is logged stays out of spans: it would be in the log a second time.
fn is_error(metadata: &Metadata<'_>) -> bool {
    let has = |name| metadata.fields().field(name).is_some();
    metadata.is_event() && (*metadata.level() == Level::ERROR || has("error") && !has("message"))
}

/// Not what telemetry says of itself, and not the span that tower-http's layer makes with our
/// `RequestSpan`: that request has its server span.
fn is_exported(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let is_request_span = metadata.is_span() && target.starts_with("tracewire_tower::");
    !is_telemetry(target) && !is_request_span
}
