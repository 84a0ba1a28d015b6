//! The router alone.

use crate::http::{Records, Variant};

pub(super) const VARIANT: Variant = Variant::server("bare", Records::Nothing, |router| router);
