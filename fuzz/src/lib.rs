//! What the fuzz targets have in common.

pub mod config_file;
pub mod forwarded;
pub mod propagation;
pub mod sampling;
pub mod sql;
pub mod text;
