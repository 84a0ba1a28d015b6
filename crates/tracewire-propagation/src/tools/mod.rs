//! What the header formats share: reading and writing header values, and the caller's trace in a
//! context.

pub(crate) mod decimal;
#[cfg(all(feature = "baggage", feature = "tracecontext"))]
pub(crate) mod empty;
pub(crate) mod kept;
pub(crate) mod malformed;
pub(crate) mod passed_on;
pub(crate) mod read;
pub(crate) mod remote;
pub(crate) mod unrecorded;
pub(crate) mod write;
