//! What a server loses to its instrumentation end to end, and what arrives at full load.
//!
//! `cargo bench -p benches --features peers --bench load [-- words]` runs the parts
//! `spans dropped`, `spans dropped, with lists`, `spans exported` and `full load`: of each the rows that contain all `words`.
//! All servers of a part take turns, round after round, and only the ratio to the bare server of
//! the same round means something. It needs `wrk`, and two cores to itself for a steady figure.
#![allow(clippy::print_stdout)]

use benches::{
    http::{Records, Variant, servers},
    load::{Answered, Cores, Export, Report, Server, Sink, wrk},
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, env, fs, path::PathBuf, sync::Once, time::Duration};

const ROUNDS: usize = 9;
const SECONDS_A_ROUND: u32 = 1;
const SECONDS_AT_FULL_LOAD: u32 = 3;

/// How long the collector takes to answer at full load, in milliseconds.
const DELAYS: [u64; 5] = [0, 5, 20, 50, 100];

const OUTPUT: &str = env!("CARGO_TARGET_TMPDIR");

fn main() {
    let words: Vec<_> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |row: &str| words.iter().all(|word| row.contains(word.as_str()));
    let cores = Cores::split();
    if matches!(cores, Cores::Shared) {
        println!("one core, or no taskset (of util-linux): server and load share what there is");
    }
    let mut parts = Map::new();
    for part in ["spans dropped", "spans dropped, with lists", "spans exported"] {
        let mut variants = servers();
        variants.retain(|variant| {
            // A layer that does nothing is the `http` benchmark's matter.
            let is_row = variant.name != "empty layer";
            is_row && (is_bare(variant) || is_wanted(&format!("{part} {}", variant.name)))
        });
        if variants.len() > 1 {
            parts.insert(part.to_owned(), end_to_end(cores, part, variants));
        }
    }
    let mut rows = Map::new();
    for (variant, export) in full_load_rows() {
        let row = format!("{}, {}", variant.name, export.name());
        if is_wanted(&format!("full load {row}")) {
            rows.insert(row, full_load(cores, &variant, export));
        }
    }
    if !rows.is_empty() {
        print_full_load(&rows);
        parts.insert("full load".to_owned(), Value::Object(rows));
    }
    let path = PathBuf::from(OUTPUT).join("load.json");
    let json = serde_json::to_string_pretty(&parts).expect("the keys are strings");
    fs::write(&path, json).expect("the build folder can be written");
    println!("\nwritten to {}", path.display());
}

/// A server that is up, and its collector.
struct Row {
    variant: Variant,
    server: Server,
    sink: Sink,
    /// Requests a second, round by round; empty without `wrk`.
    rates: Vec<f64>,
    /// Requests a tick of the processor, round by round.
    thrifts: Vec<f64>,
}

impl Row {
    fn start(cores: Cores, variant: Variant, export: Export) -> Self {
        let sink = Sink::start(Duration::ZERO);
        let server = start(cores, &variant, export, &sink);
        Self { variant, server, sink, rates: Vec::new(), thrifts: Vec::new() }
    }
}

fn is_bare(variant: &Variant) -> bool {
    variant.name == "bare"
}

/// The export that comes with a layer.
fn own(variant: &Variant) -> Export {
    if variant.name == "tracewire" { Export::Init } else { Export::Sdk }
}

fn start(cores: Cores, variant: &Variant, export: Export, sink: &Sink) -> Server {
    Server::start(env!("CARGO_BIN_EXE_serve"), cores, variant, export, &sink.endpoint())
}

/// Requests a second of all rows, beside those of the bare server in the same round.
fn end_to_end(cores: Cores, part: &str, variants: Vec<Variant>) -> Value {
    let mut rows: Vec<_> = variants
        .into_iter()
        .map(|variant| {
            let export = if part == "spans exported" { own(&variant) } else { Export::Dropped };
            Row::start(cores, variant, export)
        })
        .collect();
    for round in 0..=ROUNDS {
        for row in &mut rows {
            let before = row.server.ticks();
            // The first round makes buffers and tables.
            if let Some(answered) = load(&row.server, SECONDS_A_ROUND, part.ends_with("with lists"))
                && round > 0
            {
                row.rates.push(answered.rate);
                let ticks = row.server.ticks().zip(before).map(|(after, before)| after - before);
                row.thrifts.extend(ticks.map(|ticks| answered.requests as f64 / ticks as f64));
            }
        }
    }
    let bare = rows.iter().find(|row| is_bare(&row.variant)).expect("it is always a row");
    let (bare_rates, bare_thrifts) = (bare.rates.clone(), bare.thrifts.clone());
    println!("\n### {part}\n");
    println!("| variant | of bare | least | most | by processor time | requests/s | spans lost |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let rows = rows.into_iter().map(|row| {
        let thrift = median(&ratios(&row.thrifts, &bare_thrifts));
        let ratios = ratios(&row.rates, &bare_rates);
        let rate = median(&sorted(row.rates));
        let report = row.server.stop();
        let lost = lost(&row.variant, &report, &row.sink);
        println!(
            "| {} | {} | {} | {} | {} | {} | {} |",
            row.variant.name,
            shown(median(&ratios), 2),
            shown(ratios.first().copied(), 2),
            shown(ratios.last().copied(), 2),
            shown(thrift, 2),
            shown(rate, 0),
            percent(lost),
        );
        let value = json!({
            "ratios": ratios,
            "by_processor_time": thrift,
            "rate": rate,
            "served": report.served,
            "lost": lost,
            "peak_kib": report.peak_kib,
        });
        (row.variant.name.to_owned(), value)
    });
    Value::Object(rows.collect())
}

