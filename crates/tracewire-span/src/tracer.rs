//! Tracers: where spans come from, with the name and version of a library.

use crate::{
    SpanBuilder, global,
    provider::{self, SharedTracerProvider},
    run::Started,
};
use opentelemetry::{
    Context, InstrumentationScope,
    global::{BoxedTracer, ObjectSafeTracerProvider},
    trace::{self, TraceContextExt},
};
use std::{borrow::Cow, fmt, ptr, sync::Arc};
use tracewire_propagation::{current, providers::AnyTracer};

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
    library: Library,
    provider: Option<SharedTracerProvider>,
}

/// The name and version of a library.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Library {
    name: &'static str,
    version: Option<&'static str>,
}

/// Creates a [`Tracer`] with the name and version of the current package.
///
/// ```
/// use tracewire_span::{Tracer, tracer};
///
/// static TRACER: Tracer = tracer!();
///
/// TRACER.span("resize").in_scope(|| println!("smaller"));
/// ```
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
        Self { library: Library { name, version: None }, provider: None }
    }

    /// Sets the library's version.
    #[must_use]
    pub const fn version(mut self, version: &'static str) -> Self {
        self.library.version = Some(version);
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

    /// Starts a span under `parent`.
    pub(crate) fn start(&self, builder: trace::SpanBuilder, parent: &Context) -> Started {
        self.library.start(self.provider.as_ref(), builder, parent)
    }

    pub(crate) const fn library(&self) -> Library {
        self.library
    }

    /// The provider of its own.
    pub(crate) const fn own_provider(&self) -> Option<&SharedTracerProvider> {
        self.provider.as_ref()
    }

    pub(crate) fn scope(&self) -> InstrumentationScope {
        self.library.scope()
    }
}

impl PartialEq for Library {
    fn eq(&self, other: &Self) -> bool {
        // Nearly always the very same texts: to compare their addresses is quick.
        let same = |own: &str, other: &str| ptr::eq(own, other) || own == other;
        same(self.name, other.name)
            && match (self.version, other.version) {
                (Some(own), Some(other)) => same(own, other),
                (own, other) => own == other,
            }
    }
}

impl Library {
    /// Starts a span under `parent`, with this provider or, if there is none, the context's or the
    /// global one.
    pub(crate) fn start(
        self,
        provider: Option<&SharedTracerProvider>,
        builder: trace::SpanBuilder,
        parent: &Context,
    ) -> Started {
        match provider_in(provider, parent) {
            Some(provider) => {
                let tracer = BoxedTracer::new(provider.boxed_tracer(self.scope()));
                Started::new(AnyTracer::start(&tracer, builder, parent))
            }
            None => Started::new(global::start(self, builder, parent)),
        }
    }

    pub(crate) fn scope(self) -> InstrumentationScope {
        let scope = InstrumentationScope::builder(self.name);
        match self.version {
            Some(version) => scope.with_version(version).build(),
            None => scope.build(),
        }
    }
}

/// Whether every span under `parent`, which is not sampled, is known to be dropped, unless it has this
/// provider.
pub(crate) fn drops_unsampled(provider: Option<&SharedTracerProvider>, parent: &Context) -> bool {
    global::drops_unsampled() && provider_in(provider, parent).is_none()
}

/// The provider to use in this context instead of the global one.
fn provider_in<'a>(
    own: Option<&'a SharedTracerProvider>,
    context: &'a Context,
) -> Option<&'a SharedTracerProvider> {
    own.or_else(|| provider::provider(context))
}

/// The parent of a span that starts at the first poll of a future that was made in this context, and
/// whether it is the current one.
///
/// It is, unless the task was spawned without a context and the future was made in one.
pub(crate) fn polled_parent(made_in: &Context) -> (Context, bool) {
    let current = current::get();
    if !has_trace(&current) && has_trace(made_in) {
        (made_in.clone(), false)
    } else {
        (current, true)
    }
}

/// Whether a span started in this context has a parent. A span without ids, from before there was a
/// tracer provider, is none.
fn has_trace(context: &Context) -> bool {
    context.span().span_context().is_valid()
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer")
            .field("name", &self.library.name)
            .field("version", &self.library.version)
            .finish_non_exhaustive()
    }
}
