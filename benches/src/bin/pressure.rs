//! Prints what exporters keep and send while a collector hangs, refuses, or accepts.
//!
//! `pressure memory [SECONDS]` prints the most memory over start with a collector that hangs, each
//! shape of span over each protocol in a process of its own; `pressure bodies` the largest body of
//! each; `pressure retries [SECONDS]` the posts a second for one batch against a collector that is
//! unavailable and asks for no pause; `pressure flushes` how long the spans of one exporter take
//! while another one hangs, and how many threads fifty flushes in vain leave. It needs Linux.
#![allow(clippy::print_stdout)] // what it is asked for

use benches::pressure::{Behavior, Collector, Shape, Wire, beside, hold, push, threads_left};
use std::{env, process::Command, time::Duration};

fn main() {
    let words: Vec<_> = env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match *words {
        ["memory"] => memory(60),
        ["memory", seconds] => memory(number(seconds)),
        ["bodies"] => bodies(),
        ["flushes"] => flushes(),
        ["retries"] => retries(10),
        ["retries", seconds] => retries(number(seconds)),
        ["hold", wire, shape, endpoint, seconds] => {
            let time = Duration::from_secs(number(seconds));
            println!(
                "{}",
                hold(named(wire, &Wire::ALL), named(shape, &Shape::ALL), endpoint, time)
            );
        }
        _ => panic!("memory [SECONDS], bodies, retries [SECONDS], or flushes"),
    }
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number of seconds")
}

fn named<T: Copy>(name: &str, all: &[(&str, T)]) -> T {
    all.iter().find(|(known, _)| *known == name).expect("the name is known").1
}

/// MiB over start.
fn memory(seconds: u64) {
    let program = env::current_exe().expect("this program knows its file");
    for (shape, _) in Shape::ALL {
        // All protocols of a shape at once, or it would take an hour.
        let children = Wire::ALL.map(|(wire, _)| {
            let collector = Collector::start(Behavior::Hang);
            let child = Command::new(&program)
                .args(["hold", wire, shape, &collector.endpoint(), &seconds.to_string()])
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::null())
                .spawn()
                .expect("this program can be started again");
            (wire, collector, child)
        });
        for (wire, _collector, child) in children {
            let output = child.wait_with_output().expect("it can be waited for");
            let bytes = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(u64::MAX);
            println!("{shape:12} {wire:8} {:5.1} MiB over start", bytes as f64 / 1024.0 / 1024.0);
        }
    }
}

/// The largest body, in bytes.
fn bodies() {
    for (shape, kind) in Shape::ALL {
        for (name, wire) in Wire::ALL {
            let collector = Collector::start(Behavior::Accept);
            let report = push(wire, kind, &collector.endpoint(), 200, Duration::ZERO);
            let largest = collector.largest();
            println!("{shape:12} {name:8} {largest:8} bytes at most ({report})");
        }
    }
}

/// Posts a second, for one batch of one span.
fn retries(seconds: u64) {
    for (name, wire) in Wire::ALL {
        let collector = Collector::start(Behavior::Refuse);
        // The delay before the first batch counts too: it is part of what is promised.
        let time = Duration::from_secs(seconds);
        let _ = push(wire, Shape::Small, &collector.endpoint(), 1, time + Duration::from_secs(5));
        let posts = collector.requests() as f64 / seconds as f64;
        println!("{name:8} {posts:5.2} posts a second ({} in all)", collector.requests());
    }
}

/// Milliseconds until the second exporter has its spans while the first hangs, and threads.
fn flushes() {
    let (hanging, accepting) =
        (Collector::start(Behavior::Hang), Collector::start(Behavior::Accept));
    let (flush, shutdown) = beside(&hanging.endpoint(), &accepting);
    println!("the other exporter's spans arrive {flush:.1?} after a flush began");
    println!("the other exporter's spans arrive {shutdown:.1?} after a shutdown began");
    for (name, wire) in Wire::ALL {
        let left = threads_left(wire, &hanging.endpoint(), 50);
        println!("{name:8} {left} threads more after 50 flushes in vain than after one");
    }
}
