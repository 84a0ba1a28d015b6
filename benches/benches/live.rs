//! What the live page costs a service, and what it takes.
//!
//! `cargo bench -p benches --features live --bench live [-- WORDS]` runs the parts
//! `instructions` (valgrind), `requests` (`wrk`) and `memory` that all `words` are in; `-- memory 600`
//! measures memory for 600 seconds instead of 60. Without the feature `live` the instructions are those
//! of a service whose page was never built.
#![allow(clippy::print_stdout)]

use benches::{
    http::servers,
    live::{Page, Process},
    load::{Cores, Export, Server, Sink, Traces, wrk_with},
};
use std::{
    env,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

const PAIRS: usize = 24;
const SECONDS_A_ROUND: u32 = 1;
const REQUESTS: u64 = 2_000;
/// Student's t for 23 degrees of freedom, 95 %.
const T: f64 = 2.069;
const IS_BUILT: bool = cfg!(feature = "live");

/// Whether the page is on, and how many tabs show it.
const ROWS: [(&str, Option<usize>); 4] = [
    ("off", None),
    ("on, no browser", Some(0)),
    ("on, 1 tab open", Some(1)),
    ("on, 4 tabs open", Some(4)),
];

fn main() {
    let (numbers, words): (Vec<_>, Vec<_>) = env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .partition(|word| word.parse::<u64>().is_ok());
    let is_wanted = |part: &str| words.iter().all(|word| part.contains(word.as_str()));
    let seconds = numbers.first().and_then(|number| number.parse().ok()).unwrap_or(60);
    if is_wanted("instructions") {
        instructions();
    }
    if is_wanted("requests") && IS_BUILT {
        requests("each of a trace of its own", Traces::Each);
        requests("all of one trace", Traces::One);
    }
    if is_wanted("memory") && IS_BUILT {
        println!("\n### memory, with {} traces a second\n", 1_000);
        println!(
            "| traces | RSS before | RSS | most RSS | counted | missed | list p50 | list p95 |"
        );
        println!("|---|---:|---:|---:|---:|---:|---:|---:|");
        memory("10 spans", &["10"], seconds);
        memory("3 spans, one with 64 KiB", &["3", "large"], seconds);
    }
}

/// Instructions of a request on the thread that serves it, all layers and the router included.
fn instructions() {
    println!(
        "\n### instructions of a request, feature `live` {}\n",
        if IS_BUILT { "on" } else { "off" }
    );
    let rows: &[(&str, &str)] = if IS_BUILT {
        &[("off", "false"), ("on", "127.0.0.1:0")]
    } else {
        &[("not built", "false")]
    };
    for (name, variable) in rows {
        let counts: Option<Vec<_>> = (0..3).map(|_| count(variable)).collect();
        match counts {
            Some(mut counts) => {
                counts.sort_unstable();
                println!("page {name}: {} ({} to {})", counts[1], counts[0], counts[2]);
            }
            None => println!("page {name}: NOT COUNTED, because valgrind is not installed"),
        }
    }
}

fn count(live: &str) -> Option<u64> {
    let sink = Sink::start(Duration::ZERO);
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=benches::live::Requests::run*")
        .arg(env!("CARGO_BIN_EXE_live"))
        .args(["requests", &REQUESTS.to_string()])
        .env_clear()
        .envs([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*sink.endpoint()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            // The request's traceparent is always the same: without it each is a trace of its own.
            ("OTEL_PROPAGATORS", "none"),
            ("OTEL_SERVICE_NAME", "load"),
            // All that is made waits, so that no other thread is counted.
            ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "65536"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "65536"),
            ("TRACEWIRE_LIVE", live),
        ])
        .output()
        .ok()?;
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
    let collected =
        report.split("Collected : ").nth(1).and_then(|rest| rest.split_whitespace().next());
    let collected: u64 =
        collected.and_then(|count| count.parse().ok()).expect("callgrind reports a number");
    // The warm-up is counted, too.
    Some(collected / (REQUESTS + 300))
}

