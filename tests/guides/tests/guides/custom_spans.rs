//! docs/custom-spans.md

mod around {
    use std::num::ParseIntError;
    use tracewire::span::span;

    pub(super) async fn find_price(item: &str) -> Result<u64, ParseIntError> {
        span("find price").attribute("shop.item", item).run(async { item.parse() }).await
    }

    pub(super) fn resize(width: u32) -> u32 {
        span("resize").attribute("image.width", width).in_scope(|| width / 2)
    }
}

mod inside {
    use tracewire::span::{Event, current};

    pub(super) fn charge(user: u64, amount: f64) {
        current().set_attribute("user.id", user); // on the request's span, in a handler
        current().add_event("card accepted");
        current().add_event(Event::new("charged").attribute("shop.amount", amount));
    }
}

mod errors {
    use std::{io, num::ParseIntError};
    use tracewire::span::{current, span};

    /// The span is an error only if the fallback fails too.
    pub(super) async fn price_or_default(text: &str) -> Result<u64, io::Error> {
        span("price")
            .run(async {
                match text.parse() {
                    Ok(price) => Ok(price),
                    Err(error) => {
                        current().record_error(&error); // an event; the status stays
                        Ok(1)
                    }
                }
            })
            .await
    }

    /// A miss is a normal answer here.
    pub(super) fn cached(text: &str) -> Result<u64, ParseIntError> {
        span("look in cache").ignore_errors().in_scope(|| text.parse())
    }
}

mod links {
    use tracewire::span::{SpanContext, span};

    /// One span for a batch, linked to the traces that its messages came from.
    pub(super) fn ship(batch: &[SpanContext]) {
        let mut ship = span("ship batch");
        for sender in batch {
            ship = ship.link(sender.clone());
        }
        ship.in_scope(|| { /* the work */ });
    }
}

mod library {
    use tracewire::span::{Tracer, tracer};

    static TRACER: Tracer = tracer!(); // the name and version of this package

    pub(super) fn parse() {
        TRACER.span("parse").in_scope(|| { /* the work */ });
    }
}

use tracewire::span::{current, span};
use tracewire_testing::Capture;

#[tokio::test]
async fn spans_end_with_their_work_and_have_its_error() {
    let capture = Capture::new();
    let results = async {
        (around::find_price("7").await.is_ok(), around::find_price("lamp").await.is_err())
    };
    assert_eq!(capture.run(results).await, (true, true));
    assert_eq!(capture.in_scope(|| around::resize(8)), 4);
    capture.spans().assert_snapshot(
        r#"
        find price
        | shop.item = "7"
        find price error: invalid digit found in string
        | error.type = "core::num::error::ParseIntError"
        | shop.item = "lamp"
        | ! exception
        |   exception.message = "invalid digit found in string"
        |   exception.type = "core::num::error::ParseIntError"
        resize
        | image.width = 8
        "#,
    );
}

#[test]
fn the_current_span_is_enriched() {
    let capture = Capture::new();
    capture.in_scope(|| span("request").in_scope(|| inside::charge(17, 9.5)));
    capture.spans().assert_snapshot(
        "
        request
        | user.id = 17
        | ! card accepted
        | ! charged
        |   shop.amount = 9.5
        ",
    );
}

#[tokio::test]
async fn errors_that_do_not_matter_leave_the_status() {
    let capture = Capture::new();
    assert_eq!(capture.run(errors::price_or_default("lamp")).await.unwrap(), 1);
    assert!(capture.in_scope(|| errors::cached("lamp")).is_err());
    let spans = capture.spans();
    spans.assert_tree("price\nlook in cache");
    spans.one("price").event("exception");
    assert!(spans.one("look in cache").events.is_empty());
}

#[test]
fn a_batch_links_to_its_senders() {
    let capture = Capture::new();
    capture.in_scope(|| {
        let sender = || current().span_context();
        let batch = ["a", "b"].map(|name| span(name).ignore_errors().in_scope(sender));
        links::ship(&batch);
        library::parse();
    });
    let spans = capture.spans();
    assert_eq!(spans.one("ship batch").links.len(), 2);
    assert_eq!(spans.one("parse").scope, "guides");
}
