//! The programs about spans: what each of them sends.
#![allow(clippy::unwrap_used)] // a test may

mod support;

use support::{program, run, sending, service_name, spans_of};
use tracewire_testing::Collector;

#[test]
fn hello_prints_three_spans_as_a_tree() {
    let printed = run(program(env!("CARGO_BIN_EXE_hello")));
    let (greeting, tree) = printed.split_once('\n').unwrap();
    assert_eq!(greeting, "Hello world from OpenTelemetry Rust!");
    // Without the trace's id, and without the durations behind the names.
    let mut lines = tree.lines();
    let header = lines.next().unwrap();
    assert!(header.starts_with("trace ") && header.contains(" · 3 spans · "), "{header}");
    let is_duration = |c: char| c.is_ascii_digit();
    let names: Vec<_> =
        lines.map(|line| line.split(is_duration).next().unwrap().trim_end()).collect();
    assert_eq!(names, ["└─ foo", "   └─ bar", "      └─ baz", ""]);
}

#[test]
fn insert_user_records_its_error_automatically() {
    let spans = spans_of(env!("CARGO_BIN_EXE_insert_user"));
    spans.assert_snapshot(
        r#"
        insert-user
        | user.email = "ada@example.com"
        | user.id = "42"
        insert-user error: invalid digit found in string
        | error.type = "core::num::error::ParseIntError"
        | user.email = "ada@example.com"
        | user.id = "forty-two"
        | ! exception
        |   exception.message = "invalid digit found in string"
        |   exception.type = "core::num::error::ParseIntError"
        "#,
    );
    for span in spans.iter() {
        assert_eq!((&*span.scope, &*span.scope_version), ("app_or_package_name", "1.0.0"));
    }
}

#[test]
fn attributes_are_set_at_the_start_and_later() {
    let spans = spans_of(env!("CARGO_BIN_EXE_attributes"));
    spans.assert_snapshot(
        r#"
        my-operation
        | key = "value"
        | user.id = 42
        operation-name [server]
        | http.method = "GET"
        | http.route = "/projects/:id"
        "#,
    );
    assert_eq!(service_name(&spans.one("my-operation")), "my-service");
}

#[test]
fn events_have_attributes_of_every_type() {
    spans_of(env!("CARGO_BIN_EXE_events")).assert_snapshot(
        r#"
        operation
        | ! checkpoint
        |   detail = "info"
        | ! Event With No Attributes
        | ! Event With Some Attributes
        |   bool_array = [true,false]
        |   int_array = [3,4]
        |   int_val = 1
        |   string_array = ["5","6"]
        |   string_val = "two"
        "#,
    );
}

#[test]
fn exceptions_are_recorded_explicitly_and_automatically() {
    spans_of(env!("CARGO_BIN_EXE_exceptions")).assert_snapshot(
        r#"
        survives
        | ! exception
        |   exception.message = "Error Message"
        | ! exception
        |   exception.message = "Error Message"
        |   status = "failed"
        fails error: invalid digit found in string
        | error.type = "core::num::error::ParseIntError"
        | ! exception
        |   exception.message = "invalid digit found in string"
        |   exception.type = "core::num::error::ParseIntError"
        "#,
    );
}

#[test]
fn status_is_set_explicitly() {
    spans_of(env!("CARGO_BIN_EXE_status"))
        .assert_snapshot("operation error: invalid digit found in string");
}

#[test]
fn current_span_is_enriched_wherever_it_was_made_current() {
    spans_of(env!("CARGO_BIN_EXE_current_span")).assert_snapshot(
        "
        operation_name
        | attribute_key1 = 1
        started explicitly
        | attribute_key1 = 1
        ",
    );
}

#[test]
fn a_message_carries_the_trace() {
    spans_of(env!("CARGO_BIN_EXE_propagation")).assert_tree("send\n  receive");
}

#[test]
fn a_processor_adds_an_attribute_to_every_span() {
    spans_of(env!("CARGO_BIN_EXE_processor"))
        .assert_snapshot("operation\n| region = \"eu-west-1\"");
}

#[test]
fn instruments_are_exported_at_the_end() {
    let collector = Collector::start();
    run(sending(env!("CARGO_BIN_EXE_instruments"), &collector));
    let metrics = collector.metrics();
    assert_eq!(metrics.one("orders").only().value, 1.0);
    assert_eq!(metrics.one("order.size").only().count, 1);
    assert_eq!(metrics.one("queue.length").only().value, 7.0);
}
