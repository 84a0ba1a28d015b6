//! Holds the instructions of the main cases to recorded figures, so that a slow line is seen in the
//! commit that brings it.
//!
//! `cargo bench -p benches --bench instructions` counts with valgrind's callgrind what each case of
//! `tests/instructions.txt` costs over what costs nothing itself, and fails where that is more than
//! 3 % above what is recorded in each of three counts: hashes are keyed at random, and the allocator's
//! state differs. More than 3 % below is a gain to write down, which it says. A custom span and a call
//! to a database stand there whole. `-- record` writes the file anew. Without valgrind it says so, and
//! holds nothing.
//!
//! Figures are differences within one run, so that another compiler or C library moves both sides;
//! they are repeatable to 1 or 2 %.
#![allow(clippy::print_stdout)]

use std::{
    collections::BTreeMap,
    env, fs,
    process::{Command, ExitCode, Stdio},
};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/instructions.txt");
const RECORDED: &str = include_str!("../tests/instructions.txt");
const REQUESTS: i64 = 1_000;
/// How far a figure may be from the one recorded, in percent.
const ROOM: i64 = 3;
/// How often a case is counted that seems to cost more.
const COUNTS: usize = 3;

fn main() -> ExitCode {
    if !has_valgrind() {
        println!("instructions: NOT COUNTED, because valgrind is not installed");
        return ExitCode::SUCCESS;
    }
    let records = env::args().any(|word| word == "record");
    let mut nothing = BTreeMap::new();
    let (mut text, mut costs_more) = (String::new(), false);
    for line in RECORDED.lines() {
        if line.starts_with('#') {
            text.push_str(&format!("{line}\n"));
            continue;
        }
        let (case, recorded) = line.rsplit_once(" | ").expect("the last column is a number");
        let recorded: i64 = recorded.parse().expect("the last column is a number");
        let [side, variant, name] = *case.split(" | ").collect::<Vec<_>>() else {
            panic!("side, variant and case: {line}")
        };
        let null = match side {
            "server" => Some("empty layer"),
            "client" => Some("bare"),
            _ => None,
        };
        let least = nothing.entry((side, name));
        let least = *least.or_insert_with(|| null.map_or(0, |null| count([side, null, name])));
        let room = recorded * ROOM / 100;
        let mut counted = count([side, variant, name]) - least;
        for _ in 1..COUNTS {
            if counted > recorded + room && !records {
                counted = counted.min(count([side, variant, name]) - least);
            }
        }
        costs_more |= counted > recorded + room;
        let mark = match counted - recorded {
            change if change > room => "  <- more than recorded",
            change if change < -room => "  <- less than recorded",
            _ => "",
        };
        println!("{case} | {counted} ({recorded}){mark}");
        text.push_str(&format!("{case} | {counted}\n"));
    }
    if records {
        fs::write(FILE, text).expect("the file can be written");
        println!("written to {FILE}");
        return ExitCode::SUCCESS;
    }
    if costs_more {
        println!(
            "\nmore than {ROOM} % above what is recorded: find the line that costs it, or record"
        );
        println!("what it is worth with `cargo bench -p benches --bench instructions -- record`");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn has_valgrind() -> bool {
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Instructions of one request on the thread that serves it, or of one call.
fn count([side, variant, case]: [&str; 3]) -> i64 {
    let number = REQUESTS.to_string();
    let (within, program, words) = match side {
        "call" => {
            let within = "benches::calls::work::Work::calls*";
            (within, env!("CARGO_BIN_EXE_calls"), vec![case, &number])
        }
        _ => {
            let within = "benches::http::Work::requests*";
            let words = vec![side, variant, case, "callgrind", &number];
            (within, env!("CARGO_BIN_EXE_requests"), words)
        }
    };
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--toggle-collect={within}"))
        .arg(program)
        .args(words)
        .env_clear()
        .env("OTEL_PROPAGATORS", "tracecontext,baggage")
        .output()
        .expect("valgrind is installed");
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
    let collected =
        report.split("Collected : ").nth(1).and_then(|rest| rest.split_whitespace().next());
    let collected: i64 =
        collected.and_then(|count| count.parse().ok()).expect("callgrind reports a number");
    collected / REQUESTS
}
