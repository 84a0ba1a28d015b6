//! Plays a scenario.

use crate::{
    caller::Caller,
    plan::Scenario,
    service::{Arrival, Planner},
    wire::Wire,
};
use futures_util::future::join_all;
use std::{
    panic,
    sync::{Arc, Mutex, Once},
    time::Duration,
};
use tokio::{runtime::Builder, time::sleep};
use tracewire_testing::Capture;

/// When a connection is lost: before a timeout, and before a caller leaves.
const LOSS: Duration = Duration::from_millis(200);

/// What was recorded of a scenario.
#[derive(Debug)]
pub struct Run {
    pub(crate) capture: Capture,
    pub(crate) arrivals: Vec<Arrival>,
}

/// Plays a scenario to its end: every caller has its response or has left, and nothing more happens.
pub fn run(scenario: &Scenario) -> Run {
    quiet();
    let (capture, scenario) = (Capture::new(), Arc::new(scenario.clone()));
    let arrivals = Arc::new(Mutex::new(Vec::new()));
    let planner = Planner { scenario: scenario.clone(), arrivals: arrivals.clone() };
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let wire = Wire::to(scenario.protocol, planner.stack(&capture)).await;
        if scenario.loses_connection {
            let wire = wire.clone();
            // Before anybody has waited enough: see the model.
            tokio::spawn(async move {
                sleep(LOSS).await;
                wire.lose();
            });
        }
        let caller = Caller::new(&scenario, wire, &capture);
        join_all((0..scenario.requests.len()).map(|number| caller.request(number))).await;
        // Time goes on only when there is nothing else to do.
        sleep(Duration::from_secs(10)).await;
    });
    let arrivals = arrivals.lock().unwrap().clone();
    Run { capture, arrivals }
}

/// Keeps the panics of services out of the test's output.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if panic.payload().downcast_ref() != Some(&"on purpose") {
                usual(panic);
            }
        }));
    });
}
