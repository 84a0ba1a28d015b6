//! A span exporter that is not ours, on a thread of its own.
//!
//! Such an exporter may panic, or never come back. Here it costs the batch it had, and the batches
//! that come while it hangs, but not the telemetry of the process for good.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use crate::count::Failure;
use crate::error::InitError;
use crate::queue::{Deliver, Encoded, Weigh, describe_panic};
use crate::quiet::quietly;
use crate::stop::{Stop, after};

type Outcome = Result<(), String>;

enum Request {
    Export(Vec<SpanData>, Sender<Outcome>),
    Shutdown(Sender<Outcome>),
}

/// Hands batches to the exporter's thread and waits for it, but not for ever.
#[derive(Debug)]
pub(crate) struct Foreign {
    requests: Sender<Request>,
    timeout: Option<Duration>,
    stop: Arc<Stop>,
    // Of an export that took too long and may still be under way.
    overdue: Mutex<Option<Receiver<Outcome>>>,
}

impl Foreign {
    /// `timeout` is for one export; zero is no limit.
    pub(crate) fn new(
        exporter: impl SpanExporter + 'static,
        resource: Resource,
        timeout: Duration,
        stop: Arc<Stop>,
    ) -> Result<Self, InitError> {
        let (requests, inbox) = channel();
        thread::Builder::new()
            .name("tracewire-exporter".to_owned())
            .spawn(move || run(exporter, &resource, &inbox))
            .map_err(|error| {
                InitError::exporter("no thread can be started for the exporter").with_source(error)
            })?;
        let timeout = (!timeout.is_zero()).then_some(timeout);
        Ok(Self { requests, timeout, stop, overdue: Mutex::default() })
    }

    fn ask(&self, request: impl FnOnce(Sender<Outcome>) -> Request) -> Outcome {
        let mut overdue = self.overdue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = &*overdue
            && matches!(earlier.try_recv(), Err(TryRecvError::Empty))
        {
            return Err("the exporter hangs in an earlier export".to_owned());
        }
        *overdue = None;
        let (sender, receiver) = channel();
        let gone = || "the exporter's thread has ended".to_owned();
        self.requests.send(request(sender)).map_err(|_| gone())?;
        let limit = after(self.timeout.unwrap_or(Duration::MAX));
        let left = self.stop.at_most(limit).saturating_duration_since(Instant::now());
        match receiver.recv_timeout(left) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Disconnected) => Err(gone()),
            Err(RecvTimeoutError::Timeout) => {
                *overdue = Some(receiver);
                Err(format!("the exporter did not end within {left:.1?}"))
            }
        }
    }
}

impl Deliver<SpanData> for Foreign {
    type Body = Vec<SpanData>;

    fn encode(&self, batch: &mut VecDeque<SpanData>) -> Encoded<Vec<SpanData>> {
        let bytes = batch.iter().map(Weigh::weight).sum();
        Encoded { body: std::mem::take(batch).into(), bytes }
    }

    fn send(&self, batch: Vec<SpanData>) -> Result<(), Failure> {
        self.ask(|answer| Request::Export(batch, answer)).map_err(Failure::all)
    }

    fn is_concurrent(&self) -> bool {
        false
    }

    fn shutdown(&self) {
        // It has exported all it will; what it says to this changes no count.
        let _ = self.ask(Request::Shutdown);
    }
}

fn run(mut exporter: impl SpanExporter, resource: &Resource, inbox: &Receiver<Request>) {
    let _ = unwinding(|| {
        exporter.set_resource(resource);
        Ok(())
    });
    while let Ok(request) = inbox.recv() {
        match request {
            Request::Export(batch, answer) => {
                // Nobody listens any more if it took too long.
                let _ = answer.send(unwinding(|| block_on(exporter.export(batch))));
            }
            Request::Shutdown(answer) => {
                let _ = answer.send(unwinding(|| exporter.shutdown()));
            }
        }
    }
}

fn unwinding(work: impl FnOnce() -> opentelemetry_sdk::error::OTelSdkResult) -> Outcome {
    match catch_unwind(AssertUnwindSafe(|| quietly(work))) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => Err(describe_panic(&*panic)),
    }
}

/// Runs a future on this thread, which has nothing else to do.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut TaskContext::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
