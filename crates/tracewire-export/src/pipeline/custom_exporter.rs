//! A span exporter that the program gave, on a thread of its own.
//!
//! Such an exporter may panic, or never come back. Here it costs the batch it had, and the batches
//! that come while it hangs, but not the telemetry of the process for good.

use crate::{
    error::ExportError,
    pipeline::{
        block_on::block_on,
        counts::unwinding,
        deadline::{Deadline, after},
        deliver::{Deliver, Encoded, HeapSize},
        failure::{ErrorType, Failure},
    },
};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{SpanData, SpanExporter},
};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel},
    },
    thread,
    time::{Duration, Instant},
};

type Reply = Result<(), Failure>;

enum Request {
    Resource(Box<Resource>),
    Export(Vec<SpanData>, Sender<Reply>),
    Shutdown(Sender<Reply>),
}

/// Hands batches to the exporter's thread and waits for it, but not for ever.
#[derive(Debug)]
pub(crate) struct CustomExporter {
    requests: Sender<Request>,
    timeout: Option<Duration>,
    deadline: Arc<Deadline>,
    // Of an export that took too long and may still be under way.
    overdue: Mutex<Option<Receiver<Reply>>>,
}

impl CustomExporter {
    /// `timeout` is for one export; `None` is no limit.
    pub(crate) fn new(
        exporter: impl SpanExporter + 'static,
        timeout: Option<Duration>,
        deadline: Arc<Deadline>,
    ) -> Result<Self, ExportError> {
        let (requests, inbox) = channel();
        thread::Builder::new()
            .name("tracewire-exporter".to_owned())
            .spawn(move || run(exporter, &inbox))
            .map_err(|error| {
                ExportError::exporter("no thread can be started for the exporter")
                    .with_source(error)
            })?;
        Ok(Self { requests, timeout, deadline, overdue: Mutex::default() })
    }

    fn ask(&self, request: impl FnOnce(Sender<Reply>) -> Request) -> Reply {
        let mut overdue = self.overdue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = &*overdue
            && matches!(earlier.try_recv(), Err(TryRecvError::Empty))
        {
            return Err(Failure::of(ErrorType::Busy, "the exporter hangs in an earlier export"));
        }
        *overdue = None;
        let (sender, receiver) = channel();
        let gone = || Failure::all("the exporter's thread has ended");
        self.requests.send(request(sender)).map_err(|_| gone())?;
        let limit = after(self.timeout.unwrap_or(Duration::MAX));
        let left = self.deadline.at_most(limit).saturating_duration_since(Instant::now());
        match receiver.recv_timeout(left) {
            Ok(reply) => reply,
            Err(RecvTimeoutError::Disconnected) => Err(gone()),
            Err(RecvTimeoutError::Timeout) => {
                *overdue = Some(receiver);
                let reason = format!("the exporter did not end within {left:.1?}");
                Err(Failure::of(ErrorType::Timeout, reason))
            }
        }
    }
}

impl Deliver<Arc<SpanData>> for CustomExporter {
    type Body = Vec<SpanData>;

    fn encode(&self, batch: &mut VecDeque<Arc<SpanData>>) -> Encoded<Vec<SpanData>> {
        let bytes = batch.iter().map(HeapSize::heap_size).sum();
        // A span is cloned only where another exporter has it too.
        Encoded { body: batch.drain(..).map(Arc::unwrap_or_clone).collect(), bytes }
    }

    fn send(&self, batch: Vec<SpanData>) -> Result<(), Failure> {
        self.ask(|answer| Request::Export(batch, answer))
    }

    fn is_concurrent(&self) -> bool {
        false
    }

    fn set_resource(&self, resource: &Resource) {
        // Where the thread has ended, the next export says so.
        let _ = self.requests.send(Request::Resource(Box::new(resource.clone())));
    }

    fn shutdown(&self) {
        // It has exported all it will; what it says to this changes no count.
        let _ = self.ask(Request::Shutdown);
    }
}

fn run(mut exporter: impl SpanExporter, inbox: &Receiver<Request>) {
    while let Ok(request) = inbox.recv() {
        match request {
            Request::Resource(resource) => {
                let _ = reply(|| {
                    exporter.set_resource(&resource);
                    Ok(())
                });
            }
            Request::Export(batch, answer) => {
                // Nobody listens any more if it took too long.
                let _ = answer.send(reply(|| block_on(exporter.export(batch))));
            }
            Request::Shutdown(answer) => {
                let _ = answer.send(reply(|| exporter.shutdown()));
            }
        }
    }
}

fn reply(work: impl FnOnce() -> OTelSdkResult) -> Reply {
    unwinding(work)?.map_err(|error| {
        let kind = match &error {
            OTelSdkError::AlreadyShutdown => ErrorType::AlreadyShutdown,
            OTelSdkError::Timeout(_) => ErrorType::Timeout,
            OTelSdkError::InternalFailure(_) => ErrorType::Other,
        };
        Failure::of(kind, error.to_string())
    })
}
