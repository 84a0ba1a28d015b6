//! Benchmarks beside their baselines.