/// A server with or without the page, and what it answered.
struct Row {
    name: &'static str,
    server: Server,
    _sink: Sink,
    /// Requests a second, and for each tick of the processor, round by round.
    rates: Vec<f64>,
    thrifts: Vec<f64>,
}

/// Requests a second with the page beside those without it, all in turns.
fn requests(name: &str, traces: Traces) {
    let cores = Cores::split();
    let mut rows: Vec<_> = ROWS.iter().map(|(name, tabs)| start(cores, name, *tabs)).collect();
    for round in 0..=PAIRS {
        for row in &mut rows {
            let before = row.server.ticks();
            let Ok(answered) = wrk_with(row.server.address(), SECONDS_A_ROUND, false, traces)
            else {
                println!("no load, as wrk cannot be run: on Debian, apt-get install wrk");
                return;
            };
            // The first round makes buffers and tables.
            if round > 0 {
                row.rates.push(answered.rate);
                let ticks = row.server.ticks().zip(before).map(|(after, before)| after - before);
                row.thrifts.extend(ticks.map(|ticks| answered.requests as f64 / ticks as f64));
            }
        }
    }
    println!("\n### requests, {name}\n");
    println!("| page | requests/s | of off | by processor time |");
    println!("|---|---:|---:|---:|");
    let off = (rows[0].rates.clone(), rows[0].thrifts.clone());
    for row in rows {
        println!(
            "| {} | {:.0} | {} | {} |",
            row.name,
            row.rates.iter().sum::<f64>() / row.rates.len() as f64,
            interval(&row.rates, &off.0),
            interval(&row.thrifts, &off.1),
        );
        let _ = row.server.stop();
    }
}

fn start(cores: Cores, name: &'static str, tabs: Option<usize>) -> Row {
    let sink = Sink::start(Duration::ZERO);
    let variant = servers().into_iter().find(|variant| variant.name == "tracewire");
    let variant = variant.expect("it is a variant");
    let page = Page::free();
    let live = tabs.map_or("false".to_owned(), |_| page.variable());
    let variables = [("TRACEWIRE_LIVE", &*live)];
    let program = env!("CARGO_BIN_EXE_serve");
    let server =
        Server::start_with(program, cores, &variant, Export::Init, &sink.endpoint(), &variables);
    (0..tabs.unwrap_or(0)).for_each(|_| page.open());
    Row { name, server, _sink: sink, rates: Vec::new(), thrifts: Vec::new() }
}

/// The mean of the ratios of pairs, and its 95 % interval, in percent.
fn interval(own: &[f64], other: &[f64]) -> String {
    let ratios: Vec<_> = own.iter().zip(other).map(|(own, other)| own / other * 100.0).collect();
    let count = ratios.len() as f64;
    let mean = ratios.iter().sum::<f64>() / count;
    let variance = ratios.iter().map(|ratio| (ratio - mean).powi(2)).sum::<f64>() / (count - 1.0);
    format!("{mean:.1} ± {:.1} %", T * (variance / count).sqrt())
}

fn memory(name: &str, words: &[&str], seconds: u64) {
    let page = Page::free();
    let time = (seconds + 5).to_string();
    let words = [&["traces", &time], words].concat();
    let process = Process::start(env!("CARGO_BIN_EXE_live"), &words, page);
    let _ = page.list(); // It is up, and has made next to nothing.
    let (before, _) = process.rss_kib().unwrap_or_default();
    let (begin, mut times) = (Instant::now(), Vec::new());
    while begin.elapsed() < Duration::from_secs(seconds) {
        times.push(page.list());
        sleep(Duration::from_millis(200));
    }
    times.sort();
    let (now, most) = process.rss_kib().unwrap_or_default();
    let mib = |kib: u64| kib as f64 / 1024.0;
    let millis = |place: usize| times[times.len() * place / 100].as_secs_f64() * 1000.0;
    println!(
        "| {name} | {:.1} MiB | {:.1} MiB | {:.1} MiB | {:.1} MiB | {} of {} | {:.1} ms | {:.1} ms |",
        mib(before),
        mib(now),
        mib(most),
        mib(page.count("used") / 1024),
        page.count("missed"),
        page.count("spans"),
        millis(50),
        millis(95),
    );
}
