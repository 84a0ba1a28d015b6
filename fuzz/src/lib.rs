//! What the fuzz targets have in common.

pub mod propagation;
pub mod text;
