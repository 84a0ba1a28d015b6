//! What an exemplar costs beside the measurement that it is of, as a table.
//!
//! `cargo bench -p benches --bench exemplars` counts instructions with valgrind's callgrind, where it is
//! installed, and allocations.
#![allow(clippy::print_stdout)]

use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState},
};
use std::{
    env,
    hint::black_box,
    process::Command,
    time::{Duration, SystemTime},
};
use tracewire_http::{Exemplars, conventions::DURATION_BOUNDARIES};

const OFFERS: u32 = 10_000;

/// Name, whether the series is looked up, whether the span is sampled, and the time between offers.
const CASES: [(&str, bool, bool, u64); 6] = [
    ("bound series, kept", false, true, 100),
    ("bound series, passed over", false, true, 0),
    ("bound series, not sampled", false, false, 100),
    ("series of five attributes, kept", true, true, 100),
    ("series of five attributes, passed over", true, true, 0),
    ("series of five attributes, not sampled", true, false, 100),
];

fn main() {
    let arguments: Vec<_> = env::args().collect();
    if let [_, flag, name] = &*arguments
        && flag == "--only"
    {
        return case(name);
    }
    println!("| offer | instructions | allocations |");
    println!("|---|---:|---:|");
    for (name, ..) in CASES {
        let instructions = instructions(name).map_or_else(|| "-".to_owned(), |n| n.to_string());
        let allocations = allocation_counter::measure(|| case(name)).count_total;
        let once = allocation_counter::measure(|| drop(prepare(name))).count_total;
        println!("| {name} | {instructions} | {} |", allocations.saturating_sub(once));
    }
}

/// Instructions of one offer; `None` without valgrind.
fn instructions(name: &str) -> Option<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=exemplars::offers*"])
        .arg(format!(
            "--callgrind-out-file={}/callgrind.exemplars.out",
            env!("CARGO_TARGET_TMPDIR")
        ))
        .arg(env::current_exe().ok()?)
        .args(["--only", name])
        .output()
        .ok()?;
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
    let collected = report.split("Collected : ").nth(1)?.split_whitespace().next()?;
    let collected: u64 = collected.parse().expect("callgrind reports a number");
    Some(collected / u64::from(OFFERS))
}

fn case(name: &str) {
    let (mut offer, step) = prepare(name);
    offers(&mut *offer, step);
}

type Offer = Box<dyn FnMut(f64, SystemTime)>;

/// Makes the series, with its cells.
fn prepare(name: &str) -> (Offer, Duration) {
    let case = CASES.into_iter().find(|case| case.0 == name).expect("it is a case");
    let (_, is_looked_up, is_sampled, step) = case;
    let flags = if is_sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
    let (trace, id) = (TraceId::from(1), SpanId::from(1));
    let span = SpanContext::new(trace, id, flags, false, TraceState::NONE);
    let attributes = [
        KeyValue::new("http.request.method", "GET"),
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("http.route", "/users/{id}"),
        KeyValue::new("http.response.status_code", 200),
        KeyValue::new("network.protocol.version", "1.1"),
    ];
    let scope = InstrumentationScope::builder("bench").build();
    let reservoirs =
        Exemplars::new().instrument(&scope, "http.server.request.duration", &DURATION_BOUNDARIES);
    let reservoir = reservoirs.reservoir(&attributes).expect("the store is empty");
    let offer: Offer = match is_looked_up {
        true => Box::new(move |value, time| reservoirs.offer(value, &attributes, &span, time)),
        false => Box::new(move |value, time| reservoir.offer(value, &span, time)),
    };
    (offer, Duration::from_millis(step))
}

#[inline(never)]
fn offers(offer: &mut dyn FnMut(f64, SystemTime), step: Duration) {
    let mut time = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    for _ in 0..OFFERS {
        time += step;
        offer(black_box(0.042), time);
    }
}
