//! Ours: as `tracewire::init` sets a process up, and with an SDK of the application's.

use crate::http::{Records, Side, Variant, server::Server, telemetry::Telemetry};
use tracewire_http::Exemplars;
use tracewire_propagation::W3c;
use tracewire_tower::ServerLayer;

pub(super) const VARIANT: Variant = Variant {
    name: "tracewire",
    records: Records::Everything,
    side: Side::Server(Server {
        set_up: Telemetry::set_as_init_does,
        wrap: |router| router.layer(ServerLayer::new()),
    }),
};

/// With exemplars of its durations, which `init` turns on.
pub(super) const EXEMPLARS: Variant = Variant {
    name: "tracewire, exemplars",
    records: Records::Everything,
    side: Side::Server(Server {
        set_up: Telemetry::set_as_init_does,
        wrap: |router| router.layer(ServerLayer::new().exemplars(Exemplars::new())),
    }),
};

/// As a gateway, which passes the caller's lists on unread.
pub(super) const UNREAD: Variant = Variant {
    name: "tracewire, unread",
    records: Records::Everything,
    side: Side::Server(Server {
        set_up: Telemetry::set_as_init_does,
        wrap: |router| router.layer(ServerLayer::new().propagator(W3c::unread())),
    }),
};

pub(super) const WITH_OWN_SDK: Variant =
    Variant::server("tracewire, own SDK", Records::Everything, |router| {
        router.layer(ServerLayer::new())
    });
