//! A client's work: one call through reqwest's middlewares, answered at once.

mod bare;
mod floor;
#[cfg(feature = "peers")]
mod reqwest_tracing;
mod tracewire;

use super::{Case, Records, Side, Variant, telemetry::Telemetry};
use futures_util::FutureExt;
use http::Extensions;
use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    baggage::BaggageExt,
    trace::{SpanContext, TraceContextExt},
};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next};

/// How a variant instruments a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client {
    /// What else it needs of the process.
    set_up: fn(&Case, &mut Telemetry),
    wrap: fn(ClientBuilder) -> ClientBuilder,
}

pub(super) fn variants() -> Vec<Variant> {
    vec![
        bare::VARIANT,
        floor::VARIANT,
        tracewire::VARIANT,
        tracewire::WITH_OWN_SDK,
        #[cfg(feature = "peers")]
        reqwest_tracing::VARIANT,
    ]
}

impl Variant {
    const fn client(
        name: &'static str,
        records: Records,
        wrap: fn(ClientBuilder) -> ClientBuilder,
    ) -> Self {
        Self { name, records, side: Side::Client(Client { set_up: |_, _| {}, wrap }) }
    }
}

impl Client {
    /// A function that makes one call, under what a caller of this service sent.
    pub(super) fn request(
        self,
        case: &Case,
        telemetry: Option<&mut Telemetry>,
    ) -> Box<dyn FnMut()> {
        if let Some(telemetry) = telemetry {
            (self.set_up)(case, telemetry);
        }
        let client = (self.wrap)(ClientBuilder::new(reqwest::Client::new())).with(Answer).build();
        if !case.root {
            std::mem::forget(current(case).attach()); // this program does nothing else
        }
        let url = if case.root { PUBLIC } else { NEAR_BY };
        Box::new(move || {
            let call = client.get(url).header("accept", "application/json").send();
            let response = call.now_or_never().expect("nothing here waits");
            assert!(response.expect("the answer is there").status().is_success());
        })
    }
}

const NEAR_BY: &str = "http://inventory:8080/users/4711";
const PUBLIC: &str = "https://api.partner.example/v2/users/4711/orders?page=2&sort=date";

/// What is current in a service that got the request of `case`.
fn current(case: &Case) -> Context {
    let flags = if case.sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
    let state = super::case::members(case.state, 0).parse().expect("the members are legal");
    let (trace_id, span_id) = (TraceId::from(0x0af7_6519_16cd_43dd), SpanId::from(0xb7ad_6b71));
    let span = SpanContext::new(trace_id, span_id, flags, false, state);
    let context = Context::new().with_remote_span_context(span);
    if case.baggage == 0 {
        return context;
    }
    context.with_baggage(
        (0..case.baggage)
            .map(|i| opentelemetry::KeyValue::new(format!("key{i:02}"), format!("value-{i:02}"))),
    )
}

/// Stands where the network would be.
struct Answer;

#[async_trait::async_trait]
impl Middleware for Answer {
    async fn handle(
        &self,
        _: Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        Ok(http::Response::new("").into())
    }
}
