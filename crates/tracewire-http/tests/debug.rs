//! What `{:?}` shows of the facts and the settings.

use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header::AUTHORIZATION};
use opentelemetry::KeyValue;
use tracewire_http::{
    ClientRequest, ClientResponse, Scheme,
    wiring::{ClientSettings, ServerSettings},
};

fn headers() -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("Bearer SECRET"))])
}

#[test]
fn facts_show_no_url_no_header_and_no_attribute() {
    let headers = headers();
    let attributes = [KeyValue::new("key", "SECRET")];
    let url = "https://ada:SECRET@shop.example/SECRET?token=SECRET";

    let mut client = ClientRequest::new(&Method::GET, url, Scheme::Https, "shop.example", 443);
    client.headers = Some(&headers);
    client.attributes = &attributes;

    let response = ClientResponse::new(StatusCode::OK, Version::HTTP_11, &headers);
    let shown = format!("{client:?} {response:?}");
    assert!(shown.contains("GET") && shown.contains("shop.example"), "{shown}");
    assert!(!shown.contains("SECRET"), "{shown}");
}

#[test]
fn settings_can_be_shown() {
    let server = ServerSettings::new("library", "1.0.0");
    let client = ClientSettings::new("library", "1.0.0");
    assert!(format!("{server:?}").contains("library"));
    assert!(format!("{client:?}").contains("library"));
}