/// Whose spans go where at full load: ours, the exporters alone, and the others as they come.
fn full_load_rows() -> Vec<(Variant, Export)> {
    let named = |name: &str| servers().into_iter().find(|variant| variant.name == name);
    [
        ("tracewire", Export::Init),
        ("tracewire", Export::Sdk),
        ("floor", Export::Sdk),
        ("opentelemetry-instrumentation-tower", Export::Sdk),
    ]
    .into_iter()
    .filter_map(|(name, export)| Some((named(name)?, export)))
    .collect()
}

/// What 32 connections give, to a collector that takes its time: a server for each delay.
fn full_load(cores: Cores, variant: &Variant, export: Export) -> Value {
    let delays: BTreeMap<_, _> = DELAYS
        .into_iter()
        .map(|delay| {
            let sink = Sink::start(Duration::from_millis(delay));
            let server = start(cores, variant, export, &sink);
            let rate = load(&server, SECONDS_AT_FULL_LOAD, false).map(|answered| answered.rate);
            let report = server.stop();
            let value = json!({
                "rate": rate,
                "spans": report.served,
                "received": sink.spans(),
                "lost": lost(variant, &report, &sink),
                "peak_kib": report.peak_kib,
            });
            (format!("{delay:>3} ms"), value)
        })
        .collect();
    json!(delays)
}

fn print_full_load(rows: &Map<String, Value>) {
    println!("\n### full load\n");
    println!("| layer, export | answer after | requests/s | spans | received | lost | peak MiB |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for (row, delays) in rows {
        for (delay, found) in delays.as_object().expect("made above") {
            println!(
                "| {row} | {} | {} | {} | {} | {} | {} |",
                delay.trim(),
                shown(found["rate"].as_f64(), 0),
                found["spans"],
                found["received"],
                percent(found["lost"].as_f64()),
                shown(found["peak_kib"].as_f64().map(|kib| kib / 1024.0), 0),
            );
        }
    }
}

/// Asks a server for so long; nothing without `wrk`, which is said once.
fn load(server: &Server, seconds: u32, lists: bool) -> Option<Answered> {
    wrk(server.address(), seconds, lists)
        .inspect_err(|error| {
            static ONCE: Once = Once::new();
            ONCE.call_once(|| {
                println!("no load, as wrk cannot be run ({error}): on Debian, apt-get install wrk");
            });
        })
        .ok()
}

/// Which part of the spans did not arrive, of a variant that makes any.
///
/// What did arrive has every attribute that the variant promises.
fn lost(variant: &Variant, report: &Report, sink: &Sink) -> Option<f64> {
    if variant.records == Records::Nothing || report.served == 0 {
        return None;
    }
    let (received, attributes) = match report.spans {
        Some(spans) => (spans, report.attributes.clone()),
        None => (sink.spans(), sink.attributes()),
    };
    if variant.records == Records::Everything {
        assert_eq!(attributes, variant.attributes(), "attributes of {}", variant.name);
    }
    assert!(received <= report.served, "{} made more spans than requests", variant.name);
    Some(1.0 - received as f64 / report.served as f64)
}

/// Each figure beside the bare server's of the same round, in order of size.
fn ratios(own: &[f64], bare: &[f64]) -> Vec<f64> {
    sorted(own.iter().zip(bare).map(|(own, bare)| own / bare).collect())
}

fn sorted(mut numbers: Vec<f64>) -> Vec<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers
}

fn median(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len() / 2).copied()
}

fn shown(number: Option<f64>, digits: usize) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
}

fn percent(share: Option<f64>) -> String {
    match share {
        Some(share) if share > 0.0 => format!("{:.1} %", share * 100.0),
        Some(_) => "0".to_owned(),
        None => "-".to_owned(),
    }
}
