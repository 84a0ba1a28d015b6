//! What a `tracing` subscriber hears of a bad variable. Variables are the process's, so this test
//! runs itself again with them set.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::fmt::Debug;
use std::process::Command;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Keeps the fields of each warning.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
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
        self.0.lock().unwrap().push(fields.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

const VARIABLES: [(&str, &str); 4] = [
    ("OTEL_TRACES_SAMPLER", "sometimes"),
    ("OTEL_TRACES_EXPORTER", "console"),
    ("OTEL_METRICS_EXPORTER", "none"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
];

#[test]
fn a_bad_variable_is_warned_of_once() {
    const CHILD: &str = "TRACEWIRE_TEST_WARNINGS";
    if std::env::var_os(CHILD).is_none() {
        let output = Command::new(std::env::current_exe().unwrap())
            .env(CHILD, "1")
            .envs(VARIABLES)
            .args(["--exact", "a_bad_variable_is_warned_of_once"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let warnings = Warnings::default();
    tracing::subscriber::set_global_default(warnings.clone()).unwrap();
    drop(tracewire_init::init().unwrap());
    let warnings = warnings.0.lock().unwrap();
    assert_eq!(warnings.len(), 2, "{warnings:#?}");
    for (variable, value) in [VARIABLES[0], VARIABLES[3]] {
        let naming = warnings.iter().filter(|w| w.contains(variable) && w.contains(value));
        assert_eq!(naming.count(), 1, "{warnings:#?}");
    }
}
