//! What threads that add to one exchange meet at: the standard library's, or loom's, which tries the
//! orders in which they can run. `just models` sets `cfg(loom)`.

#[cfg(loom)]
pub(crate) use loom::sync::{Arc, Mutex, MutexGuard, atomic};
#[cfg(not(loom))]
pub(crate) use std::sync::{Arc, Mutex, MutexGuard, atomic};
