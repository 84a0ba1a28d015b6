//! Spans that end in running requests: what waits, what is kept, and what is dropped where it ended.

#![allow(clippy::unwrap_used)] // helpers of tests may

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use opentelemetry_proto::tonic::trace::v1::Span;
use proptest::prelude::*;
use prost::Message;
use support::{MILLI, failed, get, id, source, span, text};
use tracewire_live::{Arrival, EncodedSpan, EndedSpan, Live, Recorder, RequestStart, Source};

/// A service with the page.
struct Service {
    recorder: Recorder,
    source: Arc<Source>,
    queue: Vec<Arrival>,
}

fn trace_id(span: &Span) -> [u8; 16] {
    span.trace_id.clone().try_into().unwrap()
}

impl Service {
    fn new(live: Live) -> Self {
        let recorder = live.build();
        let source = source(&recorder, "shop");
        Self { recorder, source, queue: Vec::new() }
    }

    fn starts(&self, span: &Span) {
        if span.flags & 0x200 == 0 {
            return self.recorder.span_started(trace_id(span));
        }
        self.recorder.request_started(RequestStart {
            trace_id: trace_id(span),
            span_id: span.span_id.clone().try_into().unwrap(),
            start: UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64,
            name: span.name.as_str().into(),
            path: "/",
        });
    }

    /// Returns how many spans are to be brought.
    fn ends(&mut self, span: &Span) -> usize {
        let encoded = span.encode_to_vec().into();
        let span = EncodedSpan::new(Arc::clone(&self.source), encoded).unwrap();
        let ended = self.recorder.ended(&span.facts(), span.weight(), || Box::new(span.clone()));
        let Some(arrival) = ended else { return 0 };
        self.queue.push(arrival);
        self.queue.last().map_or(0, Arrival::spans)
    }

    fn bring(&mut self) {
        self.recorder.bring(self.queue.drain(..));
    }

    async fn ids(&self, trace: u64) -> Vec<String> {
        let (_, trace) = get(&self.recorder.page(), &format!("/api/trace/{}", id(trace))).await;
        let ids = trace["spans"]["id"].as_array().cloned().unwrap_or_default();
        ids.iter().map(|id| id.as_str().unwrap().trim_start_matches('0').to_owned()).collect()
    }

    async fn count(&self, name: &str) -> u64 {
        let (_, status) = get(&self.recorder.page(), "/api/status").await;
        status["counts"][name].as_u64().unwrap()
    }
}

#[tokio::test]
async fn an_ordinary_request_beyond_the_rate_is_dropped_where_it_ends() {
    let mut service = Service::new(Live::new().rate(1, 1));
    let request = |trace| (span(trace, 1, "GET /a", 5), span(trace, 2, "query", 1));
    let (mut brought, mut refused) = (0, 0);
    for trace in 1..=1_000 {
        let (root, child) = request(trace);
        service.starts(&root);
        service.starts(&child);
        assert_eq!(service.ends(&child), 0, "it waits");
        match service.ends(&root) {
            0 => refused = trace,
            spans => {
                assert_eq!(spans, 2);
                brought += 1;
            }
        }
    }
    // The two slowest, the one at once, and what the rate allows meanwhile.
    assert!((3..100).contains(&brought), "{brought}");
    service.bring();
    let not_kept = 1_000 - brought as u64;
    for (name, expected) in [
        ("kept", brought as u64),
        ("seen", 1_000),
        ("spans", 2_000),
        ("not_kept", not_kept),
        ("running", 0),
        ("missed", 0),
    ] {
        assert_eq!(service.count(name).await, expected, "{name}");
    }
    let (_, routes) = get(&service.recorder.page(), "/api/routes").await;
    assert_eq!(routes["routes"][0]["total"]["count"], 1_000);
    let (status, why) = get(&service.recorder.page(), &format!("/api/trace/{}", id(refused))).await;
    assert_eq!((status, &why["why"]), (404, &"not kept".into()));

    // What comes later is dropped as well, unless it failed.
    let late = span(refused, 3, "write back", 1);
    assert_eq!(service.ends(&late), 0);
    assert_eq!(service.ends(&failed(late, "timeout")), 1);
    assert_eq!(service.count("spans").await, 2_001);
}

