//! Every type that an option names can be named where the option is, with the feature `reqwest` alone.
#![cfg(feature = "reqwest")]

use std::time::Instant;
use tracewire::{
    ClientMiddleware,
    client::{
        Authority, CallOptions, ClientRequest, ClientResponse, Clock, Destinations, Ending,
        ErrorType, HeaderSelector, Hosts, KnownMethods, Outcome, RedirectError, Redirected,
        Redirects, Resends, RpcMethods, Scheme, SensitiveKeys, UrlTemplates, Urls, Verdict,
    },
    opentelemetry::{KeyValue, metrics::noop::NoopMeterProvider, trace::noop::NoopTracerProvider},
    propagation::TraceContext,
};

#[derive(Debug)]
struct Stopped(Instant);

impl Clock for Stopped {
    fn now(&self) -> Instant {
        self.0
    }
}

fn admit(request: &ClientRequest<'_>) -> bool {
    request.scheme == Scheme::Http
        && request.asked_for.is_none_or(|Authority { port, .. }| port.is_some())
}

fn is_stream(response: &ClientResponse<'_>) -> Option<bool> {
    Some(response.status == 200)
}

fn classify(ending: &Ending<'_>) -> Verdict {
    match ending.outcome {
        Outcome::Complete => Verdict::Unset,
        _ => Verdict::Error(ErrorType::Other),
    }
}

#[test]
fn types_of_client_options_can_be_named() {
    let middleware = ClientMiddleware::new()
        .tracer_provider(NoopTracerProvider::new())
        .meter_provider(NoopMeterProvider::new())
        .propagator(TraceContext::new())
        .known_methods(KnownMethods::new(["GET"]))
        .sensitive_keys(SensitiveKeys::default())
        .value_limit(100)
        .active_requests(true)
        .body_sizes(true)
        .describe_unsampled(true)
        .duration_boundaries([0.1, 1.0])
        .capture_request_headers(HeaderSelector::new(["x-shop"]))
        .capture_response_headers(HeaderSelector::new(["x-shop"]))
        .grpc(RpcMethods::any())
        .classify(classify)
        .clock(Stopped(Instant::now()))
        .destinations(Destinations::new().baggage(Hosts::internal()))
        .url_templates(UrlTemplates::new(["/users/{id}"]))
        .exclude_urls(["/healthz"])
        .filter(admit)
        .end_at_body(true)
        .is_stream(is_stream)
        .redirects(Redirects::default());
    assert!(format!("{middleware:?}").contains("KnownMethods"));

    let options = CallOptions::new().attribute(KeyValue::new("shop.tier", "gold"));
    assert!(!options.is_untraced());
    assert!(Urls::new(["/healthz"]).contains("http://inventory/healthz"));
    assert!(format!("{:?}", Resends::new()).contains("Resends"));
    assert_eq!(RedirectError::TooMany.to_string(), "too many redirects");
    assert!(size_of::<Redirected>() > 0);
}
