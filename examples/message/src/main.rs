//! One trace through a queue: a message with headers, without HTTP.
//!
//! `cargo run -p message` sends two orders to a thread that ships them, and prints the traces.

use opentelemetry::{Context, propagation::TextMapPropagator};
use std::{collections::HashMap, error::Error, sync::mpsc, thread};
use tracewire::{
    Telemetry,
    propagation::{TextMap, default_propagator},
    setup::TracesExporter,
    span::{SpanKind, span},
};

/// A message in the queue, as a broker would transport it.
struct Message {
    headers: HashMap<String, String>,
    body: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::builder()
        .defaults(|defaults| {
            defaults.service_name("message").traces([TracesExporter::console()]).metrics([])
        })
        .init()?;
    let (queue, incoming) = mpsc::channel();
    let shipping = thread::spawn(move || incoming.iter().for_each(ship));
    for order in ["lamp", "chair"] {
        queue.send(place(order))?;
    }
    drop(queue); // ends the thread once it has shipped everything
    shipping.join().map_err(|_| "shipping failed")?;
    telemetry.shutdown();
    Ok(())
}

/// Creates a message that carries the trace in its headers.
fn place(order: &str) -> Message {
    span("send orders").kind(SpanKind::Producer).attribute("order", order).ignore_errors().in_scope(
        || {
            let mut headers = HashMap::new();
            let propagator = TextMap::new(default_propagator());
            propagator.inject_context(&Context::current(), &mut headers);
            Message { headers, body: order.to_owned() }
        },
    )
}

/// Continues the trace that the message carries.
#[allow(clippy::needless_pass_by_value)] // the message ends here
fn ship(message: Message) {
    let parent = TextMap::new(default_propagator()).extract(&message.headers);
    span("process orders")
        .kind(SpanKind::Consumer)
        .parent(parent)
        .attribute("order", message.body.as_str())
        .in_scope(|| { /* the work */ });
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracewire_testing::Capture;

    #[tokio::test]
    async fn the_consumer_goes_on_with_the_producer_s_trace() {
        let capture = Capture::new();
        capture.run(async { ship(place("lamp")) }).await;
        capture.finished().await.assert_snapshot(
            r#"
            send orders [producer]
            | order = "lamp"
              process orders [consumer]
              | order = "lamp"
            "#,
        );
    }
}
