//! The single end of an exchange.

use super::{
    check,
    recorded::{Counts, Recorded},
};
use crate::{
    ErrorType, ExchangeHandle, Outcome,
    outcome::{Ending, Verdict},
    wiring::{Scope, ServerCall},
};
use http::{Request, Response};
use loom::thread;
use opentelemetry::KeyValue;
use std::sync::{Arc, Mutex};

/// An exchange that is under way, and a handle on it.
fn begin(recorded: &Recorded) -> (Scope<ServerCall>, ExchangeHandle) {
    let (scope, handle) = ServerCall::begin(&Arc::new(recorded.settings()), &Request::new(()));
    (scope, handle.unwrap())
}

#[track_caller]
fn ended_once(counts: &Counts) {
    assert_eq!(
        (counts.spans.len(), counts.durations.len(), counts.active),
        (1, 1, 0),
        "{counts:?}"
    );
}

/// An exchange ends while another thread notes something with a handle, and a third drops one: it ends
/// once, and what was noted is in the duration whole or not at all, as on the span.
#[test]
fn what_is_noted_while_an_exchange_ends_counts_or_does_not() {
    check(|| {
        let recorded = Recorded::default();
        let (mut scope, handle) = begin(&recorded);
        let other = handle.clone();
        let notes = thread::spawn(move || {
            handle.add_metric_attribute(KeyValue::new("shop.plan", "free"));
            handle.fail(ErrorType::Named("noted"));
        });
        let drops = thread::spawn(move || drop(other));
        scope.end(Outcome::Complete);
        notes.join().unwrap();
        drops.join().unwrap();
        let counts = recorded.counts();
        ended_once(&counts);
        let has = |text: &str| counts.durations[0].iter().any(|own| own == text);
        // They were noted one after the other.
        assert!(has("shop.plan=free") || !has("error.type=noted"), "{counts:?}");
        assert_eq!(counts.spans[0].1.is_some(), has("error.type=noted"), "{counts:?}");
    });
}

/// The last two handles of an exchange that was handed over are dropped at once, after one has noted
/// something: the exchange ends once, complete, with what was noted.
#[test]
fn the_last_of_several_handles_ends_an_exchange_that_was_handed_over() {
    check(|| {
        let recorded = Recorded::default();
        let settings = recorded.settings().follow_upgrades(true);
        let (scope, handle) = ServerCall::begin(&Arc::new(settings), &Request::new(()));
        let handle = handle.unwrap();
        let other = handle.clone();
        let switching = Response::builder().status(101).body(String::new()).unwrap();
        drop(ServerCall::respond(scope, switching));
        let first = thread::spawn(move || {
            handle.set_route("/chat");
            drop(handle);
        });
        let second = thread::spawn(move || drop(other));
        first.join().unwrap();
        second.join().unwrap();
        let counts = recorded.counts();
        ended_once(&counts);
        assert_eq!(counts.spans, [("GET /chat".to_owned(), None)]);
    });
}

/// A caller leaves, which drops the exchange, while the service asks a handle whether it is over: what
/// says that it is stays so, and the exchange ends once, as cancelled.
#[test]
fn a_caller_who_leaves_ends_an_exchange_that_others_look_at() {
    check(|| {
        let recorded = Recorded::default();
        let (scope, handle) = begin(&recorded);
        let looks = thread::spawn(move || {
            let before = handle.has_ended();
            handle.set_route("/late");
            assert!(!before || handle.has_ended());
            handle
        });
        drop(scope);
        let handle = looks.join().unwrap();
        assert!(handle.has_ended());
        let counts = recorded.counts();
        ended_once(&counts);
        assert_eq!(counts.spans[0].1.as_deref(), Some("cancelled"));
    });
}

/// The classifier, which runs while the exchange ends, uses a handle of that exchange, and so does
/// another thread: neither waits for the other for ever.
#[test]
fn a_hook_that_uses_a_handle_at_the_end_does_not_wait_for_itself() {
    check(|| {
        let (recorded, slot) = (Recorded::default(), Arc::new(Mutex::new(None::<ExchangeHandle>)));
        let kept = slot.clone();
        let settings = recorded.settings().classify(move |ending: &Ending<'_>| -> Verdict {
            let handle = kept.lock().unwrap().take();
            if let Some(handle) = handle {
                handle.add_metric_attribute(KeyValue::new("shop.plan", "free"));
                assert!(handle.has_ended());
            }
            ending.verdict
        });
        let (mut scope, handle) = ServerCall::begin(&Arc::new(settings), &Request::new(()));
        let handle = handle.unwrap();
        *slot.lock().unwrap() = Some(handle.clone());
        let notes = thread::spawn(move || handle.set_route("/other"));
        scope.end(Outcome::Complete);
        notes.join().unwrap();
        ended_once(&recorded.counts());
    });
}
