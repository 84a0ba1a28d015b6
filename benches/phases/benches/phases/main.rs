//! Where the time of a call goes: what is told of 50 ms that are injected in one phase, and what
//! tracing connections costs a call that reuses one.
//!
//! `cargo bench -p phases` prints two tables. The first has the
//! median of each phase as the call's span says it, in milliseconds, over real sockets, and the
//! median and the largest distance from what the delay really took. The second counts allocations.
#![allow(clippy::print_stdout, clippy::unwrap_used)] // a program of figures

mod calls;

use calls::{Injected, Library, PHASES, Told, paused, reused, told};

const CALLS: usize = 20;

fn main() {
    println!("| client | injected | dns | connect | tls | wait | off, median | off, at most |");
    println!("|---|---|---:|---:|---:|---:|---:|---:|");
    for library in [Library::Reqwest, Library::HyperUtil] {
        for injected in Injected::of(library) {
            let call = || (told(library, injected), paused());
            let calls: Vec<_> = std::iter::repeat_with(call).take(CALLS).collect();
            row(library, injected, &calls);
        }
    }
    println!("\n| client | connections traced | allocations of a call that reuses one |");
    println!("|---|---|---:|");
    for library in [Library::Reqwest, Library::HyperUtil] {
        println!("| {library:?} | no | {} |", reused(library, false, false));
        println!("| {library:?} | yes | {} |", reused(library, true, true));
    }
    println!("| Reqwest | the hook alone | {} |", reused(Library::Reqwest, false, true));
}

fn row(library: Library, injected: Injected, calls: &[(Told, f64)]) {
    let median = |phase: usize| {
        let mut all: Vec<f64> = calls.iter().filter_map(|(told, _)| told[phase]).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1}"))
    };
    let mut off: Vec<f64> = calls
        .iter()
        .map(|(told, paused)| (told[injected.phase()].unwrap_or_default() - paused).abs())
        .collect();
    off.sort_by(f64::total_cmp);
    let (middle, most) = (off[off.len() / 2], off[off.len() - 1]);
    let columns: Vec<_> = (0..PHASES).map(median).collect();
    let columns = columns.join(" | ");
    println!("| {library:?} | {injected:?} | {columns} | {middle:.1} | {most:.1} |");
}
