//! The store against a naive model, and under storms.

use std::collections::{HashMap, HashSet};

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use proptest::prelude::*;
use prost::Message;

use super::histogram::bucket;
use super::intake::PATIENCE;
use super::*;

const MILLI: u64 = 1_000_000;
/// Some time in 2026.
const START: u64 = 1_780_000_000 * SECOND;

#[derive(Clone, Debug)]
struct TestSpan {
    trace: u64,
    span: u64,
    parent: u64,
    is_entry: bool,
    name: String,
    start: u64,
    duration: u64,
    error: Option<String>,
    attribute: usize,
    source: Arc<Source>,
}

fn trace_id(n: u64) -> TraceId {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&n.to_be_bytes());
    id
}

impl TestSpan {
    fn root(source: &Arc<Source>, trace: u64, name: &str, duration: u64) -> Self {
        Self {
            trace,
            span: trace.wrapping_mul(31) + 1,
            parent: 0,
            is_entry: true,
            name: name.to_owned(),
            start: START,
            duration,
            error: None,
            attribute: 20,
            source: Arc::clone(source),
        }
    }

    fn child(&self, n: u64) -> Self {
        let span = self.span + 1 + n;
        Self { span, parent: self.span, is_entry: false, ..self.clone() }
    }

    fn failed(mut self, kind: &str) -> Self {
        self.error = Some(kind.to_owned());
        self
    }

    fn encoded(&self) -> Vec<u8> {
        let value = AnyValue { value: Some(Value::StringValue("x".repeat(self.attribute))) };
        let parent = self.parent.to_be_bytes();
        Span {
            trace_id: trace_id(self.trace).to_vec(),
            span_id: self.span.to_be_bytes().to_vec(),
            parent_span_id: if self.parent == 0 { Vec::new() } else { parent.to_vec() },
            name: self.name.clone(),
            start_time_unix_nano: self.start,
            end_time_unix_nano: self.start + self.duration,
            attributes: vec![KeyValue {
                key: "key".to_owned(),
                value: Some(value),
                ..KeyValue::default()
            }],
            status: self.error.as_ref().map(|_| Status { code: 2, ..Status::default() }),
            ..Span::default()
        }
        .encode_to_vec()
    }
}

impl EndedSpan for TestSpan {
    fn facts(&self) -> SpanFacts<'_> {
        SpanFacts {
            trace_id: trace_id(self.trace),
            span_id: self.span.to_be_bytes(),
            parent_span_id: self.parent.to_be_bytes(),
            is_entry: self.is_entry,
            name: &self.name,
            kind: 2,
            start: self.start,
            end: self.start + self.duration,
            is_error: self.error.is_some(),
            error_type: self.error.as_deref().unwrap_or_default(),
            http_status: 200,
        }
    }

    fn source(&self) -> &Arc<Source> {
        &self.source
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + self.name.len() + self.attribute
    }

    fn encode(&self, into: &mut Vec<u8>) {
        into.extend(self.encoded());
    }
}

struct Fixture {
    store: Store,
    source: Arc<Source>,
    now: u64,
}

impl Fixture {
    /// A store whose traces may take this many bytes, and that keeps all it has place for.
    fn new(traces: usize) -> Self {
        let memory = Memory { traces, ..Memory::new(DEFAULT) };
        Self::with(Options { memory, rate: 0, burst: 0, ..Options::default() })
    }

    fn with(options: Options) -> Self {
        let sources = Sources::default();
        let source = sources.intern(b"", b"");
        Self { store: Store::new(options, sources), source, now: START }
    }

    fn root(&self, trace: u64, name: &str, duration: u64) -> TestSpan {
        TestSpan::root(&self.source, trace, name, duration)
    }

    fn offer(&mut self, span: TestSpan) {
        self.now += MILLI;
        self.store.offer(span, self.now);
        self.check();
    }

    fn check(&self) {
        let budget = self.store.memory().traces;
        assert!(
            self.store.used_by_traces() <= budget,
            "{} of {budget}",
            self.store.used_by_traces()
        );
    }

    fn has(&self, trace: u64) -> bool {
        self.store.kept.contains(&trace_id(trace))
    }

