//! The thread that brings what ended to the store, so that requests do not wait for it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::Builder;
use std::time::{Duration, Instant};

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::trace::SpanData;
use tracewire_export::wiring::encode_scope;
use tracewire_live::{Recorder, Source};

use super::queue::{Item, Next, Queue};
use super::spans::Ended;

/// Scopes that are remembered. Beyond them they are encoded again.
const MOST_SCOPES: usize = 64;
/// How often the store's clock advances.
const TICK: Duration = Duration::from_secs(1);

/// Starts the thread, which ends when the queue does.
pub(super) fn start(queue: &Arc<Queue>, recorder: &Recorder, resource: Vec<u8>) -> io::Result<()> {
    let queue = Arc::clone(queue);
    let mut bringer = Bringer { recorder: recorder.clone(), resource, scopes: Vec::new() };
    let run = move || {
        // A fault in the store must not leave a queue that fills and is never emptied.
        let _ = catch_unwind(AssertUnwindSafe(|| bringer.run(&queue)));
        queue.desert();
    };
    Builder::new().name("tracewire-live".to_owned()).spawn(run).map(drop)
}

struct Bringer {
    recorder: Recorder,
    resource: Vec<u8>,
    scopes: Vec<(InstrumentationScope, Arc<Source>)>,
}

impl Bringer {
    fn run(&mut self, queue: &Queue) {
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

    fn bring(&mut self, items: &mut Vec<Item>) {
        let recorder = self.recorder.clone();
        recorder.offer(items.drain(..).filter_map(|item| match item {
            Item::Span(span, bytes) => Some(Ended { source: self.source(&span), span, bytes }),
            #[cfg(feature = "logs")]
            Item::Log(log) => {
                let source = self.recorder.source(&self.resource, &log.scope);
                let encode = |into: &mut Vec<u8>| into.extend_from_slice(&log.record);
                self.recorder.offer_log(log.trace_id, &source, encode);
                None
            }
        }));
    }

    fn source(&mut self, span: &SpanData) -> Arc<Source> {
        let scope = &span.instrumentation_scope;
        if let Some((_, source)) = self.scopes.iter().find(|(known, _)| known == scope) {
            return Arc::clone(source);
        }
        let source = self.recorder.source(&self.resource, &encode_scope(scope, None));
        if self.scopes.len() == MOST_SCOPES {
            self.scopes.clear();
        }
        self.scopes.push((scope.clone(), Arc::clone(&source)));
        source
    }
}
