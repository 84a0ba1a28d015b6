//! Benchmarks beside their baselines.

pub mod http;
pub mod load;
pub mod propagation;
pub mod worst;
