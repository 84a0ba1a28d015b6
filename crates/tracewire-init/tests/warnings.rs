//! What is said of bad variables, to a `tracing` subscriber or on stderr. Variables are the
//! process's, so these tests run themselves again with them set.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::fmt::Debug;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

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

/// The test of this name as a process of its own, without a subscriber: what it writes to stderr.
#[cfg(unix)]
fn stderr(test: &str, variables: &[(&str, &std::ffi::OsStr)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .env(CHILD, "1")
        .env("OTEL_LOG_LEVEL", "debug")
        .envs(variables.iter().copied())
        .args(["--exact", test, "--nocapture"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

#[cfg(unix)]
#[test]
fn nothing_on_stderr_holds_a_secret() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    const TEST: &str = "nothing_on_stderr_holds_a_secret";
    if std::env::var_os(CHILD).is_some() {
        match tracewire_init::init() {
            // Nothing listens there: the failed export is told as well.
            Ok(telemetry) => {
                opentelemetry::trace::Tracer::start(&opentelemetry::global::tracer("t"), "span");
                let shown = format!("{telemetry:?} {:?}", telemetry.tracer_provider());
                eprintln!("{shown} {:?}", telemetry.shutdown_timeout(Duration::from_millis(500)));
            }
            Err(error) => eprintln!("{error} {error:?}"),
        }
        return;
    }
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", &b"authorization=Bearer hunter2QQ\xff"[..]);
    let proxy = ("HTTP_PROXY", &b"http://user:hunter2QQ\xff@proxy"[..]);
    const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let usable = (ENDPOINT, &b"http://user:hunter2QQ@127.0.0.1:9/?token=hunter2QQ#hunter2QQ"[..]);
    let unusable = (ENDPOINT, &b"http://h:99999/?token=hunter2QQ"[..]);
    let binary = (ENDPOINT, &b"http://user:hunter2QQ@h\xff"[..]);
    for variables in [&[headers, proxy, usable][..], &[unusable], &[binary, proxy]] {
        let named = variables.iter().map(|&(name, value)| (name, OsStr::from_bytes(value)));
        let stderr = stderr(TEST, &named.collect::<Vec<_>>());
        assert!(stderr.contains(variables[0].0), "{stderr}");
        assert!(!stderr.contains("hunter2QQ"), "{stderr}");
    }
}

const CHILD: &str = "TRACEWIRE_TEST_WARNINGS";

const VARIABLES: [(&str, &str); 4] = [
    ("OTEL_TRACES_SAMPLER", "sometimes"),
    ("OTEL_TRACES_EXPORTER", "console"),
    ("OTEL_METRICS_EXPORTER", "none"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
];

#[test]
fn a_bad_variable_is_warned_of_once() {
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
