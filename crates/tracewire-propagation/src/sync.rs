//! What the process shares: the standard library's lock and atomics, or loom's, which tries the orders
//! in which threads can use them. `just models` sets `cfg(loom)`.

#[cfg(loom)]
pub(crate) use loom::sync::{RwLock, atomic};
#[cfg(not(loom))]
pub(crate) use std::sync::{RwLock, atomic};

/// Defines a static. loom makes one anew for each order that it tries.
macro_rules! shared {
    ($name:ident: $type:ty = $init:expr) => {
        #[cfg(not(loom))]
        static $name: $type = $init;
        #[cfg(loom)]
        loom::lazy_static! {
            static ref $name: $type = $init;
        }
    };
}

pub(crate) use shared;
