//! Tracers of the global provider.

use crate::Tracer;
use arc_swap::ArcSwapOption;
use opentelemetry::{
    Context,
    global::{self, BoxedSpan, BoxedTracer},
    trace::{Span as _, SpanBuilder, TraceContextExt, Tracer as _},
};
use std::sync::Arc;
use tracewire_propagation::default_version;

/// How many libraries' tracers are kept.
const LIMIT: usize = 16;

static KEPT: ArcSwapOption<Vec<Arc<Kept>>> = ArcSwapOption::const_empty();

struct Kept {
    version: u64,
    tracer: Tracer,
    resolved: BoxedTracer,
}

/// Starts a span with the global provider's tracer.
///
/// In a process that set up its own SDK nothing is kept: a tracer taken before the provider is set
/// would stay silent for ever, and one taken before it is replaced would talk to the old one.
/// `tracewire-init` changes the version of the default propagator once its providers are set. Since
/// then a tracer that has an effect is kept until the version changes again.
pub(crate) fn start(tracer: &Tracer, builder: SpanBuilder, parent: &Context) -> BoxedSpan {
    let version = default_version();
    if version == 0 {
        return global::tracer_with_scope(tracer.scope()).build_with_context(builder, parent);
    }
    let kept = KEPT.load();
    let mut kept = kept.iter().flat_map(|kept| kept.iter()).filter(|own| own.version == version);
    if let Some(own) = kept.clone().find(|own| own.tracer.has_scope_of(tracer)) {
        return own.resolved.build_with_context(builder, parent);
    }
    let resolved = global::tracer_with_scope(tracer.scope());
    let span = resolved.build_with_context(builder, parent);
    if has_effect(&span, parent) {
        let new = Arc::new(Kept { version, tracer: tracer.clone(), resolved });
        let others = kept.by_ref().take(LIMIT - 1).cloned();
        KEPT.store(Some(Arc::new([new].into_iter().chain(others).collect())));
    }
    span
}

/// Whether the span has an id of its own: a no-op tracer answers with the parent's, if any.
fn has_effect(span: &BoxedSpan, parent: &Context) -> bool {
    let own = span.span_context();
    own.is_valid() && own.span_id() != parent.span().span_context().span_id()
}
