//! User information in a URL is shown as the same text wherever it leaves the process.
#![allow(clippy::unwrap_used)] // a test may

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use std::{convert::Infallible, net::TcpListener};
use tower::{Layer, ServiceExt, service_fn};
use tracewire::{ClientLayer, ClientMiddleware, ServerLayer, span::Tracer};
use tracewire_testing::Capture;

/// What stands between the slashes and the host.
const USER_INFORMATION: [&str; 5] =
    ["ada:SECRET@", "SECRET@", ":SECRET@", "SECRET:@", "a%40:S%3A@"];

const SHOWN: &str = "REDACTED:REDACTED@";

async fn answer(_: Request<Empty<Bytes>>) -> Result<Response<Empty<Bytes>>, Infallible> {
    Ok(Response::new(Empty::new()))
}

fn request(uri: &str) -> Request<Empty<Bytes>> {
    Request::get(uri).body(Empty::new()).unwrap()
}

/// The text of the attribute `key` of the only span, or of the only event in it.
fn only(capture: &Capture, key: &str) -> String {
    let spans = capture.spans();
    assert_eq!(spans.len(), 1, "{spans:?}");
    let events = spans[0].events.iter().flat_map(|event| event.attributes.iter());
    let mut all = spans[0].attributes.iter().chain(events);
    all.find(|attribute| attribute.key.as_str() == key).unwrap().value.to_string()
}

async fn url_of_a_tower_client(url: &str) -> String {
    let capture = Capture::new();
    let layer = ClientLayer::new().tracer_provider(capture.tracer_provider());
    layer.layer(service_fn(answer)).oneshot(request(url)).await.unwrap();
    only(&capture, "url.full")
}

async fn url_of_reqwest(url: &str) -> String {
    let capture = Capture::new();
    let middleware = ClientMiddleware::new().tracer_provider(capture.tracer_provider());
    let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new()).with(middleware);
    let request = reqwest::Request::new(http::Method::GET, url.parse().unwrap());
    // Nothing listens there.
    client.build().execute(request).await.unwrap_err();
    only(&capture, "url.full")
}

async fn attribute_of_a_server(uri: &str, key: &str) -> String {
    let capture = Capture::new();
    let layer = ServerLayer::new().tracer_provider(capture.tracer_provider());
    drop(layer.layer(service_fn(answer)).oneshot(request(uri)).await.unwrap());
    only(&capture, key)
}

fn message_of_an_error(text: String) -> String {
    let capture = Capture::new();
    let tracer = Tracer::new("shop").provider(capture.tracer_provider());
    tracer.span("call").in_scope(|| Err::<(), _>(std::io::Error::other(text))).unwrap_err();
    only(&capture, "exception.message")
}

#[tokio::test]
async fn user_information_is_shown_as_one_text_everywhere() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for user in USER_INFORMATION {
        let (url, shown) = (
            format!("http://{user}127.0.0.1:{port}/a"),
            format!("http://{SHOWN}127.0.0.1:{port}/a"),
        );
        assert_eq!(url_of_a_tower_client(&url).await, shown, "{url}");
        assert_eq!(url_of_reqwest(&url).await, shown, "{url}");
        let query = attribute_of_a_server(&format!("/login?to={url}"), "url.query").await;
        assert_eq!(query, format!("to={shown}"));
        let path = attribute_of_a_server(&format!("/proxy/{url}"), "url.path").await;
        assert_eq!(path, format!("/proxy/{shown}"));
        let message = message_of_an_error(format!("cannot reach {url}: refused"));
        assert_eq!(message, format!("cannot reach {shown}: refused"));
    }
}
