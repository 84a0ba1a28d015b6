//! From a request to the page, whatever server it came through.

use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;

use super::{Format, Reader};

/// Answers `request` with the metrics that `reader` collects, in the format that it accepts.
///
/// It may take as long as the callbacks of observable instruments do. The answer to `HEAD` has the
/// page too, which the server leaves out.
pub(super) fn respond<B>(request: &Request<B>, reader: &Reader) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    if !matches!(request.uri().path(), "/metrics" | "/") {
        return plain(StatusCode::NOT_FOUND, "see /metrics\n");
    }
    let format = Format::accepted(&accept(request.headers()));
    let Some(page) = reader.page(format) else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "metrics cannot be collected\n");
    };
    let mut response = with_body(page.into(), format.content_type());
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    response
}

/// An answer for people.
pub(super) fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = with_body(Bytes::from_static(text.as_bytes()), "text/plain; charset=utf-8");
    *response.status_mut() = status;
    response
}

fn with_body(body: Bytes, content_type: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// What is accepted, by all lines that say so.
fn accept(headers: &HeaderMap) -> String {
    let accepted =
        headers.get_all(ACCEPT).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    accepted.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::metrics::SdkMeterProvider;
    use proptest::prelude::*;

    fn answer(
        reader: &Reader,
        method: &str,
        target: &str,
        accept: &[&[u8]],
    ) -> Response<Full<Bytes>> {
        let mut request = Request::builder().method(method).uri(target);
        for value in accept {
            request = request.header("accept", HeaderValue::from_bytes(value).unwrap());
        }
        respond(&request.body(()).unwrap(), reader)
    }

    #[test]
    fn the_page_is_at_two_paths_for_get_and_head() {
        let reader = Reader::new();
        let _provider = SdkMeterProvider::builder()
            .with_reader(reader.clone())
            .with_resource(Resource::builder_empty().build())
            .build();
        for (method, target, status) in [
            ("GET", "/metrics", 200),
            ("HEAD", "/metrics?x=y", 200),
            ("GET", "/", 200),
            ("GET", "http://host/metrics", 200),
            ("GET", "/metrics/", 404),
            ("GET", "/favicon.ico", 404),
            ("POST", "/metrics", 405),
            ("OPTIONS", "*", 405),
        ] {
            let response = answer(&reader, method, target, &[]);
            assert_eq!(response.status(), status, "{method} {target}");
            assert_eq!(response.headers().contains_key("allow"), status == 405);
        }
        let open: &[&[u8]] = &[b"text/html\xff", b"application/openmetrics-text"];
        let response = answer(&reader, "GET", "/metrics", open);
        assert_eq!(response.headers()["content-type"], Format::OpenMetrics.content_type());
        assert_eq!(response.headers()["vary"], "accept");
    }

    #[test]
    fn metrics_that_cannot_be_collected_are_no_empty_page() {
        assert_eq!(answer(&Reader::new(), "GET", "/metrics", &[]).status(), 503);
    }

    proptest! {
        #[test]
        fn nothing_accepted_panics(values in prop::collection::vec("[ -~\u{80}-\u{ff}]*", 0..4)) {
            let values: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
            let _ = answer(&Reader::new(), "GET", "/metrics", &values);
        }
    }
}
