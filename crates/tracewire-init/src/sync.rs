//! What threads that read a configuration file, replace a sampler, bring spans to the live page and end
//! telemetry meet at: the standard library's, or shuttle's, which tries the orders in which they can run.
//! `just models` sets `cfg(shuttle)`.

#[cfg(shuttle)]
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
#[cfg(not(shuttle))]
pub(crate) use std::sync::{Mutex, MutexGuard};

#[cfg(all(shuttle, any(feature = "config-file", feature = "live")))]
pub(crate) use shuttle::sync::Condvar;
#[cfg(all(not(shuttle), any(feature = "config-file", feature = "live")))]
pub(crate) use std::sync::Condvar;

#[cfg(all(shuttle, feature = "config-file"))]
pub(crate) use shuttle::thread;
#[cfg(all(not(shuttle), feature = "config-file"))]
pub(crate) use std::thread;

/// Between two changes that others may see one by one: here a model lets others run.
#[inline]
pub(crate) fn step() {
    #[cfg(shuttle)]
    shuttle::thread::yield_now();
}
