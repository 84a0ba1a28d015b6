//! The tracer provider that a context carries.
//!
//! Spans started in such a context go to its provider instead of the global one. That keeps the spans of
//! several tenants apart, and lets tests run side by side. A [`Tracer`](crate::Tracer) with its own
//! provider always uses that one.
//!
//! ```
//! use opentelemetry::Context;
//! use opentelemetry::trace::noop::NoopTracerProvider;
//! use tracewire_span::{provider, span};
//!
//! let tenant = NoopTracerProvider::new(); // in a program, the SDK's
//! let context = provider::with_provider(&Context::current(), tenant);
//! let _attached = context.attach();
//! span("work").in_scope(|| ()); // a span of that provider
//! ```

use opentelemetry::{Context, global::ObjectSafeTracerProvider};
use std::sync::Arc;

/// A shared tracer provider, as a context holds it.
///
/// The type is made of OpenTelemetry's own, so that other crates can read and set it without this one.
pub type SharedTracerProvider = Arc<dyn ObjectSafeTracerProvider + Send + Sync>;

/// Returns `context` with a provider for all spans that start in it.
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

/// Returns the provider that `context` carries, if any.
///
/// ```
/// use tracewire_span::provider::provider;
///
/// assert!(provider(&opentelemetry::Context::current()).is_none()); // the global one counts
/// ```
#[must_use]
pub fn provider(context: &Context) -> Option<&SharedTracerProvider> {
    context.get::<SharedTracerProvider>()
}
