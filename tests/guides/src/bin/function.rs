//! A function of docs/deploying.md.
#![allow(clippy::print_stdout)] // a small program may

use std::{error::Error, io, sync::Arc};
use tokio::task::spawn_blocking;
use tracewire::span::span;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Arc::new(tracewire::init()?);
    for event in io::stdin().lines() {
        span("invocation").run(handle(event?)).await;
        let telemetry = Arc::clone(&telemetry);
        spawn_blocking(move || telemetry.flush()).await?; // before the platform freezes the process
        println!("done");
    }
    Ok(())
}

async fn handle(event: String) {
    span("work").attribute("event", event).in_scope(|| { /* the work */ });
}
