//! The subscriber that `init` sets. A process has one of it, so this runs itself again.

#![cfg(feature = "tracing")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use opentelemetry::global;
use opentelemetry::trace::{TraceContextExt as _, Tracer as _};
use tracing_subscriber::layer::SubscriberExt as _;

const CHILD: &str = "TRACEWIRE_TEST_SUBSCRIBER";

/// What the test of this name writes to stdout when it runs with these variables.
fn output(test: &str, variables: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .env(CHILD, "1")
        .env("OTEL_TRACES_EXPORTER", "none")
        .env("OTEL_METRICS_EXPORTER", "none")
        .env("OTEL_LOGS_EXPORTER", "none")
        .envs(variables.iter().copied())
        .args(["--exact", test, "--nocapture"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

#[test]
fn lines_have_the_ids_of_their_trace() {
    if is_child() {
        let telemetry = tracewire_init::init().unwrap();
        global::tracer("test").in_span("order", |context| {
            tracing::info!(item = 13, "sold");
            tracing::debug!("hidden");
            println!("expect={}", context.span().span_context().trace_id());
        });
        drop(telemetry);
        return;
    }
    for (format, of_id) in [("text", "trace_id="), ("json", r#""trace_id":""#)] {
        let output = output("lines_have_the_ids_of_their_trace", &[("TRACEWIRE_LOG", format)]);
        let id = output.split("expect=").nth(1).unwrap().split('\n').next().unwrap();
        let line = output.lines().find(|line| line.contains("sold")).unwrap();
        assert!(line.contains(&format!("{of_id}{id}")), "{line} {id}");
        assert!(!output.contains("hidden"), "{output}");
    }
}

#[test]
fn directives_and_silence_are_obeyed() {
    if is_child() {
        let telemetry = tracewire_init::init().unwrap();
        tracing::info!(target: "shop", "first");
        tracing::debug!(target: "cart", "second");
        drop(telemetry);
        return;
    }
    let output = |variables: &[(&str, &str)]| {
        let output = output("directives_and_silence_are_obeyed", variables);
        (output.contains("first"), output.contains("second"))
    };
    assert_eq!(output(&[]), (false, false));
    assert_eq!(output(&[("TRACEWIRE_LOG", "text")]), (true, false));
    let directives = ("RUST_LOG", "warn,cart=debug");
    assert_eq!(output(&[("TRACEWIRE_LOG", "text"), directives]), (false, true));
}

#[test]
fn opentelemetry_says_nothing_of_its_set_up_in_the_log() {
    if is_child() {
        if std::env::var_os("TRACEWIRE_LOG").is_none() {
            let lines = tracing_subscriber::fmt::layer().with_ansi(false);
            let subscriber = tracing_subscriber::registry().with(lines);
            tracing::subscriber::set_global_default(subscriber).unwrap();
        }
        let telemetry = tracewire_init::init().unwrap();
        tracing::info!(target: "shop", "open");
        drop(telemetry);
        return;
    }
    let ours = ("TRACEWIRE_LOG", "text");
    let meters = ("OTEL_METRICS_EXPORTER", "console");
    let all = ("RUST_LOG", "info");
    for variables in [&[ours][..], &[ours, meters, all], &[meters]] {
        let output = output("opentelemetry_says_nothing_of_its_set_up_in_the_log", variables);
        let is_opentelemetry = |line: &str| line.contains(" opentelemetry");
        let lines: Vec<_> = output.lines().filter(|line| line.contains(" INFO ")).collect();
        assert!(!lines.iter().any(|line| is_opentelemetry(line)), "{output}");
        assert!(lines.iter().any(|line| line.contains("open")), "{output}");
    }
}

#[test]
fn log_lines_that_are_written_last_are_not_lost() {
    if is_child() {
        let telemetry = tracewire_init::init().unwrap();
        tracing::info!(target: "shop", "closing");
        telemetry.shutdown();
        tracing::info!(target: "shop", "closed");
        tracing::error!(target: "shop", "gone");
        // Nothing is written after this that was not written before.
        std::process::exit(0);
    }
    for format in ["text", "json"] {
        let variables = [("TRACEWIRE_LOG", format)];
        let output = output("log_lines_that_are_written_last_are_not_lost", &variables);
        for word in ["closing", "closed", "gone"] {
            assert!(output.contains(word), "{word}: {output}");
        }
    }
}

#[test]
fn an_error_is_written_before_the_program_can_end() {
    if is_child() {
        let _telemetry = tracewire_init::init().unwrap();
        tracing::error!(target: "shop", "no database");
        std::process::exit(0);
    }
    let variables = [("TRACEWIRE_LOG", "text")];
    let output = output("an_error_is_written_before_the_program_can_end", &variables);
    assert!(output.contains("no database"), "{output}");
}

#[test]
fn a_second_subscriber_is_an_error_and_changes_nothing() {
    if is_child() {
        tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
        let error = tracewire_init::init().unwrap_err();
        assert!(error.is_configuration());
        assert!(error.to_string().starts_with("TRACEWIRE_LOG=\"text\": this process"), "{error}");
        let span = global::tracer("test").start("span");
        assert!(!opentelemetry::trace::Span::span_context(&span).is_valid());
        return;
    }
    output("a_second_subscriber_is_an_error_and_changes_nothing", &[("TRACEWIRE_LOG", "text")]);
}

/// What the test of this name writes to stdout and to stderr when it runs with this `RUST_LOG`.
fn both_outputs(test: &str, directives: Option<&str>) -> (String, String) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.env(CHILD, "1").env("OTEL_TRACES_EXPORTER", "none").env("OTEL_METRICS_EXPORTER", "none");
    child.env("OTEL_LOGS_EXPORTER", "none").env_remove("RUST_LOG");
    child.envs(directives.map(|directives| ("RUST_LOG", directives)));
    let output = child.args(["--exact", test, "--nocapture"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

/// Telemetry before or after the subscriber, and work.
fn log_with(subscriber: fn()) {
    let telemetry = tracewire_init::init().unwrap();
    global::tracer("test").in_span("too early to tell", |_| {});
    subscriber();
    for _ in 0..3 {
        global::tracer("test").in_span("order", |_| tracing::info!("sold"));
    }
    drop(telemetry);
}

const HINT: &str = "map_event_format(TraceIds::new)";

#[test]
fn a_subscriber_without_ids_is_answered_with_one_line_that_says_what_to_add() {
    if is_child() {
        return log_with(tracing_subscriber::fmt::init);
    }
    let test = "a_subscriber_without_ids_is_answered_with_one_line_that_says_what_to_add";
    let (stdout, stderr) = both_outputs(test, Some("info"));
    assert_eq!((stdout.matches(HINT).count(), stderr.matches(HINT).count()), (1, 0), "{stdout}");
    assert_eq!(stdout.matches("sold").count(), 3, "{stdout}");
    // Such a subscriber takes errors only.
    let (stdout, stderr) = both_outputs(test, None);
    assert_eq!((stdout.matches(HINT).count(), stderr.matches(HINT).count()), (0, 1), "{stderr}");
}

#[test]
fn a_subscriber_with_ids_needs_no_hint() {
    if is_child() {
        return log_with(|| {
            tracing_subscriber::fmt().map_event_format(tracewire_tracing::TraceIds::new).init();
        });
    }
    let (stdout, stderr) = both_outputs("a_subscriber_with_ids_needs_no_hint", Some("info"));
    assert!(!stdout.contains("TraceIds") && !stderr.contains("TraceIds"), "{stdout} {stderr}");
    let lines: Vec<_> = stdout.lines().filter(|line| line.contains("sold")).collect();
    assert!(lines.len() == 3 && lines.iter().all(|line| line.contains("trace_id=")), "{stdout}");
}

#[test]
fn layers_without_lines_and_json_lines_without_ids_are_told_apart() {
    use tracing_subscriber::prelude::*;
    if is_child() {
        return log_with(|| {
            let lines = std::env::var_os("LINES").is_some();
            let lines = lines.then(|| tracing_subscriber::fmt::layer().json());
            tracing_subscriber::registry().with(lines).init();
        });
    }
    let test = "layers_without_lines_and_json_lines_without_ids_are_told_apart";
    let hints = |variables: &[(&str, &str)]| output(test, variables).matches(HINT).count();
    assert_eq!((hints(&[]), hints(&[("LINES", "1")])), (0, 1));
}

#[test]
fn a_loss_is_on_stderr_if_the_log_cannot_be_written() {
    const TEST: &str = "a_loss_is_on_stderr_if_the_log_cannot_be_written";
    if is_child() {
        let telemetry = tracewire_init::init().unwrap();
        println!("ready");
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap(); // until nobody reads stdout
        global::tracer("test").in_span("order", |_| {
            for _ in 0..3 {
                tracing::info!("sold");
            }
        });
        telemetry.shutdown();
        std::process::exit(0); // the test's own result cannot be written either
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .env(CHILD, "1")
        .env("OTEL_TRACES_EXPORTER", "console")
        .env("OTEL_METRICS_EXPORTER", "none")
        .env("OTEL_LOGS_EXPORTER", "none")
        .env("TRACEWIRE_LOG", "text")
        .args(["--exact", TEST, "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    while !start.contains("ready") {
        assert!(stdout.read_line(&mut start).unwrap() > 0, "{start}");
    }
    drop(stdout);
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    let loss = "telemetry was lost: spans to console: 0 exported, 1 failed";
    assert_eq!(stderr.matches(loss).count(), 1, "{stderr}");
    assert!(!stderr.contains("os error"), "{stderr}");
    let lines = stderr.split("log lines to stdout: ").skip(1);
    let lost: u64 = lines.map(|line| line.split(' ').next().unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(lost, 3, "{stderr}");
}
