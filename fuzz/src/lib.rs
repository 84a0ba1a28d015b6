//! What the fuzz targets have in common.

pub mod collector;
pub mod config_file;
pub mod forwarded;
pub mod http;
pub mod otlp_json;
pub mod prometheus;
pub mod propagation;
pub mod redirects;
pub mod sampling;
pub mod spans;
pub mod sql;
pub mod text;