    fn spans(&self, trace: u64) -> Vec<Vec<u8>> {
        let trace = self.store.trace(&trace_id(trace)).expect("the trace is here");
        trace.body.spans().map(|(_, bytes)| bytes.to_vec()).collect()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Span { trace: u64, parent: u64, is_entry: bool, duration: u64, error: Option<u8>, size: usize },
    Log { trace: u64, size: usize },
    Wait { millis: u64 },
    Pin { trace: u64 },
    Unpin { trace: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let span = (0..40_u64, 0..4_u64, any::<bool>(), 0..20_000 * MILLI, 0..20_u8, 0..3_000_usize);
    prop_oneof![
        20 => span.prop_map(|(trace, parent, is_entry, duration, error, size)| {
            let error = (error < 5).then_some(error);
            Step::Span { trace, parent, is_entry: is_entry || parent == 0, duration, error, size }
        }),
        3 => (0..40_u64, 0..3_000_usize).prop_map(|(trace, size)| Step::Log { trace, size }),
        2 => (0..40_000_u64).prop_map(|millis| Step::Wait { millis }),
        1 => (0..40_u64).prop_map(|trace| Step::Pin { trace }),
        1 => (0..40_u64).prop_map(|trace| Step::Unpin { trace }),
    ]
}

impl Fixture {
    /// Takes a step, and returns the span that was offered.
    fn take(&mut self, n: u64, step: &Step) -> Option<TestSpan> {
        match *step {
            Step::Span { trace, parent, is_entry, duration, ref error, size } => {
                let mut span = self.root(trace + 1, &format!("GET /{}", trace % 7), duration);
                span.span = n + 10;
                span.parent = parent;
                span.is_entry = is_entry;
                span.start += n;
                span.attribute = size;
                span.error = error.map(|kind| kind.to_string());
                self.offer(span.clone());
                return Some(span);
            }
            Step::Log { trace, size } => {
                let source = Arc::clone(&self.source);
                let encode = |into: &mut Vec<u8>| into.resize(size, b'l');
                self.store.offer_log(trace_id(trace + 1), &source, encode, self.now);
            }
            Step::Wait { millis } => {
                self.now += millis * MILLI;
                self.store.tick(self.now);
            }
            Step::Pin { trace } => drop(self.store.pin(&trace_id(trace + 1))),
            Step::Unpin { trace } => self.store.unpin(&trace_id(trace + 1), self.now),
        }
        None
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_store_with_enough_memory_has_what_a_naive_one_has(
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let mut fixture = Fixture::new(64 << 20);
        let mut model: HashMap<u64, Vec<TestSpan>> = HashMap::new();
        let mut requests = 0;
        for (n, step) in steps.iter().enumerate() {
            if let Some(span) = fixture.take(n as u64, step) {
                requests += u64::from(span.is_entry);
                model.entry(span.trace).or_default().push(span);
            }
            fixture.store.kept.check();
        }
        for (trace, spans) in &model {
            let kept = fixture.store.trace(&trace_id(*trace)).unwrap();
            prop_assert_eq!(fixture.spans(*trace), spans.iter().map(TestSpan::encoded).collect::<Vec<_>>());
            prop_assert_eq!(kept.summary.spans as usize, spans.len());
            prop_assert_eq!(kept.summary.errors as usize, spans.iter().filter(|s| s.error.is_some()).count());
            prop_assert_eq!(kept.summary.start, spans.iter().map(|span| span.start).min().unwrap());
            prop_assert_eq!(kept.summary.end, spans.iter().map(|s| s.start + s.duration).max().unwrap());
            prop_assert_eq!(kept.summary.has_root(), spans.iter().any(|span| span.parent == 0));
        }
        prop_assert_eq!(fixture.store.routes().map(|route| route.total().count).sum::<u64>(), requests);
        prop_assert_eq!(fixture.store.counters().traces, model.len() as u64);
        prop_assert_eq!(fixture.store.counters().let_go, 0);
    }

    #[test]
    fn a_small_store_never_exceeds_its_memory_and_its_counts_are_sums(
        steps in prop::collection::vec(step(), 1..400),
        budget in 12_000..100_000_usize,
    ) {
        let mut fixture = Fixture::new(budget);
        let mut seen = HashSet::new();
        for (n, step) in steps.iter().enumerate() {
            if let Some(span) = fixture.take(n as u64, step) {
                seen.insert(span.trace);
            }
            fixture.check();
        }
        // Nothing stays pinned, so each kept trace has a reason.
        for trace in 0..40 {
            for _ in 0..steps.len() {
                fixture.store.unpin(&trace_id(trace + 1), fixture.now);
            }
        }
        fixture.store.kept.check();
        // What is not here is known to be gone.
        for trace in seen {
            let id = trace_id(trace);
            prop_assert!(fixture.store.trace(&id).is_some() || fixture.store.gone.get(&id).is_some());
        }
    }
}

#[test]
fn a_storm_of_one_error_does_not_push_out_a_rare_one() {
    let mut fixture = Fixture::new(200_000);
    fixture.offer(fixture.root(1, "GET /a", MILLI).failed("rare"));
    for n in 2..5_000 {
        fixture.offer(fixture.root(n, "GET /a", MILLI).failed("500"));
    }
    assert!(fixture.has(1));
    assert!(fixture.has(2), "the first of a kind shows how it began");
    assert!((4_995..5_000).all(|n| fixture.has(n)));
    assert!(!fixture.has(100));
}

#[test]
fn a_storm_of_ordinary_requests_does_not_push_out_errors_and_slow_ones() {
    let mut fixture = Fixture::new(200_000);
    fixture.offer(fixture.root(1, "GET /a", MILLI).failed("timeout"));
    fixture.offer(fixture.root(2, "GET /a", 20_000 * MILLI));
    fixture.offer(fixture.root(3, "GET /b", 20 * MILLI));
    for n in 4..10_000 {
        fixture.offer(fixture.root(n, "GET /a", MILLI));
    }
    assert!((1..=3).all(|n| fixture.has(n)));
    fixture.store.kept.check();
}

#[test]
fn the_slowest_of_each_bucket_are_kept() {
    let mut fixture = Fixture::new(2_000_000);
    let mut slowest: HashMap<u8, Vec<(u64, u64)>> = HashMap::new();
    for n in 1..20_000_u64 {
        let duration = n.wrapping_mul(2_654_435_761) % 15_000_000_000;
        slowest.entry(bucket(duration)).or_default().push((duration, n));
        fixture.offer(fixture.root(n, "GET /a", duration));
    }
    for durations in slowest.values_mut() {
        durations.sort_unstable();
        for (duration, n) in durations.iter().rev().take(2) {
            assert!(fixture.has(*n), "{duration}");
        }
    }
}

#[test]
fn every_kind_of_error_has_a_trace_under_many_kinds_and_giants() {
    let mut fixture = Fixture::new(1_000_000);
    for n in 1..4_000_u64 {
        let mut root = fixture.root(n, "GET /a", n % 3_000 * MILLI);
        if n % 100 == 0 {
            root = root.failed(&format!("kind {}", n / 100));
        }
        root.attribute = if n % 7 == 0 { 64 * 1024 } else { 100 };
        fixture.offer(root);
    }
    assert!((1..40).all(|kind| fixture.has(kind * 100)));
}

#[test]
fn one_giant_trace_is_limited_and_says_so() {
    let mut fixture = Fixture::new(16 << 20);
    let root = fixture.root(1, "GET /a", MILLI);
    for n in 0..12_000 {
        let child = root.child(n);
        fixture.store.offer(if n >= 11_000 { child.failed("x") } else { child }, START);
    }
    fixture.offer(root);
    let trace = fixture.store.trace(&trace_id(1)).unwrap();
    assert_eq!(trace.summary.spans, 12_001);
    assert_eq!(trace.body.spans().count(), 10_100, "100 errors beyond the limit");
    assert_eq!(trace.summary.omitted, 1_901);
}

#[test]
fn long_values_are_cut_and_their_length_is_told() {
    let mut fixture = Fixture::new(1 << 20);
    let mut root = fixture.root(1, "GET /a", MILLI);
    root.attribute = 65_536;
    fixture.offer(root);
    let span = Span::decode(&*fixture.spans(1)[0]).unwrap();
    let Some(Value::StringValue(value)) = &span.attributes[0].value.as_ref().unwrap().value else {
        panic!("{span:?}");
    };
    assert!(
        value.ends_with("… (cut, 65536 bytes)") && value.len() < 8 * 1024 + 32,
        "{}",
        value.len()
    );
}

#[test]
fn spans_whose_root_never_ends_are_shown_and_let_go_of() {
    let mut fixture = Fixture::new(400_000);
    for n in 1..20_000_u64 {
        let child = fixture.root(n, "GET /a", MILLI).child(1);
        fixture.offer(child);
        if n % 100 == 0 {
            fixture.store.tick(fixture.now);
        }
    }
    fixture.now += PATIENCE + SECOND;
    fixture.store.tick(fixture.now);
    assert_eq!(fixture.store.waiting_count(), 0);
    assert!(fixture.has(19_999));
    assert!(!fixture.store.trace(&trace_id(19_999)).unwrap().summary.has_root());
}

#[test]
fn duplicate_ids_and_cycles_are_kept_as_they_come() {
    let mut fixture = Fixture::new(1 << 20);
    let root = fixture.root(1, "GET /a", MILLI);
    let mut one = root.child(1);
    let mut two = root.child(2);
    (one.parent, two.parent) = (two.span, one.span);
    for span in [one.clone(), one, two, root.clone(), root] {
        fixture.offer(span);
    }
    assert_eq!(fixture.spans(1).len(), 5);
}

#[test]
fn ordinary_traces_beyond_the_rate_are_not_encoded() {
    let mut fixture = Fixture::with(Options::default());
    for n in 1..=10_000_u64 {
        // All at once, each a little faster than the one before.
        let root = fixture.root(n, "GET /a", MILLI - n);
        let child = root.child(0);
        fixture.store.offer(child.clone(), START);
        fixture.store.offer(root, START);
        fixture.store.offer(child, START);
    }
    assert_eq!(fixture.store.kept.len(), 202);
    assert_eq!(fixture.store.counters().not_kept, 9_798);
    assert_eq!(fixture.store.counters().late, 9_798, "spans after the decision");
    assert_eq!(fixture.store.routes().next().unwrap().total().count, 10_000);
    // An error is kept in any case, and a trace that is slower than all.
    fixture.offer(fixture.root(20_001, "GET /a", 0).failed("x"));
    fixture.offer(fixture.root(20_002, "GET /a", MILLI));
    assert!(fixture.has(20_001) && fixture.has(20_002));
}

#[test]
fn later_spans_join_their_trace_and_an_error_changes_its_reason() {
    let mut fixture = Fixture::new(1 << 20);
    let root = fixture.root(1, "GET /a", MILLI);
    fixture.offer(root.clone());
    fixture.now += 3 * SECOND;
    fixture.store.tick(fixture.now);
    assert!(fixture.store.trace(&trace_id(1)).unwrap().summary.is_complete);
    fixture.offer(root.child(1).failed("late"));
    let trace = fixture.store.trace(&trace_id(1)).unwrap();
    assert_eq!((trace.summary.spans, trace.summary.errors), (2, 1));
    assert!(!trace.summary.is_complete);
    assert!(fixture.store.kept.get(&trace_id(1)).unwrap().reasons.error.is_some());
}

#[test]
fn a_span_of_a_trace_that_was_let_go_says_so() {
    let mut fixture = Fixture::new(60_000);
    for n in 1..1_000 {
        fixture.offer(fixture.root(n, "GET /a", MILLI));
    }
    assert!(!fixture.has(500));
    let gone = fixture.store.gone(|id| *id == trace_id(500));
    assert_eq!(gone.unwrap().0, Gone::LetGo);
    fixture.offer(fixture.root(500, "GET /a", MILLI));
    assert!(fixture.store.trace(&trace_id(500)).unwrap().summary.lacks_earlier);
}

#[test]
fn a_pinned_trace_stays_until_it_is_let_loose() {
    let mut fixture = Fixture::new(60_000);
    fixture.offer(fixture.root(1, "GET /a", MILLI / 2));
    assert!(fixture.store.pin(&trace_id(1)));
    for n in 2..1_000 {
        fixture.offer(fixture.root(n, "GET /a", MILLI));
    }
    assert!(fixture.has(1));
    fixture.store.unpin(&trace_id(1), fixture.now);
    assert!(!fixture.has(1));
    let pinned = (2..1_000).filter(|n| fixture.store.pin(&trace_id(*n))).count();
    assert_eq!(pinned, 8);
}

#[test]
fn a_waiting_trace_can_be_read() {
    let mut fixture = Fixture::new(1 << 20);
    let child = fixture.root(1, "GET /a", MILLI).child(1);
    fixture.offer(child.clone());
    assert!(!fixture.has(1));
    assert_eq!(fixture.spans(1), [child.encoded()]);
}

#[test]
fn logs_stand_beside_the_spans_of_their_trace() {
    let mut fixture = Fixture::new(1 << 20);
    let source = Arc::clone(&fixture.source);
    let encode = |into: &mut Vec<u8>| into.extend(b"log");
    let unknown = fixture.store.offer_log(trace_id(1), &source, |_| panic!("encoded"), START);
    assert!(!unknown);
    let root = fixture.root(1, "GET /a", MILLI);
    fixture.offer(root.child(1));
    assert!(fixture.store.offer_log(trace_id(1), &source, encode, START));
    fixture.offer(root);
    assert!(fixture.store.offer_log(trace_id(1), &source, encode, START));
    let trace = fixture.store.trace(&trace_id(1)).unwrap();
    assert_eq!(trace.summary.logs, 2);
    assert_eq!(trace.body.entries().filter(|(kind, ..)| *kind == Kind::Log).count(), 2);
}

#[test]
fn log_records_that_come_first_wait_for_their_spans() {
    let mut fixture = Fixture::new(1 << 20);
    let source = Arc::clone(&fixture.source);
    let encode = |into: &mut Vec<u8>| into.extend(b"log");
    assert!(fixture.store.offer_early_log(trace_id(1), &source, encode, START));
    assert!(fixture.store.offer_early_log(trace_id(2), &source, encode, START));
    assert_eq!((fixture.store.waiting_count(), fixture.store.counters().traces), (0, 0));
    assert!(fixture.store.trace(&trace_id(1)).is_none(), "a trace without spans is none");
    let root = fixture.root(1, "GET /a", MILLI);
    fixture.offer(root);
    assert_eq!(fixture.store.trace(&trace_id(1)).unwrap().summary.logs, 1);
    assert_eq!(fixture.store.counters().traces, 1);

    fixture.store.tick(START + 60 * 1_000 * MILLI);
    assert_eq!(fixture.store.waiting.used(), 0, "they are not waited for without end");
    assert_eq!(fixture.store.counters().traces, 1);
}

#[test]
fn sources_without_spans_are_given_back() {
    let mut fixture = Fixture::new(300_000);
    for n in 1..2_000_u64 {
        let mut root = fixture.root(n, "GET /a", MILLI);
        root.source = fixture.store.sources.intern(&n.to_be_bytes().repeat(100), b"");
        fixture.offer(root);
    }
    assert!(fixture.store.sources.used() < 300_000);
    assert!(fixture.has(1_999));
}

#[test]
fn a_clock_that_is_set_back_leaves_no_trace_open() {
    let mut fixture = Fixture::new(1 << 20);
    let waits = fixture.root(2, "GET /b", MILLI).child(1);
    fixture.offer(fixture.root(1, "GET /a", MILLI));
    fixture.offer(waits);
    assert!(!fixture.has(2));
    fixture.store.tick(START - 3_600 * SECOND);
    let kept = |trace| fixture.store.kept.get(&trace_id(trace)).map(|entry| &entry.trace.summary);
    assert!(kept(1).is_some_and(|summary| summary.is_complete));
    assert!(kept(2).is_some());
}

#[test]
fn an_ordinary_trace_beyond_the_rate_costs_no_encoding() {
    let mut fixture = Fixture::with(Options { rate: 1, burst: 1, ..Options::default() });
    // The first ones are the slowest of their kind.
    (1..=3).for_each(|n| fixture.offer(fixture.root(n, "GET /a", 5 * MILLI)));
    let before = fixture.store.counters();
    let child = fixture.root(4, "GET /a", 4 * MILLI).child(1);
    fixture.offer(child.clone());
    fixture.offer(fixture.root(4, "GET /a", 4 * MILLI));
    fixture.offer(child);
    let after = fixture.store.counters();
    assert_eq!((after.traces - before.traces, after.not_kept - before.not_kept), (1, 1));
    assert_eq!(after.late - before.late, 1);
    assert_eq!((fixture.has(4), fixture.store.waiting_count()), (false, 0));
    // An error that comes late is kept, in a trace that says what it lacks.
    fixture.offer(fixture.root(4, "GET /a", MILLI).child(2).failed("late"));
    fixture.store.tick(START + 60 * SECOND);
    let kept = fixture.store.kept.get(&trace_id(4)).expect("an error is kept");
    assert!(kept.trace.summary.lacks_earlier);
}
