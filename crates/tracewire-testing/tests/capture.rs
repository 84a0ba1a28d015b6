//! What a test sees of spans, metrics and logs.

use opentelemetry::{
    Context, KeyValue, Value,
    logs::{LogRecord, Logger, LoggerProvider, Severity},
    metrics::MeterProvider,
    trace::{
        Span, SpanContext, SpanKind, Status, TraceContextExt, TraceFlags, TraceState, Tracer,
        TracerProvider,
    },
};
use opentelemetry_sdk::trace::Sampler;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};
use tracewire_span::{Event, current, span};
use tracewire_testing::Capture;

fn message_of(failing: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(failing)).expect_err("it must fail");
    payload.downcast_ref::<String>().expect("a formatted message").clone()
}

fn order(capture: &Capture) {
    capture.in_scope(|| {
        span("order").kind(SpanKind::Server).attribute("items", [1, 2]).in_scope(|| {
            let order = current();
            order.add_event(Event::new("checked").attribute("ok", true));
            let _ = span("charge")
                .kind(SpanKind::Client)
                .attribute("amount", 2.0)
                .link(order.span_context())
                .in_scope(|| Err::<(), _>("refused"));
        });
    });
}

#[test]
fn a_snapshot_holds_everything_but_ids_and_times() {
    let capture = Capture::new();
    order(&capture);
    capture.spans().assert_snapshot(
        r#"
        order [server]
        | items = [1,2]
        | ! checked
        |   ok = true
          charge [client] error: refused
          | amount = 2.0
          | error.type = "_OTHER"
          | ! exception
          |   exception.message = "refused"
          | ~ order
        "#,
    );
    capture.spans().assert_tree(
        "
        order [server]
          charge [client] error: refused
        ",
    );
}

#[test]
fn assertions_on_one_span_pass_and_fail_with_the_tree() {
    let capture = Capture::new();
    order(&capture);
    let spans = capture.spans();
    let (order, charge) = (spans.one("order"), spans.one("charge"));
    order.is_root().is_kind(SpanKind::Server).is_status(Status::Unset).has_no("amount");
    charge
        .is_child_of(&order)
        .is_error()
        .has("amount", 2.0)
        .has_exactly([("error.type", Value::from("_OTHER")), ("amount", Value::from(2.0))]);
    assert_eq!(order.event("checked").attributes, [KeyValue::new("ok", true)]);
    assert_eq!(charge.scope, "tracewire-span");

    let tree = spans.snapshot();
    let failures: [Box<dyn Fn() + '_>; 9] = [
        Box::new(|| _ = charge.has("amount", 2)),
        Box::new(|| _ = charge.has("absent", 2)),
        Box::new(|| _ = charge.has_no("amount")),
        Box::new(|| _ = charge.has_exactly([("amount", 2.0)])),
        Box::new(|| _ = charge.is_root()),
        Box::new(|| _ = order.is_child_of(&charge)),
        Box::new(|| _ = order.is_error()),
        Box::new(|| _ = order.event("absent")),
        Box::new(|| _ = spans.one("absent")),
    ];
    for failing in failures {
        let message = message_of(failing);
        assert!(message.ends_with(&tree), "{message}");
    }
    let message = message_of(|| spans.assert_tree("order"));
    assert!(message.starts_with("line 1 differs\n  expected: order\n"), "{message}");
    assert!(message.ends_with(&tree), "{message}");
}

#[test]
fn captures_do_not_see_each_other() {
    let (one, other) = (Capture::new(), Capture::new());
    one.in_scope(|| span("mine").in_scope(|| ()));
    other.in_scope(|| {
        span("outer").in_scope(|| one.in_scope(|| span("inner").in_scope(|| ())));
    });
    one.spans().assert_tree("mine\ninner (parent elsewhere)");
    other.spans().assert_tree("outer");
}

#[test]
fn what_changes_from_run_to_run_can_be_masked_and_ordered() {
    let capture = Capture::new();
    capture.in_scope(|| {
        span("b").attribute("port", 40_123).in_scope(|| ());
        span("a").attribute("port", 40_124).in_scope(|| ());
    });
    let spans = capture.spans().without_values_of(["port"]).by_name();
    spans.assert_snapshot("a\n| port = \"…\"\nb\n| port = \"…\"");
}

#[test]
fn the_only_span_of_a_kind_is_found() {
    let capture = Capture::new();
    let remote = SpanContext::new(1.into(), 2.into(), TraceFlags::SAMPLED, true, TraceState::NONE);
    let tracer = capture.tracer_provider().tracer("shop");
    let server = tracer.span_builder("request").with_kind(SpanKind::Server);
    let caller = Context::new().with_remote_span_context(remote);
    let request = Context::new().with_span(server.start_with_context(&tracer, &caller));
    drop(tracer.start_with_context("query", &request));
    drop(request);
    let spans = capture.spans();
    let server = spans.of_kind(SpanKind::Server).only();
    assert_eq!((&*server.name, server.parent_is_remote), ("request", true));
    assert!(!spans.one("query").is_child_of(&server).parent_is_remote);
    let message = message_of(|| drop(spans.only()));
    assert!(message.starts_with("expected one span, but found 2\n\nall spans:"), "{message}");
}