#[tokio::test]
async fn an_error_in_a_request_or_below_it_keeps_all_of_it() {
    let mut service = Service::new(Live::new().rate(1, 1));
    for trace in 1..=100 {
        let root = span(trace, 1, "GET /a", 5);
        service.starts(&root);
        service.ends(&span(trace, 2, "query", 1));
        service.ends(&if trace == 99 {
            failed(span(trace, 3, "call", 1), "timeout")
        } else {
            span(trace, 3, "call", 1)
        });
        service.ends(&if trace == 100 { failed(root, "500") } else { root });
    }
    service.bring();
    for trace in [99, 100] {
        assert_eq!(service.ids(trace).await, ["2", "3", "1"]);
    }
}

#[tokio::test]
async fn a_slower_request_is_kept_and_one_that_could_not_be_brought_leaves_its_place() {
    let mut service = Service::new(Live::new().rate(1, 1));
    let end = |service: &mut Service, trace, millis| {
        let root = span(trace, 1, "GET /a", millis);
        service.starts(&root);
        service.ends(&root)
    };
    // The rate may allow one each second.
    let is_refused = |service: &mut Service, traces: std::ops::Range<u64>, millis| {
        traces.map(|trace| end(service, trace, millis)).any(|spans| spans == 0)
    };
    assert!(is_refused(&mut service, 1..50, 15));
    assert_eq!((end(&mut service, 101, 16), end(&mut service, 102, 17)), (1, 1));
    let last = service.queue.pop().unwrap();
    assert!(is_refused(&mut service, 201..250, 16));
    service.recorder.lost(last);
    assert_eq!(end(&mut service, 301, 16), 1);
    assert!(is_refused(&mut service, 401..450, 16));
    assert_eq!(service.count("missed").await, 1);
}

#[tokio::test]
async fn later_requests_of_a_kept_trace_join_it_before_the_store_has_seen_it() {
    let mut service = Service::new(Live::new().rate(1, 1));
    (1..=200).for_each(|trace| {
        let root = span(trace, 1, "GET /a", 15);
        service.starts(&root);
        service.ends(&root);
    });
    let first = failed(span(500, 1, "GET /a", 5), "500");
    let mut second = span(500, 2, "GET /a", 5);
    second.flags = 0x300; // called once more by a remote parent
    for root in [&first, &second] {
        service.starts(root);
        assert_eq!(service.ends(root), 1);
    }
    assert_eq!(service.ends(&span(500, 3, "late", 1)), 1);
    service.bring();
    assert_eq!(service.ids(500).await, ["1", "2", "3"]);

    // One that cannot be brought leaves the others what they are.
    let mut roots = [4, 5].map(|n| span(500, n, "GET /a", 5));
    roots.iter_mut().for_each(|root| root.flags = 0x300);
    service.starts(&roots[0]);
    assert_eq!(service.ends(&roots[0]), 1);
    let lost = service.queue.pop().unwrap();
    service.recorder.lost(lost);
    service.starts(&roots[1]);
    assert_eq!(service.ends(&roots[1]), 1);
    service.bring();
    assert_eq!(service.ids(500).await, ["1", "2", "3", "5"]);
}

#[tokio::test]
async fn a_trace_on_its_way_to_the_store_is_found_as_one_that_is_not_complete() {
    let mut service = Service::new(Live::new().rate(0, 1));
    let (brought, lost) = (span(1, 1, "GET /a", 5), span(2, 1, "GET /a", 5));
    for root in [&brought, &lost] {
        service.starts(root);
        assert_eq!(service.ends(root), 1);
    }
    let page = service.recorder.page();
    for trace in [1, 2] {
        let (status, found) = get(&page, &format!("/api/trace/{}", id(trace))).await;
        assert_eq!((status, &found["complete"], &found["total"]), (200, &false.into(), &0.into()));
    }
    let last = service.queue.pop().unwrap();
    service.recorder.lost(last);
    service.bring();
    assert_eq!(service.ids(1).await, ["1"]);
    let (status, why) = get(&page, &format!("/api/trace/{}", id(2))).await;
    assert_eq!((status, &why["why"]), (404, &"unknown".into()));
}

