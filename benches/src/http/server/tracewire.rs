//! Ours.

use crate::http::{Records, Variant};
use tracewire_tower::ServerLayer;

pub(super) const VARIANT: Variant =
    Variant::server("tracewire", Records::Everything, |router| router.layer(ServerLayer::new()));
