//! Models of providers that are replaced while requests look them up, or are under way. shuttle runs them in
//! many random orders.

use crate::{
    ExchangeHandle, Outcome,
    models::recorded::Recorded,
    server::ServerSettings,
    sync::step,
    wiring::{Scope, ServerCall},
};
use http::Request;
use opentelemetry::global;
use shuttle::{check_pct, check_random, thread};
use std::sync::{Arc, Mutex, PoisonError};
use tracewire_propagation::{Composite, providers::Unboxed, set_default};

/// What the process has is one for all models.
static PROCESS: Mutex<()> = Mutex::new(());

/// How many orders of each model are tried, unless `MODEL_ORDERS` says otherwise.
fn check(model: fn()) {
    let _process = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
    let orders = option_env!("MODEL_ORDERS").map_or(3_000, |orders| orders.parse().unwrap());
    check_random(model, orders);
    check_pct(model, orders, 3);
}

/// Replaces the process's providers, and has everybody ask again, as `init` does.
fn replace(recorded: &Recorded) {
    global::set_tracer_provider(Unboxed(recorded.tracers()));
    step();
    global::set_meter_provider(recorded.clone());
    step();
    set_default(Arc::new(Composite::new()));
}

fn settings() -> Arc<ServerSettings> {
    let mut settings = ServerSettings::new("models", "1");
    settings.common_mut().active_requests = true;
    Arc::new(settings)
}

fn begin(settings: &Arc<ServerSettings>) -> (Scope<ServerCall>, Option<ExchangeHandle>) {
    ServerCall::begin(settings, &Request::new(()))
}

/// Serves a request, during which others run.
fn request(settings: &Arc<ServerSettings>) {
    let (mut scope, _handle) = begin(settings);
    thread::yield_now();
    scope.end(Outcome::Complete);
}

fn requests(settings: &Arc<ServerSettings>, number: u32) -> thread::JoinHandle<()> {
    let settings = settings.clone();
    thread::spawn(move || (0..number).for_each(|_| request(&settings)))
}

/// How many spans and durations were recorded.
fn ended(recorded: &Recorded) -> (usize, usize) {
    let counts = recorded.counts();
    (counts.spans.len(), counts.durations.len())
}

/// The global providers are replaced while two threads serve requests: each request is recorded once, and
/// after the replacement by the new ones, whatever was being looked up.
#[test]
fn a_provider_that_is_replaced_records_every_request_from_then_on() {
    check(|| {
        let (old, new) = (Recorded::default(), Recorded::default());
        replace(&old);
        let settings = settings();
        // Until the replacement is over, by either.
        let threads = [requests(&settings, 3), requests(&settings, 3)];
        let theirs = new.clone();
        let replaces = thread::spawn(move || replace(&theirs));
        for thread in threads.into_iter().chain([replaces]) {
            thread.join().unwrap();
        }
        let ((old_spans, old_durations), (spans, durations)) = (ended(&old), ended(&new));
        assert_eq!((old_spans + spans, old_durations + durations), (6, 6));
        (0..2).for_each(|_| request(&settings));
        assert_eq!(ended(&old), (old_spans, old_durations));
        assert_eq!(ended(&new), (spans + 2, durations + 2));
    });
}

/// The global providers are replaced while requests are under way: each ends where it began, so that no gauge
/// stays up, of the old provider or of the new one.
#[test]
fn a_request_ends_at_the_providers_that_it_began_with() {
    check(|| {
        let (old, new) = (Recorded::default(), Recorded::default());
        replace(&old);
        let settings = settings();
        let (mut open, _handle) = begin(&settings);
        let other = requests(&settings, 2);
        let theirs = new.clone();
        let replaces = thread::spawn(move || replace(&theirs));
        thread::yield_now();
        let before = ended(&old);
        open.end(Outcome::Complete);
        assert_eq!(ended(&old), (before.0 + 1, before.1 + 1));
        for thread in [other, replaces] {
            thread.join().unwrap();
        }
        let ((old_spans, old_durations), (spans, durations)) = (ended(&old), ended(&new));
        assert_eq!((old_spans + spans, old_durations + durations), (3, 3));
        assert_eq!((old.counts().active, new.counts().active), (0, 0));
    });
}
