//! What the threads that bring spans and those that read meet at: the standard library's, or shuttle's,
//! which tries the orders in which they can run. `just models` sets `cfg(shuttle)`.

#[cfg(shuttle)]
pub(crate) use shuttle::sync::{Mutex, MutexGuard, atomic};
#[cfg(not(shuttle))]
pub(crate) use std::{
    sync::{Mutex, MutexGuard, atomic},
    thread,
};

/// Threads of a model: who sleeps lets others run, and no time passes.
#[cfg(shuttle)]
pub(crate) mod thread {
    pub(crate) use shuttle::thread::Builder;

    pub(crate) fn sleep(_: std::time::Duration) {
        shuttle::thread::yield_now();
    }
}
