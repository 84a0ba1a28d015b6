//! What is lost of a steady stream of spans beside a collector that answers late, and what the
//! exporter's threads take for each span.
//!
//! `cargo bench -p benches --bench export [-- RATE SECONDS]` makes 96,000 spans a second for 10 s unless
//! told otherwise, each time beside a collector that takes longer to answer. Then it counts, with
//! valgrind's callgrind where it is installed, the instructions of all threads but the one that makes
//! the spans: taking a batch, encoding it, dropping the spans and sending.
#![allow(clippy::print_stdout)]

use benches::load::Sink;
use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

const RATE: u64 = 96_000;
const SECONDS: u64 = 10;
/// How long the collector takes to answer, in milliseconds.
const DELAYS: [u64; 4] = [0, 20, 50, 100];
/// So many that what the threads do once does not matter.
const COUNTED: u64 = 20_000;

const OUTPUT: &str = env!("CARGO_TARGET_TMPDIR");

fn main() {
    let numbers: Vec<u64> = env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let rate = numbers.first().copied().unwrap_or(RATE);
    let seconds = numbers.get(1).copied().unwrap_or(SECONDS);
    println!("| answer after | spans | received | lost | memory over start |");
    println!("|---|---:|---:|---:|---:|");
    for delay in DELAYS {
        let sink = Sink::start(Duration::from_millis(delay));
        let output = command(&sink, env!("CARGO_BIN_EXE_spans"))
            .args(["pace", &rate.to_string(), &seconds.to_string()])
            .stderr(Stdio::inherit())
            .output()
            .expect("the program was built");
        let text = String::from_utf8_lossy(&output.stdout);
        let [made, kib] = *text.split_whitespace().take(2).collect::<Vec<_>>() else {
            panic!("spans and KiB: {text}")
        };
        let made: u64 = made.parse().expect("a number of spans");
        let kib: f64 = kib.parse().expect("a number of KiB");
        let (received, mib) = (sink.spans(), kib / 1024.0);
        let lost = 100.0 * (made - received) as f64 / made as f64;
        println!("| {delay} ms | {made} | {received} | {lost:.1} % | {mib:.0} MiB |");
    }
    match instructions() {
        Some(each) => println!("\nthe exporter's threads: {each} instructions a span"),
        None => {
            println!("\nthe exporter's threads: NOT COUNTED, because valgrind is not installed")
        }
    }
}

/// A program that exports to `sink`, in nobody's environment but ours.
fn command(sink: &Sink, program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", sink.endpoint()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf".to_owned()), // what the sink reads
        ("OTEL_SERVICE_NAME", "load".to_owned()),
    ]);
    command
}

/// The instructions of all threads but the first, for each span; `None` without valgrind.
fn instructions() -> Option<u64> {
    let sink = Sink::start(Duration::ZERO);
    let folder = Path::new(OUTPUT).join("export");
    let _ = fs::remove_dir_all(&folder); // it need not be there
    fs::create_dir_all(&folder).expect("the build folder can be written");
    let output = command(&sink, "valgrind")
        .args(["--tool=callgrind", "--separate-threads=yes"])
        .arg(format!("--callgrind-out-file={}/out", folder.display()))
        .args([env!("CARGO_BIN_EXE_spans"), "count", &COUNTED.to_string()])
        .output()
        .ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(sink.spans(), COUNTED, "all arrived");
    let files = fs::read_dir(&folder).expect("valgrind wrote there").flatten();
    let others = files.filter(|file| {
        let name = file.file_name().to_string_lossy().into_owned();
        name.rsplit_once('-').is_some_and(|(_, thread)| thread != "01")
    });
    let counts = others.filter_map(|file| {
        let text = fs::read_to_string(file.path()).ok()?;
        let totals = text.lines().rev().find_map(|line| line.strip_prefix("totals: "))?;
        totals.trim().parse::<u64>().ok()
    });
    Some(counts.sum::<u64>() / COUNTED)
}
