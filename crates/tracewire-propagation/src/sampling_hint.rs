//! What a header says of sampling beyond "sampled" and "not sampled".

/// A sampling request that W3C's one sampled bit cannot express.
///
/// Formats put it into the [`Context`](opentelemetry::Context) as a value. Every child context
/// inherits it, so it counts only while the context's span is remote, or absent.
///
/// ```
/// use opentelemetry::Context;
/// use tracewire_propagation::SamplingHint;
///
/// /// For a sampler: whether the caller asks to keep the trace whatever it costs.
/// fn is_debug(parent: &Context) -> bool {
///     parent.get::<SamplingHint>() == Some(&SamplingHint::Debug)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SamplingHint {
    /// The caller leaves the decision to this service.
    Deferred,
    /// The caller asks, without ids, that the new trace be sampled.
    On,
    /// The caller asks, without ids, that the new trace not be sampled.
    Off,
    /// The caller asks that the trace be sampled whatever it costs, and that this be sent on.
    Debug,
    /// Nothing beyond the sampled flag: as if there were no hint.
    ///
    /// Values cannot be taken out of a context, so this one stands in place of the hint of a
    /// header that another format's header has overruled.
    Settled,
}
