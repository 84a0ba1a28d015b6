//! What threads that sample at once share: the standard library's atomics, or shuttle's, which tries the
//! orders in which they can run. `just models` sets `cfg(shuttle)`.

#[cfg(shuttle)]
pub(crate) use shuttle::sync::atomic;
#[cfg(not(shuttle))]
pub(crate) use std::sync::atomic;
