//! Where the time of a call goes.
//!
//! `cargo run -p client-phases` calls a shop three times and prints the trace: a call that looks the
//! name up and connects, one that reuses the connection, and one whose host has no address.

use axum::{Router, routing::get};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use std::{error::Error, net::SocketAddr, time::Duration};
use tokio::{net::TcpListener, time::sleep};
use tracewire::{ClientMiddleware, Telemetry, setup::TracesExporter, span::span};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::builder()
        .defaults(|defaults| {
            defaults.service_name("client-phases").traces([TracesExporter::console()]).metrics([])
        })
        .init()?;
    let client = client(ClientMiddleware::new())?;
    span("visit shop").ignore_errors().run(visit(&client)).await?;
    telemetry.shutdown();
    Ok(())
}

/// A client whose connections are traced, and whose resolver is slow.
fn client(mut middleware: ClientMiddleware) -> reqwest::Result<ClientWithMiddleware> {
    let builder = reqwest::Client::builder().no_proxy();
    let client = middleware.trace_connections_with(builder, SlowResolver).build()?;
    Ok(ClientBuilder::new(client).with(middleware).build())
}

async fn visit(client: &ClientWithMiddleware) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let shop = Router::new().route("/lamps", get(|| async { "a lamp" }));
    let shop = tokio::spawn(async move { axum::serve(listener, shop).await });
    let url = format!("http://shop.example:{port}/lamps");
    client.get(&url).send().await?.text().await?;
    client.get(&url).send().await?.text().await?;
    let _unknown = client.get("http://closed.example/").send().await;
    shop.abort();
    Ok(())
}

/// Takes 50 ms, and knows one host.
struct SlowResolver;

impl Resolve for SlowResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            sleep(Duration::from_millis(50)).await;
            match name.as_str() {
                "shop.example" => {
                    let address = SocketAddr::from(([127, 0, 0, 1], 0));
                    Ok(Box::new([address].into_iter()) as Addrs)
                }
                _ => Err("no such host".into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::Value;
    use tracewire_testing::Capture;

    #[tokio::test]
    async fn the_first_call_paid_for_the_lookup() {
        let capture = Capture::new();
        let middleware = ClientMiddleware::new().tracer_provider(capture.tracer_provider());
        let client = client(middleware).expect("it can be built");
        capture
            .run(async { span("visit shop").run(async { visit(&client).await.is_ok() }).await })
            .await;
        let spans = capture.finished().await;
        spans.assert_tree(
            "
            visit shop
              GET [client]
                HTTP connection_setup
                  DNS lookup
                  socket connect
              GET [client]
              GET [client] error
                HTTP connection_setup error
                  DNS lookup error
            ",
        );
        let calls = spans.named("GET");
        let lookups: Vec<_> = calls
            .iter()
            .map(|call| call.attribute("tracewire.connection.dns.duration").is_some())
            .collect();
        assert_eq!(lookups, [true, false, true]);
        let failed = calls[2].attribute("tracewire.connection.failed_phase");
        assert_eq!(failed, Some(&Value::from("dns")));
    }
}
