//! Ours: as `tracewire::init` sets a process up, and with an SDK of the application's.

use crate::http::{Records, Side, Variant, client::Client};
use tracewire_reqwest::ClientMiddleware;

pub(super) const VARIANT: Variant = Variant {
    name: "tracewire",
    records: Records::Everything,
    side: Side::Client(Client {
        set_up: |_, telemetry| telemetry.set_as_init_does(),
        wrap: |client| client.with(ClientMiddleware::new()),
    }),
};

pub(super) const WITH_OWN_SDK: Variant =
    Variant::client("tracewire, own SDK", Records::Everything, |client| {
        client.with(ClientMiddleware::new())
    });
