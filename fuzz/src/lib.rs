//! What the fuzz targets have in common.

pub mod collector;
pub mod config_file;
pub mod detectors;
pub mod forwarded;
pub mod http;
pub mod live;
pub mod log_lines;
pub mod otlp_json;
pub mod prometheus;
pub mod propagation;
pub mod redirects;
pub mod sampling;
pub mod spans;
pub mod sql;
pub mod text;
pub mod variables;
