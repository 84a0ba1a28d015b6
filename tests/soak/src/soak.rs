//! A run: starts the collector, the service and the callers, looks at them, and ends them.

use crate::{
    checks::{self, Run},
    collector::{Collector, Fault, fault_at},
    process::Service,
    sample::Sample,
    table,
    traffic::Traffic,
};
use std::{
    io,
    time::{Duration, Instant},
};
use tokio::{
    runtime,
    time::{MissedTickBehavior, interval, sleep},
};

/// How often the collector changes its mind, at most.
const TICK: Duration = Duration::from_millis(100);
/// How often the service is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How long a service without callers may take to close its own connections.
const SETTLE: Duration = Duration::from_secs(30);

/// Runs for so long, prints what happened, and gives whether every check holds.
pub(crate) fn run(time: Duration) -> io::Result<bool> {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(soak(time))
}

async fn soak(time: Duration) -> io::Result<bool> {
    let collector = Collector::start()?;
    let mut service = Service::start(&collector.endpoint()).await?;
    // Once all that it starts has started.
    sleep(LOOK).await;
    let before = look(&collector, &mut service, Duration::ZERO).await?;
    let traffic = Traffic::start(service.address());
    let samples = watch(time, &collector, &mut service).await?;
    collector.falter(Fault::None);
    let came = traffic.stop().await;
    let quiet = settle(&before, &collector, &mut service).await?;
    let told = service.stop().await?;
    let run = Run { before, samples, came, quiet, told, taken: collector.taken() };
    table::print_traffic(&run);
    Ok(table::print_checks(&checks::of(&run)))
}

async fn watch(
    time: Duration,
    collector: &Collector,
    service: &mut Service,
) -> io::Result<Vec<Sample>> {
    let (start, mut samples) = (Instant::now(), Vec::new());
    let shown_every = (time / 60).max(Duration::from_secs(5));
    let (mut looked, mut shown) = (Duration::ZERO, Duration::ZERO);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    table::print_head();
    while start.elapsed() < time {
        ticks.tick().await;
        let now = start.elapsed();
        let fault = fault_at(now, time);
        collector.falter(fault);
        if now >= looked {
            looked = now + LOOK;
            let sample = look(collector, service, now).await?;
            if now >= shown {
                shown = now + shown_every;
                table::print(&sample, fault);
            }
            samples.push(sample);
        }
    }
    Ok(samples)
}

async fn look(collector: &Collector, service: &mut Service, at: Duration) -> io::Result<Sample> {
    let (told, process) = service.ask().await?;
    // After the service was asked, so that it took all that is said to be exported.
    Ok(Sample { at, told, process, taken: collector.taken() })
}

/// Waits until there are as few tasks as before, for so long at most.
async fn settle(
    before: &Sample,
    collector: &Collector,
    service: &mut Service,
) -> io::Result<Sample> {
    let start = Instant::now();
    loop {
        let sample = look(collector, service, start.elapsed()).await?;
        if sample.told.tasks <= before.told.tasks || start.elapsed() > SETTLE {
            return Ok(sample);
        }
        sleep(LOOK).await;
    }
}
