//! The live page: what telemetry records is on it, and it never stands in the way.

#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider};
use opentelemetry::{Context, KeyValue};
use serde_json::Value;
use tracewire_init::{Builder, Console, Live, Logs, Metrics, Telemetry, Traces, TracesExporter};

/// Telemetry that goes nowhere else.
fn builder() -> Builder {
    Telemetry::builder()
        .service_name("shop")
        .traces(Traces::new().exporters([]))
        .metrics(Metrics::new().exporters([]))
        .logs(Logs::new().exporters([]))
}

fn get(telemetry: &Telemetry, path: &str) -> (u16, String) {
    let url = telemetry.live_url().expect("it listens");
    let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Waits until the page's answer has what is looked for.
fn wait(telemetry: &Telemetry, path: &str, found: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let (status, body) = get(telemetry, path);
        let answer: Value = serde_json::from_str(&body).unwrap_or_default();
        if status == 200 && found(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "{path}: {status} {answer:#}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn tracer(telemetry: &Telemetry) -> opentelemetry_sdk::trace::SdkTracer {
    telemetry.tracer_provider().unwrap().tracer("test")
}

/// A request with a call inside, and the id of its trace.
fn request(telemetry: &Telemetry) -> String {
    let tracer = tracer(telemetry);
    let server = tracer
        .span_builder("GET /items/{id}")
        .with_kind(SpanKind::Server)
        .with_attributes([KeyValue::new("url.path", "/items/7")])
        .start_with_context(&tracer, &Context::new());
    let context = Context::new().with_span(server);
    let client = tracer.span_builder("GET").with_kind(SpanKind::Client);
    let mut client = client.start_with_context(&tracer, &context);
    opentelemetry::trace::Span::set_status(&mut client, Status::error("gone"));
    drop(client);
    context.span().set_attribute(KeyValue::new("http.response.status_code", 502));
    let id = context.span().span_context().trace_id().to_string();
    context.span().end();
    id
}

#[test]
fn a_trace_is_on_the_page_soon_after_it_ended() {
    let telemetry = builder().live(Live::new().listen("0")).build().unwrap();
    let id = request(&telemetry);
    let list = wait(&telemetry, "/api/traces", |list| list["traces"][0]["spans"] == 2);
    let row = &list["traces"][0];
    assert_eq!(row["id"], id);
    assert_eq!((&row["name"], &row["status"]), (&"GET /items/{id}".into(), &502.into()));
    assert_eq!((&row["errors"], &row["services"][0]), (&1.into(), &"shop".into()));
    assert_eq!((&list["service"], &list["counts"]["missed"]), (&"shop".into(), &0.into()));
    let routes = wait(&telemetry, "/api/routes", |_| true);
    assert!(routes.to_string().contains("GET /items/{id}"), "{routes:#}");
}

#[test]
fn two_services_of_a_process_share_one_page() {
    let shop = builder().live(Live::new().listen("0")).build().unwrap();
    let inventory = builder()
        .service_name("inventory")
        .live(Live::new().listen("0").shared_with(&shop))
        .build()
        .unwrap();
    assert_eq!(inventory.live_url(), None, "it has no port of its own");
    let (of_shop, of_inventory) = (tracer(&shop), tracer(&inventory));
    let call = of_shop.start_with_context("call", &Context::new());
    let context = Context::new().with_span(call);
    drop(of_inventory.start_with_context("answer", &context));
    context.span().end();
    let list = wait(&shop, "/api/traces", |list| list["traces"][0]["spans"] == 2);
    let services = list["traces"][0]["services"].to_string();
    assert!(services.contains("shop") && services.contains("inventory"), "{services}");
    assert_eq!((&list["service"], list["traces"].as_array().unwrap().len()), (&"shop".into(), 1));

    let without = builder().build().unwrap();
    let none = builder().live(Live::new().shared_with(&without)).build().unwrap();
    drop(tracer(&none).start("alone")); // a page that is not there stops nothing
    assert_eq!(none.live_url(), None);
}

#[test]
fn a_flush_waits_until_the_page_has_everything() {
    let telemetry = builder().live(Live::new().listen("0")).build().unwrap();
    let id = request(&telemetry);
    telemetry.flush();
    assert_eq!(get(&telemetry, &format!("/trace/{id}")).0, 200);
}

#[test]
fn a_request_runs_from_its_start_to_its_end_with_name_and_path() {
    let telemetry = builder().live(Live::new().listen("0")).build().unwrap();
    let tracer = tracer(&telemetry);
    let span = tracer
        .span_builder("GET /items/{id}")
        .with_kind(SpanKind::Server)
        .with_attributes([KeyValue::new("url.path", "/items/7")])
        .start_with_context(&tracer, &Context::new());
    let running = wait(&telemetry, "/api/running", |_| true).to_string();
    assert!(running.contains("GET /items/{id}") && running.contains("/items/7"), "{running}");
    drop(span);
    let running = wait(&telemetry, "/api/running", |_| true).to_string();
    assert!(
        !running.contains("/items/7"),
        "it is gone at once, whatever the queue does: {running}"
    );
}

#[test]
fn metrics_and_the_report_are_there_when_they_are_looked_at() {
    let exporters = [TracesExporter::console()];
    let traces = Traces::new().exporters(exporters);
    let console = Console::new().writer(std::io::sink());
    let live = Live::new().listen("0");
    let telemetry = builder().traces(traces).console(console).live(live).build().unwrap();
    let meter = telemetry.meter_provider().unwrap().meter("test");
    meter.u64_counter("lamps").build().add(7, &[KeyValue::new("color", "red")]);
    request(&telemetry);
    let metrics = wait(&telemetry, "/api/metrics", |_| true).to_string();
    assert!(metrics.contains("lamps") && metrics.contains("red"), "{metrics}");
    wait(&telemetry, "/api/telemetry", |rows| {
        let rows = rows.to_string();
        rows.contains("console") && rows.contains("\"exported\":2")
    });
}

#[cfg(feature = "logs")]
#[test]
fn log_records_stand_beside_the_span_they_were_made_in() {
    use opentelemetry::logs::{LogRecord as _, Logger as _, LoggerProvider as _};
    let telemetry = builder().live(Live::new().listen("0")).build().unwrap();
    let logger = telemetry.logger_provider().unwrap().logger("test");
    let tracer = tracer(&telemetry);
    let (trace, span) = tracer.in_span("GET /items", |context| {
        let mut record = logger.create_log_record();
        record.set_body("the lamp is sold".into());
        logger.emit(record);
        let context = context.span().span_context().clone();
        (context.trace_id(), context.span_id())
    });
    let path = format!("/api/trace/{trace}/span/{span}");
    wait(&telemetry, &path, |span| span.to_string().contains("the lamp is sold"));
}

#[test]
fn a_page_that_cannot_be_served_does_not_stop_telemetry() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for (live, is_served) in [
        (Live::new().listen("nonsense"), false),
        (Live::new().listen("0.0.0.0:0"), false), // others could reach it
        (Live::new().listen("0").token("short"), false),
        (Live::new().listen(port.to_string()), true), // the next free one
    ] {
        let telemetry = builder().live(live).build().unwrap();
        request(&telemetry);
        assert_eq!(telemetry.live_url().is_some(), is_served);
        assert!(telemetry.shutdown().is_complete());
    }
}

#[test]
fn the_port_is_free_again_after_the_shutdown() {
    let telemetry = builder().live(Live::new().listen("0")).build().unwrap();
    let url = telemetry.live_url().unwrap();
    let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    request(&telemetry);
    assert!(telemetry.shutdown().is_complete());
    assert!(std::net::TcpListener::bind(address).is_ok());
}

#[test]
fn nothing_is_recorded_and_nothing_is_there_to_see_if_the_page_is_off() {
    let telemetry = builder().build().unwrap();
    assert_eq!(telemetry.live_url(), None);
    assert!(telemetry.meter_provider().is_none());
    let plan = format!("{:?}", telemetry.tracer_provider());
    assert!(!plan.contains("LiveSpans") && !plan.contains("Entries"), "{plan}");
}

#[test]
fn each_trace_on_the_console_has_a_link_that_works() {
    let written = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let console = Console::new().writer(Shared(std::sync::Arc::clone(&written)));
    let traces = Traces::new().exporters([TracesExporter::console()]);
    let live = Live::new().listen("0");
    let telemetry = builder().traces(traces).console(console).live(live).build().unwrap();
    let id = request(&telemetry);
    telemetry.flush();
    let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
    let link = format!("→ {}trace/{id}\n", telemetry.live_url().unwrap());
    assert!(text.contains(&link), "{text}");
    assert_eq!(get(&telemetry, &format!("/trace/{id}")).0, 200);
}

struct Shared(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_page_says_which_sampler_decides_now() {
    use tracewire_init::sampling::{AlwaysOff, Sampler};
    let telemetry = builder().live(Live::new().listen("0")).init().unwrap();
    let sampler = |answer: Value| answer["sampler"].as_str().unwrap().to_owned();
    let before = sampler(wait(&telemetry, "/api/routes", |_| true));
    assert_eq!(before, "ParentBased(AlwaysOn)");
    telemetry.replace_sampler(Sampler::new(AlwaysOff));
    let after = sampler(wait(&telemetry, "/api/status", |_| true));
    assert_eq!(after, "AlwaysOff");
}
