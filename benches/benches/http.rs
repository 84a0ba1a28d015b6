//! What a request costs, as tables and as JSON.
//!
//! `cargo bench -p benches --features peers --bench http [-- words]` measures the cells
//! whose side, variant and case contain all `words`: instructions with valgrind's callgrind, where
//! it is installed, allocations, and time in turns within one run. Instructions and allocations
//! are repeatable to 1 or 2 %; of time only the ratio means something.
#![allow(clippy::print_stdout)]

use benches::http::{CASES, Case, Variant, clients, servers};
use serde_json::{Map, Value, json};
use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

const REQUESTS: u32 = 1_000;
const ROUNDS: usize = 21;
const REQUESTS_A_ROUND: u32 = 1_000;

/// Where callgrind's files go, one a cell, for `callgrind_annotate`; and the JSON.
const OUTPUT: &str = env!("CARGO_TARGET_TMPDIR");

fn main() {
    let words: Vec<_> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut sides = Map::new();
    for (side, variants) in [("server", servers()), ("client", clients())] {
        let mut cases = Map::new();
        for case in &CASES {
            if side == "client" && ((case.headers, case.routes) != (10, 10) || case.new_lists) {
                continue; // a server's matter
            }
            if side == "server" && case.root {
                continue; // a client's matter
            }
            let wanted = |variant: &&Variant| {
                let cell = format!("{side} {} {}", variant.name, case.name);
                words.iter().all(|word| cell.contains(word.as_str()))
            };
            let variants: Vec<_> = variants.iter().filter(wanted).collect();
            if !variants.is_empty() {
                let rows = measure(side, case, &variants);
                print(side, case, &rows);
                cases.insert(
                    case.name.to_owned(),
                    json!(rows.iter().map(Row::json).collect::<Vec<_>>()),
                );
            }
        }
        sides.insert(side.to_owned(), Value::Object(cases));
    }
    let path = PathBuf::from(OUTPUT).join("http.json");
    let json = serde_json::to_string_pretty(&sides).expect("the keys are strings");
    fs::write(&path, json).expect("the build folder can be written");
    println!("written to {}", path.display());
}

/// What one variant costs in one case.
struct Row {
    variant: &'static str,
    instructions: Option<u64>,
    allocations: u64,
    nanos: f64,
}

impl Row {
    fn json(&self) -> Value {
        json!({
            "variant": self.variant,
            "instructions": self.instructions,
            "allocations": self.allocations,
            "nanoseconds": self.nanos,
        })
    }
}

fn measure(side: &str, case: &Case, variants: &[&Variant]) -> Vec<Row> {
    let nanos = times(side, case, variants);
    let cells = variants.iter().zip(nanos);
    cells
        .map(|(variant, nanos)| Row {
            variant: variant.name,
            instructions: instructions(side, variant, case),
            allocations: allocations(side, variant, case),
            nanos,
        })
        .collect()
}

/// A table whose differences are against what costs nothing itself.
fn print(side: &str, case: &Case, rows: &[Row]) {
    let null = rows.iter().find(|row| row.variant == "empty layer").unwrap_or(&rows[0]);
    println!("\n### {side}: {}\n", case.name);
    println!("| variant | instructions | over {0} | allocations | over {0} | time |", null.variant);
    println!("|---|---:|---:|---:|---:|---:|");
    for row in rows {
        let over = |own: u64, null: u64| own.cast_signed() - null.cast_signed();
        let (instructions, more) = match (row.instructions, null.instructions) {
            (Some(own), Some(null)) => (own.to_string(), over(own, null).to_string()),
            _ => ("-".to_owned(), "-".to_owned()),
        };
        println!(
            "| {} | {instructions} | {more} | {} | {} | {:.2} |",
            row.variant,
            row.allocations,
            over(row.allocations, null.allocations),
            row.nanos / null.nanos,
        );
    }
}

/// Instructions of one request on the thread that serves it; `None` without valgrind.
fn instructions(side: &str, variant: &Variant, case: &Case) -> Option<u64> {
    let file = format!("callgrind.{side}.{}.{}.out", variant.name, case.name).replace(' ', "-");
    let output = command("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=benches::http::Work::requests*"])
        .arg(format!("--callgrind-out-file={OUTPUT}/{file}"))
        .arg(env!("CARGO_BIN_EXE_requests"))
        .args([side, variant.name, case.name, "callgrind", &REQUESTS.to_string()])
        .output()
        .ok()?;
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
    let collected =
        report.split("Collected : ").nth(1).and_then(|rest| rest.split_whitespace().next());
    let collected: u64 = collected?.parse().expect("callgrind reports a number");
    Some(collected / u64::from(REQUESTS))
}

fn allocations(side: &str, variant: &Variant, case: &Case) -> u64 {
    let output = command(env!("CARGO_BIN_EXE_allocations"))
        .args([side, variant.name, case.name])
        .output()
        .expect("the program was built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().expect("it prints a number")
}

/// The least nanoseconds of each variant over many rounds, in which all take turns.
fn times(side: &str, case: &Case, variants: &[&Variant]) -> Vec<f64> {
    let mut runners: Vec<_> =
        variants.iter().map(|variant| Runner::start(side, variant, case)).collect();
    let mut least = vec![f64::INFINITY; runners.len()];
    for _ in 0..ROUNDS {
        for (runner, least) in runners.iter_mut().zip(&mut least) {
            *least = least.min(runner.nanos());
        }
    }
    runners.into_iter().for_each(Runner::stop);
    least
}

/// A program that does requests when it is told to.
struct Runner {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Runner {
    fn start(side: &str, variant: &Variant, case: &Case) -> Self {
        let mut child = command(env!("CARGO_BIN_EXE_requests"))
            .args([side, variant.name, case.name, "time"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program was built");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, input, output }
    }

    /// The time of one request.
    fn nanos(&mut self) -> f64 {
        writeln!(self.input, "{REQUESTS_A_ROUND}").expect("it reads");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it answers in text");
        let nanos: f64 = line.trim().parse().expect("it answers with a number");
        nanos / f64::from(REQUESTS_A_ROUND)
    }

    /// Ends the program, which then checks what it recorded.
    fn stop(self) {
        let Self { mut child, input, output } = self;
        drop((input, output));
        assert!(child.wait().expect("it was started").success());
    }
}

/// A program whose telemetry depends on no one's environment.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("OTEL_PROPAGATORS", "tracecontext,baggage");
    command
}
