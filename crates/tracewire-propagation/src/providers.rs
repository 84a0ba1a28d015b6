//! Providers whose types are known: spans in one box instead of two, and instruments that bind.
//!
//! OpenTelemetry's globals hand out tracers as boxes, whose spans are boxed, and a context boxes such
//! a span again. And nothing that they hand out tells whether its instruments can be bound to their
//! attributes. So what sets the globals wraps its providers in [`Unboxed`] and [`Binding`], which tell
//! [`tracer`] and [`meter`] what they are. Everybody else sees the providers as before, and somebody
//! else's providers work as before.
//!
//! ```
//! use opentelemetry::{Context, InstrumentationScope, trace::{SpanBuilder, TraceContextExt}};
//! use tracewire_propagation::providers;
//!
//! let found = providers::tracer(InstrumentationScope::builder("my-layer").build());
//! let (context, records) = found.tracer.start(SpanBuilder::from_name("work"), &Context::new());
//! context.span().end();
//! assert!(!records); // no SDK is set in this process
//! ```

use crate::{given_id::Given, span::with_span};
use opentelemetry::{
    Context, InstrumentationScope, global,
    metrics::{Meter, MeterProvider},
    trace::{SpanBuilder, TraceState, Tracer, TracerProvider},
};
use std::{
    any::type_name,
    cell::{Cell, RefCell},
    fmt,
    sync::Arc,
};

/// A tracer of any type, which starts spans right inside a context.
///
/// ```
/// use opentelemetry::{Context, trace::{SpanBuilder, TraceContextExt, TracerProvider}};
/// use opentelemetry::trace::noop::NoopTracerProvider;
/// use tracewire_propagation::providers::AnyTracer;
///
/// fn work(tracer: &dyn AnyTracer) {
///     let (context, _records) = tracer.start(SpanBuilder::from_name("work"), &Context::current());
///     context.span().end();
/// }
///
/// work(&NoopTracerProvider::new().tracer("shop"));
/// ```
pub trait AnyTracer: Send + Sync {
    /// Starts a span. Returns `parent` with the span in it, and whether the span records.
    ///
    /// The id of a trace that starts here, or whose caller said so, is marked as random: see
    /// [`with_random_trace_id`](crate::with_random_trace_id).
    fn start(&self, span: SpanBuilder, parent: &Context) -> (Context, bool) {
        self.start_with(span, parent, &mut None)
    }

    /// Does the same where the caller's trace state was kept apart from `parent`, and takes it if the
    /// span goes on with the caller's trace: see
    /// [`set_moves_trace_state`](crate::set_moves_trace_state).
    #[doc(hidden)]
    fn start_with(
        &self,
        span: SpanBuilder,
        parent: &Context,
        apart: &mut Option<TraceState>,
    ) -> (Context, bool);
}

impl<T> AnyTracer for T
where
    T: Tracer + Send + Sync,
    T::Span: Send + Sync + 'static,
{
    fn start_with(
        &self,
        span: SpanBuilder,
        parent: &Context,
        apart: &mut Option<TraceState>,
    ) -> (Context, bool) {
        let build = || {
            let _given = Given::of(parent);
            self.build_with_context(span, parent)
        };
        with_span(parent, build, apart)
    }
}

/// A tracer provider of any type.
///
/// ```
/// use opentelemetry::InstrumentationScope;
/// use opentelemetry::trace::noop::NoopTracerProvider;
/// use tracewire_propagation::providers::AnyTracerProvider;
///
/// let provider: &dyn AnyTracerProvider = &NoopTracerProvider::new();
/// let tracer = provider.any_tracer(InstrumentationScope::builder("shop").build());
/// ```
pub trait AnyTracerProvider {
    /// Returns the tracer of `scope`.
    fn any_tracer(&self, scope: InstrumentationScope) -> Arc<dyn AnyTracer>;
}

impl<P> AnyTracerProvider for P
where
    P: TracerProvider,
    P::Tracer: Send + Sync + 'static,
    <P::Tracer as Tracer>::Span: Send + Sync + 'static,
{
    fn any_tracer(&self, scope: InstrumentationScope) -> Arc<dyn AnyTracer> {
        Arc::new(self.tracer_with_scope(scope))
    }
}

/// A tracer provider to set as the global one, whose own tracers [`tracer`] returns.
///
/// ```
/// use opentelemetry::{InstrumentationScope, global, trace::noop::NoopTracerProvider};
/// use tracewire_propagation::providers::{Unboxed, tracer};
///
/// global::set_tracer_provider(Unboxed(NoopTracerProvider::new()));
/// let found = tracer(InstrumentationScope::builder("my-crate").build());
/// assert!(found.is_unboxed);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Unboxed<P>(pub P);

impl<P> TracerProvider for Unboxed<P>
where
    P: TracerProvider,
    P::Tracer: Send + Sync + 'static,
    <P::Tracer as Tracer>::Span: Send + Sync + 'static,
{
    type Tracer = P::Tracer;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> P::Tracer {
        Asked::answer(|| Answer::Tracer(self.0.any_tracer(scope.clone())));
        self.0.tracer_with_scope(scope)
    }
}

