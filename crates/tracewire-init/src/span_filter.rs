//! Which spans and events of `tracing` reach the trace.

use tracewire_propagation::current;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use crate::targets::is_telemetry;

/// Spans from level INFO on, those that `verbose` names besides, and events that are errors.
pub(crate) fn span_filter<S>(verbose: EnvFilter) -> impl Filter<S>
where
    S: Subscriber + for<'a> LookupSpan<'a> + 'static,
{
    let spans = filter_fn(|metadata| *metadata.level() <= LevelFilter::INFO)
        .or(verbose)
        .and(filter_fn(|metadata| metadata.is_span()));
    let errors = filter_fn(|metadata| is_error(metadata));
    WhileReachable(spans.or(errors).and(filter_fn(|metadata| is_exported(metadata))))
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
    !is_telemetry(target) && !(metadata.is_span() && target.starts_with("tracewire_tower::"))
}

/// A filter that lets nothing through while its thread ends.
///
/// The layer asks for the current context then, which panics once the thread's is destroyed.
struct WhileReachable<F>(F);

impl<S, F: Filter<S>> Filter<S> for WhileReachable<F> {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        current::is_reachable() && self.0.enabled(metadata, context)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        let interest = self.0.callsite_enabled(metadata);
        if interest.is_never() { interest } else { Interest::sometimes() }
    }

    fn event_enabled(&self, event: &Event<'_>, context: &Context<'_, S>) -> bool {
        self.0.event_enabled(event, context)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.0.max_level_hint()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        self.0.on_new_span(attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        self.0.on_record(id, values, context);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        self.0.on_enter(id, context);
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        self.0.on_exit(id, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.0.on_close(id, context);
    }
}
