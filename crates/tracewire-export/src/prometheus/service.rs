//! From a request to the page, whatever server it came through.

use super::{Format, PrometheusExporter};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT, ALLOW, CONTENT_TYPE, VARY},
};
use http_body_util::Full;
use opentelemetry::Context as TelemetryContext;
use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::runtime::Handle;
use tower_service::Service;

/// Answers requests with the metrics of a [`PrometheusExporter`], as a Tower service to mount.
///
/// `GET` and `HEAD` get the page, in OpenMetrics where `Accept` asks for it, else in Prometheus' text
/// format; other methods are answered with status 405, and 503 says that metrics cannot be collected.
/// It looks at no path, and asks for no authentication.
///
/// ```
/// use axum::Router;
/// use tracewire_export::PrometheusExporter;
///
/// let prometheus = PrometheusExporter::new();
/// let app: Router = Router::new().route_service("/metrics", prometheus.service());
/// ```
///
/// The page is made for one request at a time, on tokio's threads for blocking work, because the
/// callbacks of observable instruments may block. Outside tokio it is made where the future is polled.
#[derive(Clone, Debug)]
pub struct PrometheusService {
    exporter: PrometheusExporter,
}

impl PrometheusService {
    pub(super) fn new(exporter: PrometheusExporter) -> Self {
        Self { exporter }
    }

    /// The answer to a request with this method and these headers.
    pub(super) async fn answer(self, method: Method, headers: HeaderMap) -> Response<Full<Bytes>> {
        let turn = Arc::clone(&self.exporter.turn).acquire_owned().await;
        let work = move || {
            // What callbacks do is not to be traced.
            let _suppressed = TelemetryContext::enter_telemetry_suppressed_scope();
            let response = respond(&method, &headers, &self.exporter);
            drop(turn);
            response
        };
        match Handle::try_current() {
            Ok(tokio) => tokio.spawn_blocking(work).await.unwrap_or_else(|_| {
                plain(StatusCode::INTERNAL_SERVER_ERROR, "an instrument's callback panicked\n")
            }),
            Err(_) => work(),
        }
    }
}

impl<B> Service<Request<B>> for PrometheusService {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (head, _) = request.into_parts();
        let answer = self.clone().answer(head.method, head.headers);
        Box::pin(async { Ok(answer.await) })
    }
}

/// Answers with the metrics that `exporter` collects, in the format that the request accepts.
///
/// It may take as long as the callbacks of observable instruments do. The answer to `HEAD` has the
/// page too, which the server leaves out.
fn respond(
    method: &Method,
    headers: &HeaderMap,
    exporter: &PrometheusExporter,
) -> Response<Full<Bytes>> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let format = Format::accepted(&accept(headers));
    let Some(page) = exporter.page(format) else {
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
    use opentelemetry_sdk::{Resource, metrics::SdkMeterProvider};
    use proptest::prelude::*;

    fn answer(
        exporter: &PrometheusExporter,
        method: &str,
        accept: &[&[u8]],
    ) -> Response<Full<Bytes>> {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(ACCEPT, HeaderValue::from_bytes(value).unwrap());
        }
        respond(&method.parse().unwrap(), &headers, exporter)
    }

    #[test]
    fn the_page_is_for_get_and_head() {
        let exporter = PrometheusExporter::new();
        let _provider = SdkMeterProvider::builder()
            .with_reader(exporter.clone())
            .with_resource(Resource::builder_empty().build())
            .build();
        for (method, status) in [("GET", 200), ("HEAD", 200), ("POST", 405), ("OPTIONS", 405)] {
            let response = answer(&exporter, method, &[]);
            assert_eq!(response.status(), status, "{method}");
            assert_eq!(response.headers().contains_key("allow"), status == 405);
        }
        let open: &[&[u8]] = &[b"text/html\xff", b"application/openmetrics-text"];
        let response = answer(&exporter, "GET", open);
        assert_eq!(response.headers()["content-type"], Format::OpenMetrics.content_type());
        assert_eq!(response.headers()["vary"], "accept");
    }

    #[test]
    fn metrics_that_cannot_be_collected_are_no_empty_page() {
        assert_eq!(answer(&PrometheusExporter::new(), "GET", &[]).status(), 503);
    }

    proptest! {
        #[test]
        fn nothing_accepted_panics(values in prop::collection::vec("[ -~\u{80}-\u{ff}]*", 0..4)) {
            let values: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
            let _ = answer(&PrometheusExporter::new(), "GET", &values);
        }
    }
}
