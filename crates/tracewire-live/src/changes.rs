//! The stream that tells a browser what changed.
//!
//! A stream has no queue. It remembers the generation that its browser knows, and what changed since is
//! looked up when the browser can take more. A slow browser skips what lies between.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::api;
use crate::api::since::Since;
use crate::clock::now;
use crate::hub::BEAT;
use crate::recorder::Recorder;
use crate::response::Chunks;
use crate::store::TraceId;

/// How often counters alone are worth a message.
const COUNTERS: Duration = Duration::from_secs(1);
/// A comment shows that the stream is alive.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// A future that says when a server ends. All streams of a page share it.
#[derive(Clone)]
pub(crate) struct Shutdown(Arc<Mutex<Option<Ending>>>);

type Ending = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Shutdown {
    pub(crate) fn when(shutdown: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::pin(shutdown)))))
    }

    /// Returns whether it has come. Only the stream that asks last is woken by it; the others ask again at
    /// the next beat.
    fn has_come(&self, cx: &mut Context<'_>) -> bool {
        let mut shutdown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shutdown.as_mut().is_some_and(|shutdown| shutdown.as_mut().poll(cx).is_ready()) {
            *shutdown = None;
        }
        shutdown.is_none()
    }
}

/// The body of `/api/changes`.
pub(crate) struct ChangeStream {
    recorder: Recorder,
    id: u64,
    generation: u64,
    /// The trace that the browser shows.
    open: Option<TraceId>,
    is_pinned: bool,
    traces_seen: u64,
    until: Option<Instant>,
    shutdown: Option<Shutdown>,
    sent: Instant,
    greeting: Option<String>,
    has_ended: bool,
}

impl fmt::Debug for ChangeStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeStream").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl ChangeStream {
    /// Opens a stream, unless too many are open.
    pub(crate) fn open(
        recorder: Recorder,
        since: Option<Since>,
        open: Option<TraceId>,
        lifetime: Option<Duration>,
        shutdown: Option<Shutdown>,
    ) -> Option<Self> {
        let id = recorder.hub().open()?;
        let mut store = recorder.store();
        let current = store.kept().generation();
        let known =
            since.map(|since| since.instance == recorder.instance() && since.generation <= current);
        let mut greeting = "retry: 1000\n\n".to_owned();
        let generation = match (known, since) {
            (Some(true), Some(since)) => since.generation,
            (known, _) => {
                let at = Since { instance: recorder.instance(), generation: current };
                let kind = if known.is_some() { "event: reset\n" } else { "" };
                greeting += &format!("id: {at}\n{kind}data: {{}}\n\n");
                current
            }
        };
        let is_pinned = open.is_some_and(|id| store.pin(&id));
        let traces_seen = store.counters().traces;
        drop(store);
        let now = Instant::now();
        Some(Self {
            recorder,
            id,
            generation,
            open,
            is_pinned,
            traces_seen,
            until: lifetime.map(|lifetime| now + lifetime),
            shutdown,
            sent: now,
            greeting: Some(greeting),
            has_ended: false,
        })
    }

    fn message(&mut self, silence: Duration) -> Option<Bytes> {
        let store = self.recorder.store();
        let generation = store.kept().generation();
        let traces_seen = store.counters().traces;
        let changed = generation > self.generation;
        if !changed && (traces_seen == self.traces_seen || silence < COUNTERS) {
            return None;
        }
        let open = self.open.as_ref().and_then(|id| store.kept().get(id));
        let open_changed = open.is_some_and(|entry| entry.generation > self.generation);
        let changes = api::traces::changes(&store, self.generation);
        drop(store);
        let at = Since { instance: self.recorder.instance(), generation };
        let data = api::traces::message(&self.recorder, changes, open_changed, now());
        self.generation = generation;
        self.traces_seen = traces_seen;
        Some(format!("id: {at}\ndata: {data}\n\n").into())
    }
}

impl Chunks for ChangeStream {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(greeting) = self.greeting.take() {
            return Poll::Ready(Some(greeting.into()));
        }
        // Before looking for changes, so that none is missed between the two.
        if !self.recorder.hub().wait(self.id, cx.waker())
            || self.shutdown.as_ref().is_some_and(|shutdown| shutdown.has_come(cx))
        {
            return Poll::Ready(None);
        }
        let now = Instant::now();
        let silence = now.duration_since(self.sent);
        if silence >= BEAT
            && let Some(message) = self.message(silence)
        {
            self.sent = now;
            return Poll::Ready(Some(message));
        }
        if self.until.is_some_and(|until| now >= until) {
            if self.has_ended {
                return Poll::Ready(None);
            }
            // The browser asks again at once, instead of waiting as after a failure.
            self.has_ended = true;
            return Poll::Ready(Some(Bytes::from_static(b"event: again\ndata: {}\n\n")));
        }
        if silence >= HEARTBEAT {
            self.sent = now;
            return Poll::Ready(Some(Bytes::from_static(b": still here\n\n")));
        }
        Poll::Pending
    }
}

impl Drop for ChangeStream {
    fn drop(&mut self) {
        self.recorder.hub().leave(self.id);
        if let (true, Some(id)) = (self.is_pinned, self.open) {
            self.recorder.store().unpin(&id, now());
        }
    }
}
