//! One trace through two services, over real sockets, with every part of the suite.
#![allow(clippy::unwrap_used)] // a test may

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use reqwest_middleware::ClientWithMiddleware;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tracewire::{
    ClientMiddleware, ServerLayer,
    propagation::{B3, Baggage, Composite, TraceContext},
    span::Tracer,
};
use tracewire_testing::Capture;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// A shop that asks an inventory, both listening, and what they record.
struct Services {
    capture: Capture,
    shop: String,
}

#[derive(Clone)]
struct Shop {
    client: ClientWithMiddleware,
    tracer: &'static Tracer,
    inventory: String,
}

impl Services {
    async fn start() -> Self {
        let capture = Capture::new();
        let propagator =
            Composite::new().and(B3::single()).and(TraceContext::new()).and(Baggage::new());
        let layer = ServerLayer::new()
            .tracer_provider(capture.tracer_provider())
            .meter_provider(capture.meter_provider())
            .propagator(propagator.clone());
        let middleware = ClientMiddleware::new()
            .tracer_provider(capture.tracer_provider())
            .meter_provider(capture.meter_provider())
            .propagator(propagator);
        let tracer = Tracer::new("shop").provider(capture.tracer_provider());

        let inventory = Router::new().route("/prices/{item}", get(price)).layer(layer.clone());
        let state = Shop {
            client: reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
                .with(middleware)
                .build(),
            tracer: Box::leak(Box::new(tracer)),
            inventory: serve(inventory).await,
        };
        let shop = Router::new().route("/items/{item}", get(item)).layer(layer).with_state(state);
        Self { capture, shop: serve(shop).await }
    }

    /// Asks for an item as a stranger, with one header.
    async fn ask(&self, item: &str, header: Option<(&str, String)>) -> u16 {
        let mut request = reqwest::Client::new().get(format!("{}/items/{item}", self.shop));
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        response.bytes().await.unwrap();
        status
    }
}

async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async { axum::serve(listener, app).await });
    url
}

async fn item(State(shop): State<Shop>, Path(item): Path<String>) -> Result<String, StatusCode> {
    let find_price = async {
        let url = format!("{}/prices/{item}", shop.inventory);
        let response = shop.client.get(url).send().await?.error_for_status()?;
        Ok::<_, reqwest_middleware::Error>(response.text().await?)
    };
    let price = shop.tracer.span("find price").attribute("shop.item", item.clone()).run(find_price);
    price.await.map_err(|_| StatusCode::BAD_GATEWAY)
}

async fn price(Path(item): Path<String>) -> Result<&'static str, StatusCode> {
    if item == "lamp" { Ok("25") } else { Err(StatusCode::INTERNAL_SERVER_ERROR) }
}

#[tokio::test]
async fn one_trace_runs_through_both() {
    let services = Services::start().await;
    assert_eq!(services.ask("lamp", None).await, 200);

    let spans = services.capture.ended(4).await;
    let [shop, work, call, inventory] =
        ["GET /items/{item}", "find price", "GET", "GET /prices/{item}"]
            .map(|name| spans.one(name));
    shop.is_root();
    work.is_child_of(&shop);
    call.is_child_of(&work);
    inventory.is_child_of(&call);
    for metric in ["http.server.request.duration", "http.client.request.duration"] {
        services.capture.metrics().one(metric);
    }
}

#[tokio::test]
async fn callers_trace_is_continued_from_each_format() {
    for (name, value) in
        [("traceparent", format!("00-{TRACE}-{PARENT}-01")), ("b3", format!("{TRACE}-{PARENT}-1"))]
    {
        let services = Services::start().await;
        services.ask("lamp", Some((name, value))).await;
        let spans = services.capture.ended(4).await;
        let shop = spans.one("GET /items/{item}");
        assert_eq!(shop.parent_span_id.unwrap().to_string(), PARENT, "{name}");
        for span in spans.iter() {
            assert_eq!(span.trace_id.to_string(), TRACE, "{name}: {}", span.name);
        }
    }
}

#[tokio::test]
async fn failure_is_seen_on_the_way_back() {
    let services = Services::start().await;
    assert_eq!(services.ask("unicorn", None).await, 502);

    let spans = services.capture.ended(4).await;
    for name in ["GET /items/{item}", "find price", "GET", "GET /prices/{item}"] {
        spans.one(name).is_error();
    }
    spans.one("GET").has("error.type", "500");
    spans.one("find price").event("exception");
}
