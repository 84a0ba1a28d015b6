//! Reads and writes trace context and baggage in HTTP headers.

// The formats share their tools, so a build of few formats leaves some unused.
#![cfg_attr(
    not(all(feature = "tracecontext", feature = "baggage", feature = "b3")),
    allow(dead_code, unused_imports, unused_macros)
)]

mod carrier;
mod composite;
mod context;
mod format;
mod hex;
mod hint;
mod log;
mod process;
mod propagator;
mod random;
mod registry;
mod selection;
mod text_map;

#[cfg(feature = "b3")]
mod b3;
#[cfg(feature = "baggage")]
mod baggage;
#[cfg(feature = "baggage")]
mod percent;
#[cfg(feature = "tracecontext")]
mod tracecontext;
#[cfg(feature = "tracecontext")]
mod traceparent;
#[cfg(feature = "tracecontext")]
mod tracestate;

#[cfg(feature = "b3")]
pub use self::b3::B3;
#[cfg(feature = "baggage")]
pub use self::baggage::Baggage;
#[cfg(feature = "tracecontext")]
pub use self::tracecontext::TraceContext;
pub use self::{
    composite::Composite,
    format::Format,
    hint::SamplingHint,
    process::{default_generation, default_propagator, set_default},
    propagator::Propagator,
    random::with_random_trace_id,
    registry::{RegisterError, register},
    selection::{NotCompiledIn, Selection, from_env, from_names},
    text_map::{FromTextMap, TextMap},
};
