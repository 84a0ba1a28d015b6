//! What arrives at the exporter, as whole spans.

mod support;

use futures_util::{StreamExt, stream};
use opentelemetry::context::FutureExt;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, SystemTime};
use support::Recorder;
use tracewire_span::{
    Context, Event, KeyValue, SpanKind, Status, Tracer, baggage, current, span, spawn,
    spawn_blocking,
};

#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no connection")
    }
}

impl Error for Refused {}

const REFUSED: &str = "{exception.message=no connection, exception.type=spans::Refused}";

#[test]
fn closures_nest() {
    let recorder = Recorder::new();
    let _guard = recorder.context().attach();
    span("foo").in_scope(|| span("bar").in_scope(|| span("baz").in_scope(|| ())));
    assert_eq!(
        recorder.lines(),
        ["bar > baz Internal Unset {}", "foo > bar Internal Unset {}", "- > foo Internal Unset {}"]
    );
}

#[tokio::test]
async fn futures_nest_across_awaits() {
    let recorder = Recorder::new();
    let work = span("outer").run(async {
        tokio::task::yield_now().await;
        let value = span("inner").run(async { 7 }).await;
        tokio::task::yield_now().await;
        current().set_attribute("value", value);
        value
    });
    assert_eq!(work.with_context(recorder.context()).await, 7);
    assert_eq!(
        recorder.lines(),
        ["outer > inner Internal Unset {}", "- > outer Internal Unset {value=7}"]
    );
}

#[tokio::test]
async fn an_err_is_recorded_by_itself() {
    let recorder = Recorder::new();
    let _guard = recorder.context().attach();
    let result = span("price").run(async { Err::<u8, _>(Refused) }).await;
    assert!(result.is_err());
    let _ =
        span("boxed").run(async { Err::<u8, Box<dyn Error + Send + Sync>>("gone".into()) }).await;
    let _ = span("scope").in_scope(|| Err::<(), _>(String::from("text")));
    let _ = span("fine").run(async { Ok::<_, Refused>(1) }).await;
    assert_eq!(
        recorder.lines(),
        [
            format!(
                "- > price Internal Error {{ description: \"no connection\" }} \
                 {{error.type=spans::Refused}} !exception{REFUSED}"
            ),
            "- > boxed Internal Error { description: \"gone\" } {error.type=_OTHER} \
             !exception{exception.message=gone}"
                .into(),
            "- > scope Internal Error { description: \"text\" } {error.type=_OTHER} \
             !exception{exception.message=text}"
                .into(),
            "- > fine Internal Unset {}".into(),
        ]
    );
}

#[tokio::test]
async fn an_err_can_be_ignored() {
    struct NoDisplay;
    let recorder = Recorder::new();
    let _guard = recorder.context().attach();
    let _ = span("future").ignore_errors().run(async { Err::<u8, _>(NoDisplay) }).await;
    let _ = span("scope").ignore_errors().in_scope(|| Err::<u8, _>(Refused));
    let items = stream::iter([Err::<u8, _>(Refused)]);
    span("stream").ignore_errors().stream(items).for_each(|_| async {}).await;
    assert_eq!(
        recorder.lines(),
        [
            "- > future Internal Unset {}",
            "- > scope Internal Unset {}",
            "- > stream Internal Unset {}"
        ]
    );
}

#[tokio::test]
async fn a_panic_is_recorded_and_goes_on() {
    let recorder = Recorder::new();
    let _guard = recorder.context().attach();
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
    let expected = |name: &str, message: &str| {
        format!(
            "- > {name} Internal Error {{ description: \"{message}\" }} {{error.type=panic}} \
             !exception{{exception.message={message}, exception.type=panic}}"
        )
    };
    assert_eq!(
        recorder.lines(),
        [
            expected("scope", "out of cheese"),
            expected("future", "no more"),
            expected("ignoring", "still")
        ]
    );
    drop(future);
    assert_eq!(recorder.lines().len(), 3);
}

#[tokio::test]
async fn a_dropped_future_ends_its_span_after_what_is_inside() {
    struct SpanOnDrop;
    impl Drop for SpanOnDrop {
        fn drop(&mut self) {
            span("rollback").in_scope(|| ());
        }
    }
    let recorder = Recorder::new();
    let _guard = recorder.context().attach();
    let mut future = Box::pin(span("transaction").run(async {
        let _transaction = SpanOnDrop;
        std::future::pending::<()>().await;
    }));
    assert!(futures_util::poll!(future.as_mut()).is_pending());
    assert_eq!(recorder.lines(), [""; 0]);
    drop(future);
    assert_eq!(
        recorder.lines(),
        ["transaction > rollback Internal Unset {}", "- > transaction Internal Unset {}"]
    );
}

#[test]
fn a_future_never_polled_makes_no_span() {
    let recorder = Recorder::new();
    let _guard = recorder.context().attach();
    drop(span("lazy").run(async {}));
    assert_eq!(recorder.lines(), [""; 0]);
}

#[tokio::test]
async fn the_span_ends_with_its_future_even_if_a_task_still_holds_it() {
    let recorder = Recorder::new();
    let _guard = recorder.context().attach();
    let held = span("request").ignore_errors().run(async { current() }).await;
    assert_eq!(recorder.lines(), ["- > request Internal Unset {}"]);
    held.set_attribute("late", true).add_event("late").end();
    assert!(!held.is_recording());
    assert_eq!(recorder.lines(), ["- > request Internal Unset {}"]);
}

