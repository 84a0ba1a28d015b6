//! Benchmarks beside their baselines.

pub mod calls;
pub mod http;
pub mod live;
pub mod load;
#[cfg(feature = "pressure")]
pub mod pressure;
pub mod propagation;
pub mod sampled;
pub mod sampling;
pub mod spans;
pub mod worst;
