//! Time of header propagation, ours and OpenTelemetry's in turns within one run.
//!
//! `cargo bench -p benches --bench propagation [-- words of a case's name]`. Prints the
//! medians of many batches and writes them as JSON; the ratio is what to compare, since both sides
//! meet the same machine. The allocations of the same cases are held by
//! `tests/propagation_allocations.rs`.
#![allow(clippy::print_stdout)]

use benches::propagation::{Case, cases};
use serde_json::{Map, Value, json};
use std::{env, fs, path::PathBuf, time::Instant};

const ROUNDS: usize = 61;
const BATCH_NANOS: f64 = 200_000.0;

const OUTPUT: &str = env!("CARGO_TARGET_TMPDIR");

fn main() {
    let words: Vec<_> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    println!("{:<36} {:>9} {:>9} {:>6} {:>6}", "case", "ours ns", "theirs ns", "ratio", "target");
    let mut rows = Map::new();
    for mut case in cases() {
        if words.iter().all(|word| case.name.contains(word.as_str())) {
            rows.insert(case.name.to_owned(), measure(&mut case));
        }
    }
    let missed = rows.values().filter(|row| row["met"] == false).count();
    println!("{missed} targets missed");
    let path = PathBuf::from(OUTPUT).join("propagation.json");
    let json = serde_json::to_string_pretty(&rows).expect("the keys are strings");
    fs::write(&path, json).expect("the build folder can be written");
    println!("written to {}", path.display());
}

/// Measures one case and prints its line.
fn measure(case: &mut Case) -> Value {
    let batch = batch_size(&mut case.ours);
    let their_batch = case.theirs.as_mut().map_or(1, batch_size);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(nanos(&mut case.ours, batch));
        if let Some(run) = &mut case.theirs {
            theirs.push(nanos(run, their_batch));
        }
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let ratio = theirs.map(|theirs| ours.unwrap_or(f64::NAN) / theirs);
    let met = match (ratio, case.ratio) {
        (Some(ratio), Some(target)) => ratio <= target,
        _ => true,
    };
    println!(
        "{:<36} {:>9} {:>9} {:>6} {:>6}{}",
        case.name,
        column(ours, 1),
        column(theirs, 1),
        column(ratio, 2),
        column(case.ratio, 2),
        if met { "" } else { "  MISSED" },
    );
    json!({
        "nanoseconds": ours,
        "opentelemetry_nanoseconds": theirs,
        "ratio": ratio,
        "target": case.ratio,
        "met": met,
    })
}

/// So many runs that a batch takes about [`BATCH_NANOS`].
fn batch_size(run: &mut Box<dyn FnMut()>) -> u32 {
    let warm = nanos(run, 2_000);
    let runs = (BATCH_NANOS / warm.max(1.0)).clamp(10.0, 200_000.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped
    let runs = runs as u32;
    runs
}

fn nanos(run: &mut Box<dyn FnMut()>, batch: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..batch {
        run();
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(batch)
}

fn median(mut samples: Vec<f64>) -> Option<f64> {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied()
}

fn column(number: Option<f64>, digits: usize) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
}
