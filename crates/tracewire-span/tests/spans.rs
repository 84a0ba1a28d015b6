//! What spans by hand come to, each with all that it holds.

use futures_util::{StreamExt, stream};
use http::HeaderMap;
use opentelemetry::{
    context::FutureExt,
    trace::{Link, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};
use std::{
    error::Error,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, SystemTime},
};
use tracewire_propagation::{Propagator, TraceContext};
use tracewire_span::{
    Context, Event, KeyValue, SpanKind, Status, Tracer, baggage, current, span, spawn,
    spawn_blocking,
};
use tracewire_testing::Capture;

#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no connection")
    }
}

impl Error for Refused {}

#[test]
fn closures_nest() {
    let capture = Capture::new();
    let _guard = capture.context().attach();
    span("foo").in_scope(|| span("bar").in_scope(|| span("baz").in_scope(|| ())));
    capture.spans().assert_snapshot("foo\n  bar\n    baz");
}

#[test]
fn the_trace_of_a_root_span_is_marked_as_random() {
    let flags = |context: &Context| {
        let mut headers = HeaderMap::new();
        TraceContext::new().inject(context, &mut headers);
        headers["traceparent"].to_str().unwrap()[53..].to_owned()
    };
    let capture = Capture::new();
    capture.in_scope(|| {
        let inside = || span("child").in_scope(|| flags(&Context::current()));
        assert_eq!(span("root").in_scope(inside), "03");
    });
    // Of another's trace only the other knows it.
    let other = SpanContext::new(
        TraceId::from(1),
        SpanId::from(1),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let _guard = capture.context().with_remote_span_context(other).attach();
    assert_eq!(span("child").in_scope(|| flags(&Context::current())), "01");
}

#[tokio::test]
async fn futures_nest_across_awaits() {
    let capture = Capture::new();
    let work = span("outer").run(async {
        tokio::task::yield_now().await;
        let value = span("inner").run(async { 7 }).await;
        tokio::task::yield_now().await;
        current().set_attribute("value", value);
        value
    });
    assert_eq!(work.with_context(capture.context()).await, 7);
    capture.spans().assert_snapshot("outer\n| value = 7\n  inner");
}

#[tokio::test]
async fn an_err_is_recorded_by_itself() {
    let capture = Capture::new();
    let _guard = capture.context().attach();
    let result = span("price").run(async { Err::<u8, _>(Refused) }).await;
    assert!(result.is_err());
    let _ =
        span("boxed").run(async { Err::<u8, Box<dyn Error + Send + Sync>>("gone".into()) }).await;
    let _ = span("scope").in_scope(|| Err::<(), _>(String::from("text")));
    let _ = span("fine").run(async { Ok::<_, Refused>(1) }).await;
    capture.spans().assert_snapshot(
        r#"
        price error: no connection
        | error.type = "spans::Refused"
        | ! exception
        |   exception.message = "no connection"
        |   exception.type = "spans::Refused"
        boxed error: gone
        | error.type = "_OTHER"
        | ! exception
        |   exception.message = "gone"
        scope error: text
        | error.type = "_OTHER"
        | ! exception
        |   exception.message = "text"
        fine
        "#,
    );
}

#[tokio::test]
async fn an_err_can_be_ignored() {
    struct NoDisplay;
    let capture = Capture::new();
    let _guard = capture.context().attach();
    let _ = span("future").ignore_errors().run(async { Err::<u8, _>(NoDisplay) }).await;
    let _ = span("scope").ignore_errors().in_scope(|| Err::<u8, _>(Refused));
    let items = stream::iter([Err::<u8, _>(Refused)]);
    span("stream").ignore_errors().stream(items).for_each(|_| async {}).await;
    capture.spans().assert_snapshot("future\nscope\nstream");
}

#[tokio::test]
async fn a_panic_is_recorded_and_goes_on() {
    let capture = Capture::new();
    let _guard = capture.context().attach();
    let what = String::from("cheese");
    let scope = catch_unwind(|| span("scope").in_scope(|| -> () { panic!("out of {what}") }));
    assert_eq!(scope.unwrap_err().downcast_ref::<String>().unwrap(), "out of cheese");

    let mut future = Box::pin(span("future").ignore_errors().run(async { panic!("no more") }));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let polled = catch_unwind(AssertUnwindSafe(|| {
        let _: std::task::Poll<()> = future.as_mut().poll(&mut cx);
    }));
    assert_eq!(polled.unwrap_err().downcast_ref::<&str>().unwrap(), &"no more");
    // Recorded where it happened, not when the future is dropped.
    let ignoring = span("ignoring").ignore_errors();
    let _ = catch_unwind(AssertUnwindSafe(|| ignoring.in_scope(|| panic!("still"))));
    let expected = r#"
        scope error: out of cheese
        | error.type = "panic"
        | ! exception
        |   exception.message = "out of cheese"
        |   exception.type = "panic"
        future error: no more
        | error.type = "panic"
        | ! exception
        |   exception.message = "no more"
        |   exception.type = "panic"
        ignoring error: still
        | error.type = "panic"
        | ! exception
        |   exception.message = "still"
        |   exception.type = "panic"
    "#;
    capture.spans().assert_snapshot(expected);
    drop(future);
    capture.spans().assert_snapshot(expected);
}

#[tokio::test]
async fn a_dropped_future_ends_its_span_after_what_is_inside() {
    struct SpanOnDrop;
    impl Drop for SpanOnDrop {
        fn drop(&mut self) {
            span("rollback").in_scope(|| ());
        }
    }
    let capture = Capture::new();
    let _guard = capture.context().attach();
    let mut future = Box::pin(span("transaction").run(async {
        let _transaction = SpanOnDrop;
        std::future::pending::<()>().await;
    }));
    assert!(futures_util::poll!(future.as_mut()).is_pending());
    assert!(capture.spans().is_empty());
    drop(future);
    capture.spans().assert_snapshot("transaction\n  rollback");
}

#[test]
fn a_future_never_polled_makes_no_span() {
    let capture = Capture::new();
    let _guard = capture.context().attach();
    drop(span("lazy").run(async {}));
    assert!(capture.spans().is_empty());
}

#[tokio::test]
async fn the_span_ends_with_its_future_even_if_a_task_still_holds_it() {
    let capture = Capture::new();
    let _guard = capture.context().attach();
    let held = span("request").ignore_errors().run(async { current() }).await;
    capture.spans().assert_snapshot("request");
    assert!(!held.is_recording());
    held.set_attribute("late", true)
        .set_attributes([("later", 1)])
        .add_event("late")
        .record_error(&Refused)
        .fail(&Refused)
        .set_status(Status::error("late"))
        .update_name("late")
        .add_link(held.span_context())
        .if_recording(|_| panic!("nobody records"))
        .end();
    held.end_at(SystemTime::UNIX_EPOCH);
    let spans = capture.spans();
    spans.assert_snapshot("request");
    assert!(spans[0].end_time > SystemTime::UNIX_EPOCH);
}

#[test]
fn everything_at_the_start_arrives() {
    let capture = Capture::new();
    let other = SpanContext::new(
        TraceId::from(1),
        SpanId::from(2),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    let tracer = Tracer::new("shop").version("1.2.3").provider(capture.tracer_provider());
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(5);
    let started = tracer
        .span("price")
        .kind(SpanKind::Client)
        .attribute("item", 1)
        .attribute("item", 17)
        .attribute("absent", None::<i64>)
        .attributes([("a", "x"), ("b", "y")])
        .attributes([KeyValue::new("c", 0.5)])
        .link(other.clone())
        .link(SpanContext::NONE)
        .link_with(other.clone(), [("why", "batch")])
        .start_time(start)
        .start();
    started.end_at(start + Duration::from_secs(1));
    let spans = capture.spans();
    spans.assert_snapshot(
        r#"
        price [client]
        | a = "x"
        | b = "y"
        | c = 0.5
        | item = 17
        | ~ a span elsewhere
        | ~ a span elsewhere
        |   why = "batch"
        "#,
    );
    let span = &spans[0];
    assert_eq!((&*span.scope, &*span.scope_version), ("shop", "1.2.3"));
    assert_eq!(span.end_time.duration_since(span.start_time).unwrap(), Duration::from_secs(1));
    let linked = |id: SpanId| span.links.iter().all(|link| link.span_id == id);
    assert!(linked(other.span_id()) && span.links[0].trace_id == other.trace_id());
}

/// Samples what has a link and the attribute `keep`.
#[derive(Clone, Debug)]
struct Picky;

impl ShouldSample for Picky {
    fn should_sample(
        &self,
        _parent: Option<&Context>,
        _trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let keep = attributes.contains(&KeyValue::new("keep", true));
        let seen = keep && *kind == SpanKind::Client && name == "seen" && links.len() == 1;
        let decision =
            if seen { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
        SamplingResult { decision, attributes: Vec::new(), trace_state: TraceState::default() }
    }
}

#[test]
fn a_sampler_sees_everything_at_the_start() {
    let capture = Capture::with(|spans| spans.with_sampler(Picky));
    let _guard = capture.context().attach();
    let unseen = span("unseen").attribute("keep", true).kind(SpanKind::Client).start();
    let context = unseen.span_context();
    assert!(context.is_valid() && !context.is_sampled() && !unseen.is_recording());
    span("seen").attribute("keep", true).kind(SpanKind::Client).link(context).in_scope(|| ());
    capture.spans().assert_snapshot("seen [client]\n| keep = true\n| ~ a span elsewhere");
}

#[test]
fn the_current_span_is_enriched_from_anywhere() {
    let capture = Capture::new();
    let _guard = capture.context().attach();
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(9);
    span("work").in_scope(|| {
        current()
            .set_attribute("n", 1)
            .set_attributes([("s", "two")])
            .add_event("plain")
            .add_event(
                Event::new("full")
                    .attribute("int_val", 1)
                    .attribute("string_val", "two")
                    .attribute("int_array", [3, 4])
                    .attribute("string_array", ["5", "6"])
                    .attribute("bool_array", [true, false])
                    .timestamp(then),
            )
            .record_error(&Refused)
            .record_error_with("odd", [("exception.type", "Odd"), ("status", "failed")])
            .update_name("renamed")
            .set_status(Status::Ok);
    });
    let spans = capture.spans();
    spans.assert_snapshot(
        r#"
        renamed ok
        | n = 1
        | s = "two"
        | ! plain
        | ! full
        |   bool_array = [true,false]
        |   int_array = [3,4]
        |   int_val = 1
        |   string_array = ["5","6"]
        |   string_val = "two"
        | ! exception
        |   exception.message = "no connection"
        |   exception.type = "spans::Refused"
        | ! exception
        |   exception.message = "odd"
        |   exception.type = "Odd"
        |   status = "failed"
        "#,
    );
    assert_eq!(spans[0].event("full").timestamp, then);
}

#[test]
fn values_are_computed_only_when_recording() {
    current().if_recording(|_| panic!("nobody records"));
    let capture = Capture::new();
    let _guard = capture.context().attach();
    span("work").in_scope(|| {
        current().if_recording(|span| {
            span.set_attribute("computed", 6 * 7);
        });
    });
    capture.spans().assert_snapshot("work\n| computed = 42");
}

#[test]
fn long_names_and_texts_are_cut_and_marked() {
    let capture = Capture::new();
    let _guard = capture.context().attach();
    let long = "x".repeat(5000);
    let _ = span(long.clone()).attribute("text", &long).in_scope(|| Err::<(), _>(long.clone()));
    span("short").attribute(long.clone(), 1).in_scope(|| {
        let event = Event::new(long.clone()).attribute(long.clone(), [long.clone()]);
        current()
            .add_event(event)
            .set_status(Status::error(long.clone()))
            .update_name(long.clone());
    });
    let (name, text) = ("x".repeat(253) + "…", "x".repeat(4093) + "…");
    capture.spans().assert_snapshot(&format!(
        r#"
        {name} error: {text}
        | error.type = "_OTHER"
        | text = "{text}"
        | ! exception
        |   exception.message = "{text}"
        {name} error: {text}
        | {name} = 1
        | ! {name}
        |   {name} = ["{text}"]
        "#
    ));
}

#[tokio::test]
async fn tasks_and_threads_stay_in_the_trace() {
    let capture = Capture::new();
    let _guard = capture.context().attach();
    let work = async {
        spawn(span("task").run(async { tokio::task::yield_now().await })).await.unwrap();
        spawn_blocking(|| span("blocking").in_scope(|| baggage::get("tenant"))).await.unwrap();
        let here = current();
        std::thread::spawn(move || here.in_scope(|| span("thread").in_scope(|| ())))
            .join()
            .unwrap();
        // The span itself keeps the parent it was made under.
        tokio::spawn(span("bare").run(async {})).await.unwrap();
    };
    baggage::set("tenant", "acme").run(span("order").run(work)).await;
    capture.spans().assert_snapshot(
        "
        order
          task
          blocking
          thread
          bare
        ",
    );
}

#[tokio::test]
async fn a_span_may_end_later_than_its_scope() {
    let capture = Capture::new();
    let _guard = capture.context().attach();
    let import = span("import").start();
    import.in_scope(|| span("first").in_scope(|| ()));
    let rest = tokio::spawn({
        let inner = import.clone();
        import.carry(async move {
            span("second").run(async {}).await;
            inner.set_attribute("rows", 3).end();
        })
    });
    rest.await.unwrap();
    capture.spans().assert_snapshot("import\n| rows = 3\n  first\n  second");
}

#[tokio::test]
async fn a_stream_is_one_span() {
    let capture = Capture::new();
    let _guard = capture.context().attach();
    let rows = stream::iter([Ok(1), Err(Refused)]).map(|row| {
        current().add_event("row");
        row
    });
    let rows: Vec<_> = span("rows").stream(rows).collect().await;
    assert_eq!(rows.len(), 2);
    let mut dropped = Box::pin(span("dropped").stream(stream::iter([1, 2])));
    assert_eq!(dropped.next().await, Some(1));
    drop(dropped);
    capture.spans().assert_snapshot(
        r#"
        rows error: no connection
        | error.type = "spans::Refused"
        | ! row
        | ! row
        | ! exception
        |   exception.message = "no connection"
        |   exception.type = "spans::Refused"
        dropped
        "#,
    );
}

#[tokio::test]
async fn the_parent_is_what_is_current_at_the_first_poll() {
    let capture = Capture::new();
    let _guard = capture.context().attach();
    let made_before = span("inner").run(async {});
    span("outer").run(made_before).await;
    capture.spans().assert_snapshot("outer\n  inner");
}

#[test]
fn a_parent_can_be_chosen() {
    let capture = Capture::new();
    let _guard = capture.context().attach();
    let first = span("first").start();
    span("second").in_scope(|| {
        span("child of first").parent(&first).in_scope(|| ());
        baggage::set("tenant", "acme").in_scope(|| {
            span("new trace").root().in_scope(|| {
                current().set_attribute("tenant", baggage::get("tenant"));
            });
        });
    });
    first.end();
    let spans = capture.spans();
    spans.assert_snapshot(
        r#"
        first
          child of first
        second
        new trace
        | tenant = "acme"
        "#,
    );
    let traces: std::collections::HashSet<_> = spans.iter().map(|span| span.trace_id).collect();
    assert_eq!(traces.len(), 3);
}

#[tokio::test]
async fn without_a_provider_everything_is_quiet() {
    let _guard = Context::new().attach();
    let started = span("nobody").attribute("a", 1).start();
    assert!(!started.is_recording());
    assert!(!started.span_context().is_valid());
    started.set_attribute("b", 2).add_event("c").fail(&Refused).update_name("d").end();
    assert_eq!(span("answer").in_scope(|| 42), 42);
    assert!(span("future").run(async { Err::<u8, _>(Refused) }).await.is_err());
    let rows = span("rows").stream(stream::iter([Ok(1), Err(Refused)]));
    assert_eq!(rows.collect::<Vec<_>>().await.len(), 2);
    let tenant =
        baggage::set("tenant", "acme").run(async { spawn(async { baggage::get("tenant") }).await });
    assert_eq!(tenant.await.unwrap().as_deref(), Some("acme"));
}
