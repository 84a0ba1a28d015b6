//! What is started before, inside and after the life of telemetry. A process has one of it, so each
//! test runs itself again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
#![allow(clippy::print_stderr, clippy::print_stdout, reason = "the parent reads it")]

use std::process::{Command, Output};
use std::time::Duration;

use http::HeaderMap;
use opentelemetry::trace::{TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, global};
use tracewire_init::{Builder, Telemetry, Traces};
use tracewire_propagation::default_propagator;
use tracewire_span::span;

const CHILD: &str = "TRACEWIRE_TEST_LIFETIME";

/// The test of this name in a process of its own, with spans as lines of JSON on stdout.
fn run(test: &str, variables: &[(&str, &str)]) -> Output {
    let output = Command::new(std::env::current_exe().unwrap())
        .env(CHILD, "1")
        .env("OTEL_TRACES_EXPORTER", "console")
        .env("OTEL_METRICS_EXPORTER", "none")
        .env("OTEL_LOGS_EXPORTER", "none")
        .env("TRACEWIRE_CONSOLE", "json")
        .envs(variables.iter().copied())
        .args(["--exact", test, "--nocapture"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// The warnings on stderr.
fn warnings(output: &Output) -> Vec<String> {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let warnings = stderr.lines().filter_map(|line| line.strip_prefix("tracewire: warning: "));
    warnings.map(str::to_owned).collect()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn traceparent() -> String {
    let mut headers = HeaderMap::new();
    default_propagator().inject(&Context::current(), &mut headers);
    headers.get("traceparent").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn telemetry_started_inside_a_span_exports_what_begins_below_it() {
    const TEST: &str = "telemetry_started_inside_a_span_exports_what_begins_below_it";
    if is_child() {
        block_on(span("main").run(async {
            let telemetry = tracewire_init::init().unwrap();
            span("work")
                .run(async {
                    println!("header={}", traceparent());
                    span("part").in_scope(|| ());
                    Ok::<_, std::fmt::Error>(())
                })
                .await?;
            println!("report={}", telemetry.shutdown());
            Ok::<_, std::fmt::Error>(())
        }))
        .unwrap();
        return;
    }
    for (sampler, sampled) in [
        ("", true),
        ("always_on", true),
        ("traceidratio", true),
        ("parentbased_always_on", true),
        ("parentbased_traceidratio", true),
        ("probability", true),
        ("parentbased_probability", true),
        ("always_off", false),
        ("parentbased_always_off", false),
    ] {
        let output = run(TEST, &[("OTEL_TRACES_SAMPLER", sampler)]);
        let stdout = stdout(&output);
        let report = if sampled { "2 exported" } else { "nothing to export" };
        assert!(stdout.contains(report), "{sampler}: {stdout}");
        let header = stdout.split("header=").nth(1).unwrap().split('\n').next().unwrap();
        // The last digit's lowest bit says sampled, the next that the trace id is random.
        let flags = header.rsplit('-').next().unwrap();
        assert_eq!(flags, if sampled { "03" } else { "02" }, "{sampler}: {header}");
        assert_eq!(warnings(&output), Vec::<String>::new());
    }
}

#[test]
fn requests_are_described_to_rules_that_may_keep_them_below_an_unsampled_caller() {
    const TEST: &str =
        "requests_are_described_to_rules_that_may_keep_them_below_an_unsampled_caller";
    if is_child() {
        let telemetry = tracewire_init::init().unwrap();
        println!("described={}", tracewire_propagation::describe_unsampled());
        println!("report={}", telemetry.shutdown());
        return;
    }
    let rules = ("OTEL_TRACES_SAMPLER_ARG", "GET /orders: on; off");
    for (sampler, expected) in [("rules", true), ("parentbased_rules", false)] {
        let output = run(TEST, &[("OTEL_TRACES_SAMPLER", sampler), rules]);
        let stdout = stdout(&output);
        assert!(stdout.contains(&format!("described={expected}")), "{sampler}: {stdout}");
        assert_eq!(warnings(&output), Vec::<String>::new());
    }
}

#[test]
fn a_sampler_from_code_takes_no_span_without_ids_for_a_parent() {
    use opentelemetry_sdk::trace::Sampler;
    const TEST: &str = "a_sampler_from_code_takes_no_span_without_ids_for_a_parent";
    if is_child() {
        global::tracer("early").in_span("main", |_| {
            let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
            let telemetry =
                Telemetry::builder().traces(Traces::new().sampler(sampler)).init().unwrap();
            global::tracer("late").in_span("work", |_| ());
            println!("report={}", telemetry.shutdown());
        });
        return;
    }
    let output = run(TEST, &[]);
    assert!(stdout(&output).contains("1 exported"), "{}", stdout(&output));
}

#[test]
fn telemetry_set_up_anew_while_spans_are_open_exports_what_comes_then() {
    const TEST: &str = "telemetry_set_up_anew_while_spans_are_open_exports_what_comes_then";
    if is_child() {
        let first = tracewire_init::init().unwrap();
        // One open span of the first life, and one without ids from between the two.
        span("first").in_scope(|| {
            first.shutdown();
            span("between").in_scope(|| {
                let second = tracewire_init::init().unwrap();
                span("second").in_scope(|| {
                    assert!(Context::current().span().span_context().is_sampled());
                });
                println!("report={}", second.shutdown());
            });
        });
        return;
    }
    let output = run(TEST, &[]);
    assert!(stdout(&output).contains("1 exported"), "{}", stdout(&output));
}

#[test]
fn a_guard_that_is_dropped_at_once_is_named_at_the_first_span() {
    const TEST: &str = "a_guard_that_is_dropped_at_once_is_named_at_the_first_span";
    if is_child() {
        let _ = tracewire_init::init().unwrap();
        for _ in 0..10 {
            span("lost").in_scope(|| ());
        }
        return;
    }
    let warnings = warnings(&run(TEST, &[]));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("`let _ = init()`"), "{warnings:?}");
}

#[test]
fn a_span_after_the_shutdown_is_named_once_whatever_tracer_it_comes_from() {
    const TEST: &str = "a_span_after_the_shutdown_is_named_once_whatever_tracer_it_comes_from";
    if is_child() {
        let telemetry = tracewire_init::init().unwrap();
        let kept = global::tracer("kept");
        telemetry.shutdown_timeout(Duration::from_secs(1));
        drop(kept.start("lost"));
        drop(global::tracer("asked for later").start("lost"));
        span("lost").in_scope(|| ());
        return;
    }
    let warnings = warnings(&run(TEST, &[]));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("after the shutdown"), "{warnings:?}");
}

#[test]
fn a_quiet_end_says_nothing() {
    const TEST: &str = "a_quiet_end_says_nothing";
    if is_child() {
        let telemetry = tracewire_init::init().unwrap();
        span("kept").in_scope(|| ());
        drop(telemetry);
        return;
    }
    assert_eq!(warnings(&run(TEST, &[])), Vec::<String>::new());
}

/// An address at which nothing listens: the port was just free.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn a_missing_collector_is_one_line_that_says_what_to_do() {
    const TEST: &str = "a_missing_collector_is_one_line_that_says_what_to_do";
    if is_child() {
        let telemetry = tracewire_init::init().unwrap();
        span("lost").in_scope(|| ());
        global::meter("test").u64_counter("lost").build().add(1, &[]);
        telemetry.shutdown();
        return;
    }
    const PROTOCOLS: &[&str] = &[
        "http/protobuf",
        #[cfg(feature = "otlp-grpc")]
        "grpc",
    ];
    for protocol in PROTOCOLS {
        let endpoint = nobody();
        let variables = [
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("OTEL_METRICS_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ];
        let warnings = warnings(&run(TEST, &variables));
        assert_eq!(warnings.len(), 1, "{warnings:#?}");
        let line = &warnings[0];
        assert_eq!(line.matches(&*endpoint).count(), 1, "{line}");
        assert!(line.contains("Is a collector running there?"), "{line}");
        assert!(line.contains("OTEL_TRACES_EXPORTER=console"), "{line}");
        assert!(line.contains("OTEL_METRICS_EXPORTER=none"), "{line}");
    }
}

#[test]
fn a_second_init_is_an_error_and_one_warning() {
    const TEST: &str = "a_second_init_is_an_error_and_one_warning";
    if is_child() {
        let _telemetry = tracewire_init::init().unwrap();
        for _ in 0..3 {
            let second = Builder::init(Telemetry::builder()).unwrap_err();
            assert!(second.is_already_initialized());
        }
        return;
    }
    let warnings = warnings(&run(TEST, &[]));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("call init once"), "{warnings:?}");
}