#[test]
fn an_attribute_set_twice_is_no_attribute_once() {
    let capture = Capture::new();
    let tracer = capture.tracer_provider().tracer("shop");
    let mut span = tracer.start("work");
    span.set_attribute(KeyValue::new("n", 1));
    span.set_attribute(KeyValue::new("n", 1));
    drop(span);
    let message = message_of(|| drop(capture.spans().only().has("n", 1).clone()));
    assert!(message.contains("expected n = 1, but found n = 1 and n = 1"), "{message}");
}

#[test]
fn a_sampler_can_be_given() {
    let capture = Capture::with(|spans| spans.with_sampler(Sampler::AlwaysOff));
    order(&capture);
    assert!(capture.spans().is_empty());
}

#[test]
fn waiting_on_a_thread_ends_when_the_last_span_does() {
    let capture = Capture::new();
    let late = capture.in_scope(|| span("late").start());
    let other = std::thread::spawn({
        let late = late.clone();
        move || late.in_scope(|| span("early").in_scope(|| ()))
    });
    other.join().unwrap();
    let ending = std::thread::spawn(move || late.end());
    capture.finished().block().assert_tree("late\n  early");
    ending.join().unwrap();
}

#[tokio::test]
async fn waiting_in_a_task_ends_when_the_last_span_does() {
    let capture = Capture::new();
    let work =
        tokio::spawn(capture.run(async { span("work").run(tokio::task::yield_now()).await }));
    capture.ended_named("work").await.assert_tree("work");
    capture.ended(1).await.assert_tree("work");
    work.await.unwrap();
}

#[test]
fn a_deadline_says_what_is_missing() {
    let capture = Capture::new();
    let open = capture.in_scope(|| span("open").start());
    let message = message_of(|| drop(capture.finished().within(Duration::ZERO).block()));
    assert_eq!(message, "still waiting after 0ns\n\nstill open: [\"open\"]\n\nended:\n(no spans)");
    let message = message_of(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(capture.ended(1).within(Duration::from_millis(1)));
    });
    assert!(message.starts_with("still waiting after 1ms\n\nstill open: [\"open\"]"), "{message}");
    open.end();
}

#[test]
fn metrics_are_read_as_they_stand() {
    let capture = Capture::new();
    let meter = capture.meter_provider().meter("shop");
    let orders = meter.u64_counter("orders").with_unit("{order}").build();
    let time = meter.f64_histogram("time").with_unit("s").with_boundaries(vec![1.0]).build();
    let open = meter.i64_up_down_counter("open").build();
    let weight = meter.f64_counter("weight").build();
    orders.add(2, &[KeyValue::new("plan", "free")]);
    orders.add(1, &[]);
    open.add(-1, &[]);
    weight.add(3.0, &[]);
    time.record(0.5, &[]);
    time.record(1.5, &[]);
    let metrics = capture.metrics();
    metrics.assert_snapshot(
        r#"
        open [up-down counter]
        | -1 {}
        orders [counter] {order}
        | 2 {plan = "free"}
        | 1 {}
        time [histogram] s
        | 2 times {}
        weight [counter]
        | 3.0 {}
        "#,
    );
    let point = metrics.one("time").only();
    assert_eq!((point.value, &*point.bounds), (2.0, &[1.0][..]));
    let free = metrics.one("orders").point([("plan", "free")]);
    assert_eq!((free.value, free.attribute("plan")), (2.0, Some(&"free".into())));
    let message = message_of(|| drop(metrics.one("orders").only().clone()));
    assert!(message.starts_with("expected one point, but found 2\n\norders"), "{message}");
    orders.add(1, &[]);
    assert_eq!(capture.metrics().one("orders").point([] as [(&str, Value); 0]).value, 2.0);
}

#[test]
fn logs_are_kept_with_their_span() {
    let capture = Capture::new();
    let logger = capture.logger_provider().logger("shop");
    let emit = |body: &'static str| {
        let mut record = logger.create_log_record();
        record.set_severity_text("INFO");
        record.set_severity_number(Severity::Info);
        record.set_body(body.into());
        record.add_attribute("n", 1);
        logger.emit(record);
    };
    capture.in_scope(|| span("work").in_scope(|| emit("inside")));
    emit("outside");
    let logs = capture.logs();
    logs.assert_snapshot("INFO inside\n| n = 1\nINFO outside (outside of a span)\n| n = 1");
    assert_eq!(logs.one("inside").span_id, Some(capture.spans().one("work").span_id));
}
