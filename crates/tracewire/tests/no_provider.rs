//! A layer without telemetry. Its log line comes once in the life of a process, so this is one test
//! in a binary of its own.

#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used)] // a test may

use axum::{body::Body, http::Request, response::Response};
use std::{
    convert::Infallible,
    fmt::Debug,
    sync::{Arc, Mutex},
};
use tower::{Layer, ServiceExt, service_fn};
use tracewire::ServerLayer;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

/// Keeps the level and the fields of each event.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<(Level, String)>>>);

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Fields(String);
        impl Visit for Fields {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                self.0.push_str(&format!("{field}={value:?} "));
            }
        }
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push((*event.metadata().level(), fields.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn layers_without_a_provider_say_so_once_at_debug() {
    let lines = Lines::default();
    tracing::subscriber::set_global_default(lines.clone()).unwrap();
    for _ in 0..3 {
        let answer = service_fn(|_: Request<Body>| async {
            Ok::<_, Infallible>(Response::new(Body::empty()))
        });
        let service = ServerLayer::new().layer(answer);
        for _ in 0..3 {
            service.clone().oneshot(Request::new(Body::empty())).await.unwrap();
        }
    }
    let lines = lines.0.lock().unwrap();
    let about: Vec<_> = lines.iter().filter(|(_, line)| line.contains("tracer provider")).collect();
    assert_eq!(about.len(), 1, "{lines:?}");
    let (level, line) = about[0];
    assert!(*level == Level::DEBUG && line.contains("tracewire::init()"), "{line}");
}
