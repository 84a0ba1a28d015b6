//! What threads that add to one exchange meet at: the standard library's, or loom's, which tries the
//! orders in which they can run. `just models` sets `cfg(loom)`, and `cfg(shuttle)` for look-ups.

#[cfg(loom)]
pub(crate) use loom::sync::{Arc, Mutex, MutexGuard, atomic};
#[cfg(not(loom))]
pub(crate) use std::sync::{Arc, Mutex, MutexGuard, atomic};

/// Between two steps of what others do at the same time: here a model lets them run.
#[inline(always)]
pub(crate) fn step() {
    #[cfg(shuttle)]
    shuttle::thread::yield_now();
}
