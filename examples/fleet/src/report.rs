//! What is said, and whether it is as it should be.

use crate::{
    costs::Usage,
    load::{Kind, Sent},
    service::SPANS,
    stored::{State, Stored},
};
use std::time::Instant;

/// The share of traces that the policy `rest` keeps, as sampler.yaml says.
const REST: f64 = 0.01;

/// Errors and slow traces are there, whatever is there is whole, and the estimate is right.
pub(crate) fn steady(sent: &[Sent], stored: &Stored) -> Result<(), String> {
    let mut wrong = Vec::new();
    println!("| traces | sent | whole | in part | missing |");
    println!("|---|---:|---:|---:|---:|");
    for (kind, name) in [(Kind::Error, "errors"), (Kind::Slow, "slow"), (Kind::Rest, "the rest")] {
        let states: Vec<_> =
            sent.iter().filter(|s| s.kind == kind).map(|s| stored.state(s.trace)).collect();
        let count = |state| states.iter().filter(|found| **found == state).count();
        let (whole, partial, missing) =
            (count(State::Whole), count(State::Partial), count(State::Missing));
        println!("| {name} | {} | {whole} | {partial} | {missing} |", states.len());
        if partial > 0 {
            wrong.push(format!("{partial} traces of {name} are not whole"));
        }
        if kind == Kind::Rest {
            wrong.extend(estimate(states.len(), whole));
        } else if missing > 0 {
            wrong.push(format!("{missing} traces of {name} are missing"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

/// One percent was kept, so each that was stands for a hundred, within three standard deviations.
fn estimate(sent: usize, kept: usize) -> Option<String> {
    let (truth, estimate) = (sent as f64, kept as f64 / REST);
    let deviation = (truth * (1.0 - REST) / REST).sqrt();
    println!(
        "\nThe rest, estimated from what was kept: {estimate:.0}; sent: {truth:.0} \
         ({:+.1} standard deviations of {deviation:.0}).",
        (estimate - truth) / deviation
    );
    ((estimate - truth).abs() > 3.0 * deviation)
        .then(|| format!("the estimate {estimate:.0} is far from {truth:.0}"))
}

/// Traces that should have been kept and are not whole began in this window, and all others are there.
pub(crate) fn lost(
    sent: &[Sent],
    stored: &Stored,
    window: (Instant, Instant),
    held: u64,
) -> Result<(), String> {
    let should_be_kept: Vec<_> = sent.iter().filter(|sent| sent.kind != Kind::Rest).collect();
    let not =
        |state: State| should_be_kept.iter().filter(move |sent| stored.state(sent.trace) == state);
    let (missing, partial) = (not(State::Missing).count(), not(State::Partial).count());
    println!("traces that the killed sampler held, by its own gauge just before: {held}");
    println!("errors and slow traces sent: {}", should_be_kept.len());
    println!("of these missing: {missing}; in part: {partial}");
    let outside = not(State::Missing)
        .chain(not(State::Partial))
        .filter(|sent| sent.at < window.0 || sent.at > window.1)
        .count();
    println!("of the traces in part or missing, begun outside of the change: {outside}");
    match outside {
        0 => Ok(()),
        _ => Err(format!("{outside} traces were lost that had nothing to do with the change")),
    }
}

/// What was measured for so many spans.
pub(crate) struct Costs {
    pub(crate) spans: u64,
    pub(crate) kept: u64,
    pub(crate) stored_bytes_a_span: f64,
    /// Services, agents, samplers.
    pub(crate) tiers: [Usage; 3],
}

/// Prints what a million spans cost, and what a million requests a second would.
pub(crate) fn costs(costs: &Costs) {
    let millions = costs.spans as f64 / 1e6;
    println!("\n## A million spans\n");
    println!("| tier | processor time | memory at most, all processes | bytes in |");
    println!("|---|---:|---:|---:|");
    for (name, tier) in ["three services, their work included", "two agents", "three samplers"]
        .into_iter()
        .zip(&costs.tiers)
    {
        let read = if name.contains("services") {
            "-".to_owned()
        } else {
            format!("{:.0} MB", tier.read as f64 / 1e6 / millions)
        };
        println!(
            "| {name} | {:.1} s | {:.0} MiB | {read} |",
            tier.processor.as_secs_f64() / millions,
            tier.memory as f64 / 1024.0,
        );
    }
    println!(
        "\n{} of {} spans kept, {:.0} bytes each as JSON.",
        costs.kept, costs.spans, costs.stored_bytes_a_span
    );
    on_paper(costs);
}

/// The same, multiplied: processor time and bytes grow with the spans that are sent.
fn on_paper(costs: &Costs) {
    const REQUESTS: f64 = 1e6;
    const CORES: f64 = 4.0;
    const BUSY: f64 = 0.6;
    let spans = costs.spans as f64;
    println!("\n## On paper: a million requests a second, {} spans each\n", SPANS.len());
    println!(
        "| sampled at the head | spans/s | agents | samplers | to agents | to samplers | stored a day |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|");
    for head in [1.0, 0.1, 0.01] {
        let rate = REQUESTS * SPANS.len() as f64 * head;
        let collectors =
            |tier: &Usage| (rate * tier.processor.as_secs_f64() / spans / (CORES * BUSY)).ceil();
        let gigabits = |tier: &Usage| rate * tier.read as f64 / spans * 8.0 / 1e9;
        let stored = rate * costs.kept as f64 / spans * costs.stored_bytes_a_span * 86_400.0 / 1e12;
        println!(
            "| {:.0} % | {rate:.0} | {} | {} | {:.2} Gbit/s | {:.2} Gbit/s | {stored:.1} TB |",
            head * 100.0,
            collectors(&costs.tiers[1]),
            collectors(&costs.tiers[2]),
            gigabits(&costs.tiers[1]),
            gigabits(&costs.tiers[2]),
        );
    }
    println!("\nCollectors with {CORES} cores, {:.0} % busy.", BUSY * 100.0);
}
