//! What the threads of a queue, and those that count, meet at: the standard library's, or those of a
//! model checker. `just models` sets `cfg(shuttle)` for the queue, and `cfg(loom)` for the counters.

#[cfg(loom)]
pub(crate) use loom::sync::atomic;
#[cfg(not(any(loom, shuttle)))]
pub(crate) use std::sync::atomic;
#[cfg(not(shuttle))]
pub(crate) use std::{
    sync::{Condvar, Mutex, MutexGuard, mpsc},
    thread,
};

#[cfg(shuttle)]
pub(crate) use shuttle::{
    sync::{Condvar, Mutex, MutexGuard, atomic, mpsc},
    thread,
};
