//! Panics of samplers that an application brings.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Once,
};

/// Asks a sampler; `None` if it panics. Spans start where requests are served, so a panic goes no
/// further than here. The first one in a process is warned of.
pub(crate) fn contained<T>(ask: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(ask)).map_err(|_| warn()).ok()
}

#[cold]
fn warn() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        opentelemetry::otel_warn!(
            name: "Sampling.SamplerPanicked",
            message = "a sampler panicked; the spans that it is asked about are dropped"
        );
    });
}
