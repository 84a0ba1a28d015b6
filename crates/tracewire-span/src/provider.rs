//! The tracer provider that a context carries.
//!
//! Spans made under such a context go to its provider instead of the global one. A process that
//! serves several tenants can so keep them apart, and tests can run side by side. A [`Tracer`](crate::Tracer)
//! with a provider of its own keeps to that one.

use opentelemetry::{
    Context, InstrumentationScope,
    global::{BoxedTracer, ObjectSafeTracerProvider},
};
use std::sync::Arc;

/// A provider behind a pointer, as a context holds it.
///
/// It is made of OpenTelemetry's own types, so that others can read and write it without this crate.
pub type SharedTracerProvider = Arc<dyn ObjectSafeTracerProvider + Send + Sync>;

/// The context with a provider for all spans made under it.
///
/// ```
/// use tracewire_span::{Context, provider, span};
/// # let provider = opentelemetry_sdk::trace::SdkTracerProvider::default();
/// let _guard = provider::with_provider(&Context::current(), provider).attach();
/// span("kept-apart").in_scope(|| println!("in a provider of its own"));
/// ```
#[must_use]
pub fn with_provider(
    context: &Context,
    provider: impl ObjectSafeTracerProvider + Send + Sync + 'static,
) -> Context {
    context.with_value::<SharedTracerProvider>(Arc::new(provider))
}

/// The provider that the context carries, if it carries one.
#[must_use]
pub fn provider(context: &Context) -> Option<&SharedTracerProvider> {
    context.get::<SharedTracerProvider>()
}

/// The tracer of this scope: from the provider given, else the context's, else the global one.
///
/// Nothing is kept, because a tracer taken before the global provider is set would stay silent for
/// ever, and one taken before it is replaced would talk to the old one.
pub(crate) fn tracer(
    given: Option<&SharedTracerProvider>,
    context: &Context,
    scope: InstrumentationScope,
) -> BoxedTracer {
    match given.or_else(|| provider(context)) {
        Some(provider) => BoxedTracer::new(provider.boxed_tracer(scope)),
        None => opentelemetry::global::tracer_with_scope(scope),
    }
}
