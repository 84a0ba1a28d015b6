//! Filters that let nothing through while a thread ends, when thread-locals that layers need are gone.

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};

/// What `F` lets through, while the thread is alive enough.
pub(crate) struct WhileAlive<F> {
    filter: F,
    is_alive: fn() -> bool,
    /// Whether spans are kept back too. Then the question is asked for each of them.
    spans_too: bool,
}

impl<F> WhileAlive<F> {
    /// Keeps events back.
    pub(crate) fn events(filter: F, is_alive: fn() -> bool) -> Self {
        Self { filter, is_alive, spans_too: false }
    }

    /// Keeps spans and events back.
    pub(crate) fn spans_and_events(filter: F, is_alive: fn() -> bool) -> Self {
        Self { filter, is_alive, spans_too: true }
    }
}

impl<S: Subscriber, F: Filter<S>> Filter<S> for WhileAlive<F> {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        (!self.spans_too || (self.is_alive)()) && self.filter.enabled(metadata, context)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        let interest = self.filter.callsite_enabled(metadata);
        if !self.spans_too || interest.is_never() { interest } else { Interest::sometimes() }
    }

    fn event_enabled(&self, event: &Event<'_>, context: &Context<'_, S>) -> bool {
        (self.spans_too || (self.is_alive)()) && self.filter.event_enabled(event, context)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.filter.max_level_hint()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        self.filter.on_new_span(attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        self.filter.on_record(id, values, context);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        self.filter.on_enter(id, context);
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        self.filter.on_exit(id, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.filter.on_close(id, context);
    }
}
