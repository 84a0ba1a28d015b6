//! Benchmarks beside their baselines.

pub mod http;
pub mod propagation;