#[test]
fn everything_at_the_start_arrives() {
    let recorder = Recorder::new();
    let other = SpanContext::new(
        TraceId::from(1),
        SpanId::from(2),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    let tracer = Tracer::new("shop").version("1.2.3").provider(recorder.provider());
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
    assert_eq!(recorder.lines(), ["- > price Client Unset {a=x, b=y, c=0.5, item=17}"]);
    let span = &recorder.spans()[0];
    assert_eq!(span.instrumentation_scope.name(), "shop");
    assert_eq!(span.instrumentation_scope.version(), Some("1.2.3"));
    assert_eq!(span.end_time.duration_since(span.start_time).unwrap(), Duration::from_secs(1));
    assert_eq!(span.links.links.len(), 2);
    assert!(span.links.links.iter().all(|link| link.span_context == other));
    assert_eq!(span.links.links[1].attributes, [KeyValue::new("why", "batch")]);
}

#[test]
fn the_current_span_is_enriched_from_anywhere() {
    let recorder = Recorder::new();
    let _guard = recorder.context().attach();
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
            .rename("renamed")
            .set_status(Status::Ok);
    });
    assert_eq!(
        recorder.lines(),
        [format!(
            "- > renamed Internal Ok {{n=1, s=two}} !plain{{}} !full{{bool_array=[true,false], \
             int_array=[3,4], int_val=1, string_array=[\"5\",\"6\"], string_val=two}} \
             !exception{REFUSED} \
             !exception{{exception.message=odd, exception.type=Odd, status=failed}}"
        )]
    );
    assert_eq!(recorder.spans()[0].events.events[1].timestamp, then);
}

#[test]
fn values_are_computed_only_when_recording() {
    current().record(|_| panic!("nobody records"));
    let recorder = Recorder::new();
    let _guard = recorder.context().attach();
    span("work").in_scope(|| {
        current().record(|span| {
            span.set_attribute("computed", 6 * 7);
        });
    });
    assert_eq!(recorder.lines(), ["- > work Internal Unset {computed=42}"]);
}

#[test]
fn long_names_and_texts_are_cut_and_marked() {
    let recorder = Recorder::new();
    let _guard = recorder.context().attach();
    let long = "x".repeat(5000);
    let _ = span(long.clone()).attribute("text", &long).in_scope(|| Err::<(), _>(long.clone()));
    let (name, text) = ("x".repeat(253) + "…", "x".repeat(4093) + "…");
    assert_eq!(
        recorder.lines(),
        [format!(
            "- > {name} Internal Error {{ description: \"{text}\" }} {{error.type=_OTHER, \
             text={text}}} !exception{{exception.message={text}}}"
        )]
    );
}

#[tokio::test]
async fn tasks_and_threads_stay_in_the_trace() {
    let recorder = Recorder::new();
    let _guard = recorder.context().attach();
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
    assert_eq!(
        recorder.lines(),
        [
            "order > task Internal Unset {}",
            "order > blocking Internal Unset {}",
            "order > thread Internal Unset {}",
            "order > bare Internal Unset {}",
            "- > order Internal Unset {}",
        ]
    );
}

#[tokio::test]
async fn a_span_may_end_later_than_its_scope() {
    let recorder = Recorder::new();
    let _guard = recorder.context().attach();
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
    assert_eq!(
        recorder.lines(),
        [
            "import > first Internal Unset {}",
            "import > second Internal Unset {}",
            "- > import Internal Unset {rows=3}",
        ]
    );
}

#[tokio::test]
async fn a_stream_is_one_span() {
    let recorder = Recorder::new();
    let _guard = recorder.context().attach();
    let rows = stream::iter([Ok(1), Err(Refused)]).map(|row| {
        current().add_event("row");
        row
    });
    let rows: Vec<_> = span("rows").stream(rows).collect().await;
    assert_eq!(rows.len(), 2);
    let mut dropped = Box::pin(span("dropped").stream(stream::iter([1, 2])));
    assert_eq!(dropped.next().await, Some(1));
    drop(dropped);
    assert_eq!(
        recorder.lines(),
        [
            format!(
                "- > rows Internal Error {{ description: \"no connection\" }} \
                 {{error.type=spans::Refused}} !row{{}} !row{{}} !exception{REFUSED}"
            ),
            "- > dropped Internal Unset {}".into(),
        ]
    );
}

#[tokio::test]
async fn the_parent_is_what_is_current_at_the_first_poll() {
    let recorder = Recorder::new();
    let _guard = recorder.context().attach();
    let made_before = span("inner").run(async {});
    span("outer").run(made_before).await;
    assert_eq!(
        recorder.lines(),
        ["outer > inner Internal Unset {}", "- > outer Internal Unset {}"]
    );
}

#[test]
fn a_parent_can_be_chosen() {
    let recorder = Recorder::new();
    let _guard = recorder.context().attach();
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
    assert_eq!(
        recorder.lines(),
        [
            "first > child of first Internal Unset {}",
            "- > new trace Internal Unset {tenant=acme}",
            "- > second Internal Unset {}",
            "- > first Internal Unset {}",
        ]
    );
    let traces: std::collections::HashSet<_> =
        recorder.spans().iter().map(|span| span.span_context.trace_id()).collect();
    assert_eq!(traces.len(), 3);
}

#[test]
fn without_a_provider_everything_is_quiet() {
    let _guard = Context::new().attach();
    let started = span("nobody").attribute("a", 1).start();
    assert!(!started.is_recording());
    assert!(!started.span_context().is_valid());
    started.set_attribute("b", 2).add_event("c").fail(&Refused).rename("d").end();
    assert_eq!(span("answer").in_scope(|| 42), 42);
}
