//! The thread that brings what ended to the store, so that requests do not wait for it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::Builder;
use std::time::{Duration, Instant};

use tracewire_live::Recorder;

use super::queue::{Item, Next, Queue};
use super::scopes::Scopes;

/// How often the store's clock advances.
const TICK: Duration = Duration::from_secs(1);

/// Starts the thread, which ends when the queue does.
pub(super) fn start(
    queue: &Arc<Queue>,
    recorder: &Recorder,
    scopes: &Arc<Scopes>,
) -> io::Result<()> {
    let queue = Arc::clone(queue);
    let recorder = recorder.clone();
    let bringer = Bringer { recorder: recorder.clone(), scopes: Arc::clone(scopes) };
    let run = move || {
        // A fault in the store must not leave a queue that fills and is never emptied.
        let _ = catch_unwind(AssertUnwindSafe(|| bringer.run(&queue)));
        for item in queue.desert() {
            // Without logs all are spans.
            #[cfg_attr(not(feature = "logs"), allow(irrefutable_let_patterns))]
            if let Item::Spans(arrival) = item {
                recorder.lost(arrival);
            }
        }
    };
    Builder::new().name("tracewire-live".to_owned()).spawn(run).map(drop)
}

struct Bringer {
    recorder: Recorder,
    #[cfg_attr(not(feature = "logs"), expect(dead_code, reason = "for log records"))]
    scopes: Arc<Scopes>,
}

impl Bringer {
    fn run(&self, queue: &Queue) {
        let mut spare = Vec::new();
        let mut ticked = Instant::now();
        loop {
            match queue.next(std::mem::take(&mut spare)) {
                Next::End => return,
                Next::Idle => {}
                Next::Bring(mut items, flush) => {
                    self.bring(&mut items);
                    queue.answer(flush);
                    spare = items;
                    // After a burst.
                    spare.shrink_to(1024);
                }
            }
            if ticked.elapsed() >= TICK {
                ticked = Instant::now();
                self.recorder.tick();
            }
        }
    }

    #[cfg_attr(not(feature = "logs"), allow(clippy::unnecessary_filter_map))] // then all are spans
    fn bring(&self, items: &mut Vec<Item>) {
        self.recorder.bring(items.drain(..).filter_map(|item| match item {
            Item::Spans(arrival) => Some(arrival),
            #[cfg(feature = "logs")]
            Item::Log(log) => {
                let source = self.recorder.source(self.scopes.resource(), &log.scope);
                let encode = |into: &mut Vec<u8>| into.extend_from_slice(&log.record);
                self.recorder.offer_log(log.trace_id, &source, encode);
                None
            }
        }));
    }
}
