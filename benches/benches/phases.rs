//! Where the time of a call goes: what is told of 50 ms that are injected in one phase, and what
//! tracing connections costs a call that reuses one.
//!
//! `cargo bench -p benches --features phases --bench phases` prints two tables. The first has the
//! median of each phase as the call's span says it, in milliseconds, over real sockets, and the
//! largest distance from the 50 ms among all calls. The second counts allocations.
#![allow(clippy::print_stdout, clippy::unwrap_used)] // a program of figures

use benches::phases::{Injected, Library, PHASES, Told, reused, told};

const CALLS: usize = 20;

fn main() {
    println!("| client | injected | dns | connect | tls | wait | at most off |");
    println!("|---|---|---:|---:|---:|---:|---:|");
    for library in [Library::Reqwest, Library::HyperUtil] {
        for injected in Injected::of(library) {
            let calls: Vec<Told> = (0..CALLS).map(|_| told(library, injected)).collect();
            row(library, injected, &calls);
        }
    }
    println!("\n| client | connections traced | allocations of a call that reuses one |");
    println!("|---|---|---:|");
    for library in [Library::Reqwest, Library::HyperUtil] {
        for traced in [false, true] {
            let traced_word = if traced { "yes" } else { "no" };
            println!("| {library:?} | {traced_word} | {} |", reused(library, traced));
        }
    }
}

fn row(library: Library, injected: Injected, calls: &[Told]) {
    let median = |phase: usize| {
        let mut all: Vec<f64> = calls.iter().filter_map(|told| told[phase]).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1}"))
    };
    let off = calls
        .iter()
        .filter_map(|told| told[injected.phase()])
        .map(|ms| (ms - 50.0).abs())
        .fold(0.0, f64::max);
    let columns: Vec<_> = (0..PHASES).map(median).collect();
    println!("| {library:?} | {injected:?} | {} | {off:.1} |", columns.join(" | "));
}