/// A meter provider to set as the global one, whose instruments can be bound to their attributes.
///
/// OpenTelemetry calls that experimental: its SDK does so if its feature
/// `experimental_metrics_bound_instruments` is on, and what another one binds may take nothing.
///
/// ```
/// use opentelemetry::{InstrumentationScope, metrics::noop::NoopMeterProvider};
/// use tracewire_propagation::providers::{Binding, meter};
///
/// let provider = Binding(NoopMeterProvider::new()); // in a program, the SDK's
/// let (_meter, binds) = meter(&provider, InstrumentationScope::builder("shop").build());
/// assert!(binds);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Binding<P>(pub P);

impl<P: MeterProvider> MeterProvider for Binding<P> {
    fn meter_with_scope(&self, scope: InstrumentationScope) -> Meter {
        Asked::answer(|| Answer::Binds);
        self.0.meter_with_scope(scope)
    }
}

/// What the global tracer provider gave.
///
/// ```
/// use opentelemetry::InstrumentationScope;
/// use tracewire_propagation::providers;
///
/// let found = providers::tracer(InstrumentationScope::builder("shop").build());
/// assert!(!found.is_unboxed); // the global provider is OpenTelemetry's own
/// ```
pub struct FoundTracer {
    /// The tracer.
    pub tracer: Arc<dyn AnyTracer>,
    /// Whether it is that of a provider in [`Unboxed`].
    pub is_unboxed: bool,
}

impl fmt::Debug for FoundTracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoundTracer").field("is_unboxed", &self.is_unboxed).finish_non_exhaustive()
    }
}

/// Returns a tracer of the global provider.
///
/// ```
/// use opentelemetry::InstrumentationScope;
///
/// let scope = InstrumentationScope::builder("my-layer").with_version("1.0").build();
/// let found = tracewire_propagation::providers::tracer(scope);
/// ```
#[must_use]
pub fn tracer(scope: InstrumentationScope) -> FoundTracer {
    match Asked::ask(|| global::tracer_with_scope(scope)) {
        (_, Some(Answer::Tracer(tracer))) => FoundTracer { tracer, is_unboxed: true },
        (boxed, _) => FoundTracer { tracer: Arc::new(boxed), is_unboxed: false },
    }
}

/// Returns a meter of `provider`, and whether its instruments can be bound.
///
/// They can if the provider is in [`Binding`], as the one that `init` sets is.
///
/// ```
/// use opentelemetry::{InstrumentationScope, global};
///
/// let scope = InstrumentationScope::builder("my-layer").build();
/// let provider = global::meter_provider();
/// let (meter, _binds) = tracewire_propagation::providers::meter(&*provider, scope);
/// let sent = meter.u64_counter("messages.sent").build();
/// ```
#[must_use]
pub fn meter(provider: &dyn MeterProvider, scope: InstrumentationScope) -> (Meter, bool) {
    let (meter, answer) = Asked::ask(|| provider.meter_with_scope(scope));
    (meter, matches!(answer, Some(Answer::Binds)))
}

/// Returns whether `P` is OpenTelemetry's SDK, going by its name.
///
/// ```
/// use opentelemetry::trace::noop::NoopTracerProvider;
///
/// assert!(!tracewire_propagation::providers::is_sdk::<NoopTracerProvider>());
/// ```
#[must_use]
pub fn is_sdk<P>() -> bool {
    type_name::<P>().starts_with("opentelemetry_sdk::")
}

/// What a provider says of itself.
enum Answer {
    Tracer(Arc<dyn AnyTracer>),
    Binds,
}

/// A question to the provider behind a global one, put beside the call that reaches it.
struct Asked;

thread_local! {
    static ASKED: Cell<bool> = const { Cell::new(false) };
    static ANSWER: RefCell<Option<Answer>> = const { RefCell::new(None) };
}

impl Asked {
    fn ask<T>(call: impl FnOnce() -> T) -> (T, Option<Answer>) {
        let _ = ASKED.try_with(|asked| asked.set(true));
        let called = call();
        let _ = ASKED.try_with(|asked| asked.set(false));
        (called, ANSWER.try_with(|answer| answer.take()).ok().flatten())
    }

    fn answer(answer: impl FnOnce() -> Answer) {
        if ASKED.try_with(|asked| asked.replace(false)).unwrap_or(false) {
            let answer = answer();
            let _ = ANSWER.try_with(|slot| slot.replace(Some(answer)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::{
        metrics::noop::NoopMeterProvider,
        trace::noop::{NoopTracer, NoopTracerProvider},
    };

    fn scope() -> InstrumentationScope {
        InstrumentationScope::builder("test").build()
    }

    #[test]
    fn the_global_provider_is_found_unboxed_until_another_takes_its_place() {
        global::set_tracer_provider(Unboxed(NoopTracerProvider::new()));
        assert!(tracer(scope()).is_unboxed);
        // Nobody asked: nothing is left for the next one who does.
        let _: NoopTracer = Unboxed(NoopTracerProvider::new()).tracer_with_scope(scope());
        global::set_tracer_provider(NoopTracerProvider::new());
        assert!(!tracer(scope()).is_unboxed);
    }

    #[test]
    fn only_a_provider_that_says_so_binds() {
        let plain = NoopMeterProvider::new();
        assert!(!meter(&plain, scope()).1);
        assert!(meter(&Binding(plain), scope()).1);
        assert!(!is_sdk::<NoopMeterProvider>());
    }
}
