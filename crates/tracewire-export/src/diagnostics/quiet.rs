//! Work whose own telemetry must not be recorded: exporting what an export says would never end.

use opentelemetry::Context;
use tracing::{Dispatch, dispatcher};

/// Does `work` without spans, log records and `tracing` events of its own.
///
/// OpenTelemetry's suppression alone would not do: a layer for `tracing` makes its span when the
/// span is entered or closed, in the context that was current then.
pub fn quietly<R>(work: impl FnOnce() -> R) -> R {
    let _suppressed = Context::enter_telemetry_suppressed_scope();
    dispatcher::with_default(&Dispatch::none(), work)
}

/// Makes this thread quiet for as long as it lives.
#[cfg(feature = "otlp-grpc")]
pub(crate) fn quiet_thread() {
    std::mem::forget(Context::enter_telemetry_suppressed_scope());
    std::mem::forget(dispatcher::set_default(&Dispatch::none()));
}
