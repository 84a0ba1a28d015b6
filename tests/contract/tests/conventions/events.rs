//! Exceptions as log records.

use crate::{
    registry::Registry,
    values::{databases, failures},
};
use opentelemetry::KeyValue;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tracewire_propagation::{Exception, ExceptionLog, ExceptionLogs, set_exception_logs};
use tracewire_testing::Capture;

#[derive(Default)]
struct Kept(Mutex<BTreeMap<&'static str, Vec<KeyValue>>>);

impl ExceptionLog for Kept {
    fn emit(&self, exception: &Exception<'_>) {
        let name = exception.kind.event_name();
        self.0.lock().unwrap().insert(name, exception.attributes.to_vec());
    }
}

#[test]
fn exceptions_have_the_names_and_attributes_of_the_registry() {
    let registry = Registry::read();
    let kept = Arc::new(Kept::default());
    set_exception_logs(Some(ExceptionLogs::new(kept.clone())));
    let capture = Capture::new();
    failures(&capture);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    drop(runtime.block_on(capture.run(databases())));
    let failed = capture.in_scope(|| tracewire_span::span("work").in_scope(|| "x".parse::<i32>()));
    assert!(failed.is_err());
    set_exception_logs(None);
    let kept = kept.0.lock().unwrap();
    let mut expected: Vec<_> = registry.events.keys().map(String::as_str).collect();
    let found: Vec<_> = kept.keys().copied().collect();
    expected.sort_unstable();
    assert_eq!(found, expected);
    for (name, attributes) in &*kept {
        let faults = registry.faults(attributes, &registry.events[*name]);
        assert!(faults.is_empty() && !attributes.is_empty(), "{name} {faults:?}");
    }
}
