//! A model of a provider that is replaced while requests look it up. shuttle runs it in many random orders.

use crate::{Outcome, server::ServerSettings, sync::step, wiring::ServerCall};
use http::Request;
use opentelemetry::{Context, global};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use shuttle::{check_pct, check_random, thread};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tracewire_propagation::{Composite, providers::Unboxed, set_default};

/// The providers whose spans ended.
type Ended = Arc<Mutex<Vec<&'static str>>>;

#[derive(Clone, Debug)]
struct Named(&'static str, Ended);

impl SpanProcessor for Named {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, _span: SpanData) {
        self.1.lock().unwrap().push(self.0);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Replaces the process's provider, and has everybody ask again, as `init` does.
fn replace(name: &'static str, ended: &Ended) {
    let provider =
        SdkTracerProvider::builder().with_span_processor(Named(name, ended.clone())).build();
    global::set_tracer_provider(Unboxed(provider));
    step();
    set_default(Arc::new(Composite::new()));
}

/// Serves a request, and gives the provider of its span.
fn request(settings: &Arc<ServerSettings>, ended: &Ended) -> &'static str {
    let (mut scope, _handle) = ServerCall::begin(settings, &Request::new(()));
    scope.end(Outcome::Complete);
    // Nothing above lets another thread run once the exchange has begun.
    ended.lock().unwrap().pop().expect("its span has ended")
}

fn model() {
    let ended = Ended::default();
    replace("old", &ended);
    let settings = Arc::new(ServerSettings::new("models", "1"));
    let serve = || {
        let (settings, ended) = (settings.clone(), ended.clone());
        thread::spawn(move || {
            // Until the replacement is over, by either.
            for _ in 0..3 {
                request(&settings, &ended);
            }
        })
    };
    let threads = [serve(), serve()];
    let theirs = ended.clone();
    let replaces = thread::spawn(move || replace("new", &theirs));
    for thread in threads.into_iter().chain([replaces]) {
        thread.join().unwrap();
    }
    assert_eq!(request(&settings, &ended), "new");
    assert_eq!(request(&settings, &ended), "new");
}

/// The global provider is replaced while two threads serve requests: each request is recorded once, and after
/// the replacement by the new one, whatever was being looked up.
#[test]
fn a_provider_that_is_replaced_records_every_request_from_then_on() {
    let orders = option_env!("MODEL_ORDERS").map_or(3_000, |orders| orders.parse().unwrap());
    check_random(model, orders);
    check_pct(model, orders, 3);
}
