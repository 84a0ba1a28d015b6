//! docs/baggage.md

mod set {
    use tracewire::span::{baggage, current};

    pub(super) async fn handle() {
        baggage::set("tenant", "acme").run(call_inventory()).await;
    }

    async fn call_inventory() {
        // Every call in here carries `baggage: tenant=acme`, as far as its host may get it.
        let tenant = baggage::get("tenant"); // here, and in every service further on
        current().set_attribute("shop.tenant", tenant); // only what is set is on a span
    }
}

mod partner {
    use tracewire::ClientMiddleware;
    use tracewire::client::{Destinations, Hosts};

    pub(super) fn middleware() -> ClientMiddleware {
        let hosts = Hosts::internal().and(["*.partner.example"]);
        ClientMiddleware::new().destinations(Destinations::new().baggage(hosts))
    }
}

mod every_span {
    use tracewire::{InitError, Telemetry, setup::Traces};

    pub(super) fn init() -> Result<Telemetry, InitError> {
        Telemetry::builder().traces(Traces::new().baggage_attributes(["tenant"])).init()
    }
}

use tracewire::span::{baggage, span};
use tracewire_testing::Capture;

#[tokio::test]
async fn an_entry_is_set_for_a_future_and_read_in_it() {
    let capture = Capture::new();
    capture.run(span("request").run(set::handle())).await;
    capture.spans().only().has("shop.tenant", "acme");
    assert_eq!(baggage::get("tenant"), None);
    let _ = (partner::middleware(), every_span::init);
}
