//! Tracers of the global provider.

use crate::tracer::Library;
use arc_swap::{ArcSwapOption, Guard};
use opentelemetry::{Context, global, trace::SpanBuilder};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tracewire_propagation::{
    default_version, drop_unsampled,
    providers::{self, AnyTracer, FoundTracer},
};

/// How many libraries' tracers are kept.
const LIMIT: usize = 16;

static KEPT: ArcSwapOption<Vec<Kept>> = ArcSwapOption::const_empty();

/// The version at which the global provider was found to be `init`'s. It starts at none.
static FOUND: AtomicU64 = AtomicU64::new(0);

/// A tracer of the provider that `init` set.
#[derive(Clone)]
struct Kept {
    /// Of the default propagator, which `init` replaces after its providers.
    version: u64,
    library: Library,
    resolved: Arc<dyn AnyTracer>,
}

/// Starts a span with the global provider's tracer. Returns `parent` with the span in it, and whether it
/// records.
///
/// A tracer of `init` is kept until `init` is called again. Of other providers nothing is kept: a
/// tracer taken before the provider is set would stay silent for ever, and one taken before it is
/// replaced would talk to the old one.
pub(crate) fn start(library: Library, builder: SpanBuilder, parent: &Context) -> (Context, bool) {
    let version = default_version();
    if version == 0 {
        let tracer = global::tracer_with_scope(library.scope());
        return AnyTracer::start(&tracer, builder, parent);
    }
    if let Some(own) = find(&KEPT.load(), version, library) {
        return own.resolved.start(builder, parent);
    }
    let FoundTracer { tracer: resolved, is_unboxed } = providers::tracer(library.scope());
    let started = resolved.start(builder, parent);
    if is_unboxed {
        keep(Kept { version, library, resolved });
    }
    started
}

/// Whether the global provider is known to drop every span whose parent is not sampled.
pub(crate) fn drops_unsampled() -> bool {
    let version = default_version();
    version > 0 && FOUND.load(Ordering::Relaxed) == version && drop_unsampled()
}

fn find(kept: &Guard<Option<Arc<Vec<Kept>>>>, version: u64, library: Library) -> Option<&Kept> {
    let mut kept = kept.iter().flat_map(|kept| kept.iter());
    kept.find(|own| own.version == version && own.library == library)
}

fn keep(new: Kept) {
    let kept = KEPT.load();
    let others = kept.iter().flat_map(|kept| kept.iter()).filter(|own| own.version == new.version);
    let others: Vec<_> = others.take(LIMIT - 1).cloned().collect();
    FOUND.store(new.version, Ordering::Relaxed);
    KEPT.store(Some(Arc::new([vec![new], others].concat())));
}
