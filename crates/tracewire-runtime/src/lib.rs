#![doc = include_str!("../README.md")]

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
