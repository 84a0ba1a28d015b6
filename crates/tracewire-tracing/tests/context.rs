//! The trace, kept across tasks, and spans of both kinds inside each other.

use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt, TracerProvider},
};
use tracewire_span::{baggage, current, span};
use tracewire_testing::Capture;
use tracewire_tracing::ContextLayer;
use tracing::{Instrument, info_span, instrument, level_filters::LevelFilter};
use tracing_subscriber::{prelude::*, registry};

#[tokio::test]
async fn a_task_spawned_in_the_current_span_stays_in_the_trace() {
    let capture = Capture::new();
    let _subscriber = registry().with(ContextLayer::new()).set_default();
    let work = span("request").run(async {
        let task = async {
            span("work").run(tokio::task::yield_now()).await;
            baggage::get("tenant")
        };
        let spawn = async { tokio::spawn(task.in_current_span()).await.unwrap() };
        spawn.instrument(info_span!("handler")).await
    });
    let tenant = capture.in_scope(|| baggage::set("tenant", "acme").run(work)).await;
    capture.finished().await.assert_tree("request\n  work");
    assert_eq!(tenant.as_deref(), Some("acme"));
}

#[tokio::test]
async fn a_span_without_ids_does_not_stand_in_the_way_of_a_trace() {
    let capture = Capture::new();
    let _subscriber = registry().with(ContextLayer::new()).set_default();
    let request = capture.in_scope(|| span("request").start());
    let inside = request.in_scope(|| info_span!("inside"));
    // As left by a program that started a span before its telemetry.
    let none = Context::new().with_remote_span_context(SpanContext::NONE);
    let guard = none.attach();
    inside.in_scope(|| assert!(current().span_context().is_valid()));
    drop(guard);
    request.end();
    capture.finished().await.assert_tree("request");
}

#[tokio::test]
async fn without_the_layer_that_task_is_lost() {
    let capture = Capture::new();
    let _subscriber = registry().set_default();
    let work = async {
        let request = span("request").run(async {
            let task = async { current().span_context().is_valid() };
            let spawn = async { tokio::spawn(task.in_current_span()).await.unwrap() };
            spawn.instrument(info_span!("handler")).await
        });
        request.await
    };
    assert!(!capture.run(work).await);
}

#[tokio::test]
async fn a_span_made_inside_of_another_carries_on_for_it() {
    let capture = Capture::new();
    let _subscriber = registry().with(ContextLayer::new()).set_default();
    let request = capture.in_scope(|| span("request").start());
    let outer = request.in_scope(|| info_span!("outer"));
    // Made outside of every trace, below a span that knows one.
    let inner = info_span!(parent: &outer, "inner");
    let task = tokio::spawn(span_later().instrument(inner));
    task.await.unwrap();
    assert!(!current().span_context().is_valid());
    request.end();
    capture.finished().await.assert_tree("request\n  later");
}

async fn span_later() {
    tokio::task::yield_now().await;
    span("later").run(async {}).await;
}

#[tokio::test]
async fn a_trace_that_is_current_is_left_alone() {
    let capture = Capture::new();
    let _subscriber = registry().with(ContextLayer::new()).set_default();
    let work = async {
        let old = span("old").start();
        let carried = old.in_scope(|| info_span!("carried"));
        span("new").run(async { span("child").run(async {}).await }.instrument(carried)).await;
        old.end();
    };
    capture.run(work).await;
    capture.finished().await.by_name().assert_tree("new\n  child\nold");
}

#[instrument]
async fn instrumented() {
    span("inside").run(tokio::task::yield_now()).await;
}

#[tokio::test]
async fn spans_of_both_kinds_nest_in_either_order() {
    let capture = Capture::new();
    let bridge = tracing_opentelemetry::layer()
        .with_tracer(capture.tracer_provider().tracer("tracing"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false);
    let bridge = bridge.with_filter(LevelFilter::INFO);
    let _subscriber = registry().with(ContextLayer::new()).with(bridge).set_default();
    let work = async {
        span("outer").run(instrumented()).await;
        tokio::spawn(instrumented().in_current_span()).await.unwrap();
    };
    capture.run(async { work.instrument(info_span!("root")).await }).await;
    capture.finished().await.assert_tree(
        "
        root
          outer
            instrumented
              inside
          instrumented
            inside
        ",
    );
}