#[tokio::test]
async fn what_a_full_trace_does_not_take_is_dropped_where_it_ends_and_counted() {
    let mut service = Service::new(Live::new().memory_mib(4).rate(1, 1));
    let request = |n: u64, is_error: bool| {
        let mut request = span(1, n, "GET /a", 5);
        request.flags = 0x300; // a remote caller makes many in one trace
        request.attributes.push(text("padding", &"x".repeat(1_000)));
        if is_error { failed(request, "500") } else { request }
    };
    // Of two that run at once, the one that began first ends first.
    let pair = |service: &mut Service, n: u64, is_error: bool| {
        let (first, second) = (request(n, is_error), request(n + 1, is_error));
        service.starts(&first);
        service.starts(&second);
        let brought = service.ends(&first) + service.ends(&second);
        service.bring();
        brought
    };
    let (mut n, mut brought) = (2, 0);
    while n < 1_000 {
        brought += pair(&mut service, n, false);
        n += 2;
    }
    assert!((100..400).contains(&brought), "{brought}");
    assert_eq!(pair(&mut service, n, false), 0);

    // Errors are taken for longer, as there are few.
    let mut errors = 0;
    for _ in 0..500 {
        n += 2;
        errors += pair(&mut service, n, true);
    }
    assert!((50..=102).contains(&errors), "{errors}");

    // Spans within such a request are dropped with it, and those that come later as well.
    let last = request(n + 2, false);
    service.starts(&last);
    let child = |n| {
        let mut child = span(1, n, "query", 1);
        child.parent_span_id = last.span_id.clone();
        child
    };
    service.starts(&child(n + 3));
    assert_eq!(service.ends(&child(n + 3)), 0);
    assert_eq!((service.ends(&last), service.ends(&child(n + 4))), (0, 0));

    let all = n + 3;
    assert_eq!(service.count("spans").await, all);
    service.recorder.tick();
    assert_eq!(service.count("spans").await, all);
    let (_, routes) = get(&service.recorder.page(), "/api/routes").await;
    assert_eq!(routes["routes"][0]["total"]["count"], all - 2);
    let (_, trace) = get(&service.recorder.page(), &format!("/api/trace/{}", id(1))).await;
    let shown = trace["spans"]["id"].as_array().unwrap().len() as u64;
    assert_eq!(trace["omitted"].as_u64().unwrap() + shown, all);
    let (_, traces) = get(&service.recorder.page(), "/api/traces").await;
    assert_eq!(
        (&traces["traces"][0]["spans"], &traces["traces"][0]["errors"]),
        (&all.into(), &1_000.into())
    );
    assert_eq!(traces["traces"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_trace_of_two_requests_in_one_process_is_whole() {
    let mut service = Service::new(Live::new().rate(1, 1));
    let outer = span(1, 1, "GET /a", 15);
    let mut inner = span(1, 3, "GET /b", 5);
    inner.flags = 0x300;
    service.starts(&outer);
    service.ends(&span(1, 2, "query", 1));
    service.starts(&inner);
    service.ends(&span(1, 4, "query", 1));
    service.ends(&inner);
    service.ends(&span(1, 5, "render", 1));
    service.ends(&outer);
    service.bring();
    let mut ids = service.ids(1).await;
    ids.sort();
    assert_eq!(ids, ["1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn what_waits_with_a_request_is_bounded_and_shown() {
    let mut service = Service::new(Live::new().rate(0, 1));
    let root = span(1, 1, "GET /a", 15);
    service.starts(&root);
    let mut brought = 0;
    for n in 2..=200 {
        brought += service.ends(&span(1, n, "step", 1));
    }
    assert_eq!(brought, 199, "more than 64 do not wait");
    service.bring();
    assert_eq!(service.ends(&root), 1);
    service.bring();
    assert_eq!(service.ids(1).await.len(), 200);

    // Spans that wait are shown with their request, and counted.
    let root = span(2, 1, "GET /b", 15);
    service.starts(&root);
    assert_eq!(service.ends(&span(2, 2, "step", 1)), 0);
    let (_, running) = get(&service.recorder.page(), "/api/running").await;
    assert_eq!(running["requests"][0]["ended"], 1);
    assert_eq!(service.ids(2).await, ["2", "1"]);
    assert_eq!(service.ends(&span(2, 3, "step", 1)), 1, "someone is looking");
    assert_eq!(service.ends(&root), 1);
    service.bring();
    assert_eq!(service.ids(2).await, ["2", "3", "1"]);
}

#[test]
fn spans_beyond_the_memory_do_not_wait() {
    let mut service = Service::new(Live::new().memory_mib(4));
    let held = service.recorder.memory().held;
    let mut waiting = 0;
    for trace in 0..100 {
        let root = span(trace, 1, "GET /a", 15);
        service.starts(&root);
        let mut child = span(trace, 2, "step", 1);
        child.name = "x".repeat(held / 10);
        waiting += usize::from(service.ends(&child) == 0);
    }
    assert!((3..10).contains(&waiting), "{waiting}");
}

#[tokio::test]
async fn what_ended_in_a_long_request_is_brought_by_the_tick() {
    let mut service = Service::new(Live::new().rate(0, 1));
    let root = span(1, 1, "GET /a", 15);
    service.recorder.request_started(RequestStart {
        trace_id: trace_id(&root),
        span_id: [0, 0, 0, 0, 0, 0, 0, 1],
        start: UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64 - 3_000 * MILLI,
        name: "GET /a".into(),
        path: "/",
    });
    assert_eq!(service.ends(&span(1, 2, "step", 1)), 0);
    assert_eq!(service.count("spans").await, 0);
    service.recorder.tick();
    assert_eq!(service.count("spans").await, 1);
    assert_eq!((service.ends(&span(1, 3, "step", 1)), service.ends(&root)), (1, 1));
    service.bring();
    assert_eq!(service.ids(1).await, ["2", "3", "1"]);
}

#[derive(Clone, Debug)]
enum Step {
    /// A request of a trace starts, and its spans end: 1 and 2 are requests, the others are within them.
    Start(u64, u64),
    End(u64, u64, bool),
    Bring,
    Look(u64),
    Log(u64),
    Tick,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..4_u64, 1..3_u64).prop_map(|(trace, span)| Step::Start(trace, span)),
        12 => (0..4_u64, 1..8_u64, any::<bool>()).prop_map(|(t, s, e)| Step::End(t, s, e)),
        2 => Just(Step::Bring),
        1 => (0..4_u64).prop_map(Step::Look),
        1 => (0..4_u64).prop_map(Step::Log),
        1 => Just(Step::Tick),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the order, a page that keeps everything has every span once all requests have ended, and
    /// nothing is left waiting.
    #[test]
    fn no_span_is_lost_on_its_way(steps in prop::collection::vec(step(), 1..150)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut service = Service::new(Live::new().rate(0, 1));
        let mut ended: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        let mut serial = 100;
        let mut running: Vec<Span> = Vec::new();
        for step in steps {
            match step {
                Step::Start(trace, number) => {
                    serial += 1;
                    let mut root = span(trace, number, "GET /a", 5);
                    root.span_id = u64::to_be_bytes(serial).to_vec();
                    root.flags = 0x300;
                    service.starts(&root);
                    running.push(root);
                }
                Step::End(trace, number, is_error) => {
                    let place = running.iter().position(|root| root.trace_id[15] as u64 == trace);
                    let is_request = number < 3;
                    let mut span = match place.filter(|_| is_request) {
                        Some(place) => running.remove(place),
                        None => {
                            serial += 1;
                            let mut span = span(trace, 9, "step", 1);
                            span.span_id = u64::to_be_bytes(serial).to_vec();
                            service.starts(&span);
                            span
                        }
                    };
                    if is_error {
                        span = failed(span, "500");
                    }
                    let id = tracewire_text::hex::to_string(&<[u8; 8]>::try_from(span.span_id.clone()).unwrap());
                    ended.entry(trace).or_default().push(id.trim_start_matches('0').to_owned());
                    service.ends(&span);
                }
                Step::Bring => service.bring(),
                Step::Look(trace) => drop(runtime.block_on(service.ids(trace))),
                Step::Log(trace) => {
                    let trace_id = trace_id(&span(trace, 1, "", 0));
                    service.queue.extend(service.recorder.held(trace_id));
                }
                Step::Tick => service.recorder.tick(),
            }
        }
        for root in running {
            let trace = u64::from(root.trace_id[15]);
            let id = tracewire_text::hex::to_string(&<[u8; 8]>::try_from(root.span_id.clone()).unwrap());
            ended.entry(trace).or_default().push(id.trim_start_matches('0').to_owned());
            service.ends(&root);
        }
        service.bring();
        for (trace, mut expected) in ended {
            let mut found = runtime.block_on(service.ids(trace));
            found.sort();
            expected.sort();
            prop_assert_eq!(found, expected, "{}", trace);
        }
        prop_assert_eq!(runtime.block_on(service.count("running")), 0);
    }
}
