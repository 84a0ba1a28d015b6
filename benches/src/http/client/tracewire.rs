//! Ours.

use crate::http::{Records, Variant};
use tracewire_reqwest::ClientMiddleware;

pub(super) const VARIANT: Variant = Variant::client("tracewire", Records::Everything, |client| {
    client.with(ClientMiddleware::new())
});
