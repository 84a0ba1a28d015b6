//! Whole-suite tests over real sockets, and what the tests of the examples share.

mod service;

pub use service::{Service, ask};

#[cfg(unix)]
pub use rustix::process::Signal;
