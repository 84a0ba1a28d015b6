#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(all(feature = "process", target_os = "linux"))]
#[doc(hidden)]
pub mod fuzzing {
    //! What `fuzz/` drives: the reading of `/proc/self/stat`.

    pub use crate::process::linux::numbers_of_stat as stat;
}
#[cfg(feature = "process")]
pub mod process;
#[cfg(feature = "tokio")]
mod runtimes;

#[cfg(feature = "tokio")]
pub use self::runtimes::Runtimes;

#[cfg(any(feature = "process", feature = "tokio"))]
use opentelemetry::{
    InstrumentationScope,
    metrics::{Meter, MeterProvider},
};

/// The meter of everything that is observed here.
#[cfg(any(feature = "process", feature = "tokio"))]
fn meter(provider: &dyn MeterProvider) -> Meter {
    let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
        .with_version(env!("CARGO_PKG_VERSION"))
        .build();
    provider.meter_with_scope(scope)
}
