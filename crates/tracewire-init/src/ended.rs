//! The global tracer provider: the SDK's, and a word to those who use it when telemetry has ended.
//!
//! After its shutdown the SDK makes spans without effect and says nothing. The two mistakes behind
//! that are common: a guard that was dropped at once, and spans after the shutdown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use opentelemetry::trace::{SpanBuilder, Tracer, TracerProvider};
use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span};

use tracewire_export::wiring::log;

/// Whether telemetry has ended, and how.
#[derive(Debug, Default)]
pub(crate) struct Life {
    end: AtomicU8,
    said: AtomicBool,
}

/// How telemetry ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Dropped = 1,
    ShutDown = 2,
}

impl Life {
    pub(crate) fn end(&self, how: End) {
        self.end.store(how as u8, Ordering::Relaxed);
    }

    /// Somebody starts a span.
    #[inline]
    fn used(&self) {
        let end = self.end.load(Ordering::Relaxed);
        if end != 0 {
            self.used_too_late(end);
        }
    }

    #[cold]
    fn used_too_late(&self, end: u8) {
        if self.said.swap(true, Ordering::Relaxed) {
            return;
        }
        log::warn(if end == End::Dropped as u8 {
            "a span was started after the guard of telemetry was dropped; it and those after it are \
             not exported. `let _ = init()` drops the guard at once: write `let telemetry = init()`, \
             keep it until the end of main, and call its `shutdown` there"
        } else {
            "a span was started after the shutdown of telemetry; it and those after it are not \
             exported. Stop serving first, and call `shutdown` last"
        });
    }
}

/// A provider whose tracers notice their use after the end.
#[derive(Debug)]
pub(crate) struct Watched<T> {
    inner: T,
    life: Arc<Life>,
}

impl<T> Watched<T> {
    pub(crate) fn new(inner: T, life: &Arc<Life>) -> Self {
        Self { inner, life: Arc::clone(life) }
    }
}

impl TracerProvider for Watched<SdkTracerProvider> {
    type Tracer = Watched<SdkTracer>;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> Self::Tracer {
        Watched::new(self.inner.tracer_with_scope(scope), &self.life)
    }
}

impl Tracer for Watched<SdkTracer> {
    type Span = Span;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> Span {
        // Suppressed ones have no effect before the end either.
        if !parent.is_telemetry_suppressed() {
            self.life.used();
        }
        self.inner.build_with_context(builder, parent)
    }
}
