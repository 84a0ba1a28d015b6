//! A Collector that ends in the middle: comes back, or does not.

use super::{LOST, complains_not, order_lamp, server::Collector, shop};
use crate::{lab::Lab, relay::expect, row::Checks};
use std::collections::HashSet;

/// How many orders are made before, during and after.
const ORDERS: usize = 25;
/// Of one order.
const SPANS: usize = 4;

pub(super) fn check(lab: &Lab, checks: &mut Checks, protocol: &str) -> Result<(), String> {
    checks.check(&format!("{protocol}: the Collector restarts, and nothing is lost"), || {
        comes_back(lab, protocol)
    });
    checks
        .check(&format!("{protocol}: the Collector is gone, and what is lost is counted"), || {
            stays_away(lab, protocol)
        });
    Ok(())
}

fn comes_back(lab: &Lab, protocol: &str) -> Result<(), String> {
    let mut collector = Collector::start(lab)?;
    let shop = shop(lab, &collector, protocol, &[])?;
    let order = || (0..ORDERS).try_for_each(|_| order_lamp(&shop));
    order()?;
    collector.end()?;
    order()?;
    collector.start_again()?;
    order()?;
    complains_not(&shop.stop()?)?;
    let output = collector.output()?;
    // An export whose answer the end of the Collector cut off may be there twice.
    let ids: HashSet<_> = output.spans.iter().map(|span| span.text("spanId")).collect();
    expect("spans", ids.len(), 3 * ORDERS * SPANS)?;
    let orders: HashSet<_> = output
        .logs
        .iter()
        .filter(|log| log.value["body"]["stringValue"] == "order received")
        .map(|log| log.text("spanId"))
        .collect();
    expect("log records", orders.len(), 3 * ORDERS)
}

fn stays_away(lab: &Lab, protocol: &str) -> Result<(), String> {
    let mut collector = Collector::start(lab)?;
    let shop = shop(lab, &collector, protocol, &[("OTEL_EXPORTER_OTLP_TIMEOUT", "1000")])?;
    let order = || (0..ORDERS).try_for_each(|_| order_lamp(&shop));
    order()?;
    collector.written(ORDERS * SPANS)?;
    collector.end()?;
    order()?;
    let said = shop.stop()?;
    let number = ORDERS * SPANS;
    let counted = format!("spans to otlp: {number} exported, {number} failed");
    if !(said.contains(LOST) && said.contains(&counted)) {
        return Err(format!("it does not say {LOST:?} and {counted:?}:\n{said}"));
    }
    let port = collector.endpoint(protocol);
    expect(&format!("it names {port}"), said.contains(&port), true)?;
    expect("spans", collector.output()?.spans.len(), number)
}
