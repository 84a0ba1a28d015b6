//! Where the time of a call goes: what is told of 50 ms that are injected in one phase or in a database,
//! and what tracing connections costs a call that reuses one.
//!
//! `cargo bench -p phases` prints three tables. The first has the median of each phase as the call's span
//! says it, in milliseconds, over real sockets, and the median and the largest distance from what the
//! delay really took. The second has the same of queries. The third counts instructions with valgrind's
//! callgrind, where it is installed, and allocations.
#![allow(clippy::print_stdout, clippy::unwrap_used)] // a program of figures

mod calls;
mod databases;
mod reuse;

use calls::{Injected, Library, PHASES, paused};
use std::env;

const CALLS: usize = 20;

fn main() {
    let arguments: Vec<_> = env::args().collect();
    if let [_, flag, case] = &*arguments
        && flag == "--only"
    {
        return reuse::only(case);
    }
    println!("| client | injected | dns | connect | tls | wait | off, median | off, at most |");
    println!("|---|---|---:|---:|---:|---:|---:|---:|");
    for library in [Library::Reqwest, Library::HyperUtil] {
        for injected in Injected::of(library) {
            let told: Vec<_> =
                (0..CALLS).map(|_| (calls::told(library, injected), paused())).collect();
            let phase = |phase: usize| median(told.iter().filter_map(|(told, _)| told[phase]));
            let columns: Vec<_> = (0..PHASES).map(phase).collect();
            let off = told
                .iter()
                .map(|(told, paused)| (told[injected.phase()].unwrap_or_default() - paused).abs());
            println!(
                "| {library:?} | {injected:?} | {} | {} |",
                columns.join(" | "),
                distance(off)
            );
        }
    }
    println!("\n| database | injected | wait | query | off, median | off, at most |");
    println!("|---|---|---:|---:|---:|---:|");
    for injected in [databases::Injected::Query, databases::Injected::Pool] {
        let told: Vec<_> = (0..CALLS).map(|_| (databases::told(injected), paused())).collect();
        let wait = median(told.iter().map(|(told, _)| told.wait));
        let query = median(told.iter().map(|(told, _)| told.query));
        let off = told.iter().map(|(told, paused)| (told.of(injected) - paused).abs());
        println!("| sqlx | {injected:?} | {wait} | {query} | {} |", distance(off));
    }
    println!("\n| a call that reuses its connection | instructions | allocations |");
    println!("|---|---:|---:|");
    for case in reuse::CASES {
        let counted = reuse::instructions(case).map_or_else(|| "-".to_owned(), |n| n.to_string());
        println!("| {case} | {counted} | {} |", reuse::allocations(case));
    }
}

fn median(milliseconds: impl Iterator<Item = f64>) -> String {
    let mut all: Vec<f64> = milliseconds.collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1}"))
}

/// The median, and the largest.
fn distance(off: impl Iterator<Item = f64>) -> String {
    let mut off: Vec<f64> = off.collect();
    off.sort_by(f64::total_cmp);
    format!("{:.1} | {:.1}", off[off.len() / 2], off[off.len() - 1])
}
