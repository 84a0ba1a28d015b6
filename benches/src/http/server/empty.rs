//! A layer that does nothing: axum boxes the service and its response for any.

use crate::http::{Records, Variant};
use tower_layer::Identity;

pub(super) const VARIANT: Variant =
    Variant::server("empty layer", Records::Nothing, |router| router.layer(Identity::new()));
