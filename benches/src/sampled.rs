//! Requests through three services in a row, each of which decides for itself what it keeps: what was
//! kept, and for how many requests it stands.

use axum::{Router, body::Body, extract::State, routing::get};
use futures_util::FutureExt;
use http::{Request, StatusCode};
use opentelemetry::{
    Context,
    trace::{SpanId, TraceId},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{IdGenerator, SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tower::ServiceExt;
use tracewire_propagation::{Propagator, TraceContext};
use tracewire_sampling::{OtelTraceState, Probability, Sampler};
use tracewire_tower::ServerLayer;

/// With which probability each service keeps a request.
pub const PROBABILITIES: [f64; 3] = [1.0, 0.1, 0.01];

/// What a service kept.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// How many spans.
    pub kept: u64,
    /// For how many requests they stand.
    pub stands_for: f64,
    /// The ends of their trace ids.
    traces: HashSet<u64>,
}

impl Counted {
    /// How far `value` is from what is expected of so many requests, in standard deviations.
    #[must_use]
    pub fn deviation(value: f64, requests: u64, probability: f64, scale: f64) -> f64 {
        let sigma = (requests as f64 * probability * (1.0 - probability)).sqrt() * scale;
        let off = value - requests as f64 * probability * scale;
        if sigma == 0.0 { off } else { off / sigma }
    }

    /// Whether all that it kept was kept by another service, too.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.traces.is_subset(&other.traces)
    }
}

/// Sends so many requests through three services. Trace ids follow from the seed.
///
/// # Panics
///
/// If a service answers anything but 200.
#[must_use]
pub fn run(requests: u64, seed: u64) -> [Counted; 3] {
    let counted = PROBABILITIES.map(|_| Arc::<Mutex<Counted>>::default());
    let mut next = None;
    for (probability, counted) in PROBABILITIES.into_iter().zip(&counted).rev() {
        next = Some(service(probability, Counting(counted.clone()), Ids::new(seed), next));
    }
    let first = next.expect("there are services");
    for _ in 0..requests {
        let request = Request::get("/").body(Body::empty()).expect("it is a request");
        let response = first.clone().oneshot(request).now_or_never().expect("nothing waits");
        let Ok(response) = response;
        assert_eq!(response.status(), StatusCode::OK);
    }
    counted.map(|counted| counted.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

fn service(probability: f64, counting: Counting, ids: Ids, next: Option<Router>) -> Router {
    let probability = Probability::new(probability).expect("it is a probability");
    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::new(probability))
        .with_id_generator(ids)
        .with_span_processor(counting)
        .build();
    let layer = ServerLayer::new().tracer_provider(provider).propagator(TraceContext::new());
    Router::new().route("/", get(forward)).layer(layer).with_state(next)
}

/// Calls the next service, with the header that a client would send.
async fn forward(State(next): State<Option<Router>>) -> StatusCode {
    let Some(next) = next else { return StatusCode::OK };
    let mut request = Request::get("/").body(Body::empty()).expect("it is a request");
    TraceContext::new().inject(&Context::current(), request.headers_mut());
    let Ok(response) = next.oneshot(request).await;
    response.status()
}

/// Counts spans where they would be queued.
#[derive(Clone, Debug)]
struct Counting(Arc<Mutex<Counted>>);

impl SpanProcessor for Counting {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        let state = OtelTraceState::of(span.span_context.trace_state());
        let threshold = state.threshold().expect("what is kept has a threshold");
        let [.., a, b, c, d, e, f, g, h] = span.span_context.trace_id().to_bytes();
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.kept += 1;
        counted.stands_for += threshold.adjusted_count();
        counted.traces.insert(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Ids that are the same in each run: splitmix64.
#[derive(Debug)]
struct Ids(AtomicU64);

impl Ids {
    fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed << 40))
    }

    fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self.0.fetch_add(1, Ordering::Relaxed).wrapping_add(1).wrapping_mul(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from(u128::from(self.next() | 1) << 64 | u128::from(self.next()))
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from(self.next() | 1)
    }
}
