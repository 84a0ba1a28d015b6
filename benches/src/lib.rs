//! Benchmarks beside their baselines.

pub mod propagation;
