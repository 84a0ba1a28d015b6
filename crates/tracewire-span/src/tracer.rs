//! Tracers: where spans come from, with the name and version of a library.

use crate::{
    SpanBuilder,
    provider::{self, SharedTracerProvider},
};
use opentelemetry::{
    Context, InstrumentationScope,
    global::{BoxedTracer, ObjectSafeTracerProvider},
};
use std::{borrow::Cow, fmt, sync::Arc};

/// Creates a span of this name, to be started around a future, a closure or a stream.
///
/// It comes from this crate's own tracer, which is enough for an application. A library should have
/// its own [`Tracer`].
///
/// ```
/// use tracewire_span::span;
///
/// span("foo").in_scope(|| {
///     span("bar").in_scope(|| {
///         span("baz").in_scope(|| println!("Hello world from OpenTelemetry Rust!"));
///     });
/// });
/// ```
pub fn span(name: impl Into<Cow<'static, str>>) -> SpanBuilder {
    static OURS: Tracer = crate::tracer!();
    OURS.span(name)
}

/// A source of spans, with the name and version of the library that creates them.
///
/// ```
/// use tracewire_span::{Tracer, tracer};
///
/// static TRACER: Tracer = tracer!(); // name and version of this package
///
/// fn resize() {
///     TRACER.span("resize").in_scope(|| println!("smaller"));
/// }
/// # resize();
/// ```
#[derive(Clone)]
pub struct Tracer {
    name: &'static str,
    version: Option<&'static str>,
    provider: Option<SharedTracerProvider>,
}

/// Creates a [`Tracer`] with the name and version of the current package.
#[macro_export]
macro_rules! tracer {
    () => {
        $crate::Tracer::new(env!("CARGO_PKG_NAME")).version(env!("CARGO_PKG_VERSION"))
    };
}

impl Tracer {
    /// Creates a tracer for the library of this name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, version: None, provider: None }
    }

    /// Sets the library's version.
    #[must_use]
    pub const fn version(mut self, version: &'static str) -> Self {
        self.version = Some(version);
        self
    }

    /// Sends the spans to this provider, instead of the context's or the global one.
    #[must_use]
    pub fn provider(
        mut self,
        provider: impl ObjectSafeTracerProvider + Send + Sync + 'static,
    ) -> Self {
        self.provider = Some(Arc::new(provider));
        self
    }

    /// Creates a span of this name, to be started around a future, a closure or a stream.
    pub fn span(&self, name: impl Into<Cow<'static, str>>) -> SpanBuilder {
        SpanBuilder::new(self.clone(), name.into())
    }

    /// OpenTelemetry's tracer for spans under this context.
    pub(crate) fn resolve(&self, context: &Context) -> BoxedTracer {
        provider::tracer(self.provider.as_ref(), context, self.scope())
    }

    pub(crate) fn scope(&self) -> InstrumentationScope {
        let scope = InstrumentationScope::builder(self.name);
        match self.version {
            Some(version) => scope.with_version(version).build(),
            None => scope.build(),
        }
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer")
            .field("name", &self.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
