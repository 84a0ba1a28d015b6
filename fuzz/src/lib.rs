//! What the fuzz targets have in common.

pub mod config_file;
pub mod forwarded;
pub mod http;
pub mod prometheus;
pub mod propagation;
pub mod sampling;
pub mod spans;
pub mod sql;
pub mod text;
