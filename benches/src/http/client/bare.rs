//! The middlewares' stack alone.

use crate::http::{Records, Variant};

pub(super) const VARIANT: Variant = Variant::client("bare", Records::Nothing, |client| client);
