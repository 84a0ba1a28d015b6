//! The places of streams to browsers, and the beat that wakes them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::sync::{Mutex, MutexGuard, thread};

/// Open streams; browsers beyond ask again and again instead.
const MOST_STREAMS: usize = 16;
/// At most four messages a second.
pub(crate) const BEAT: Duration = Duration::from_millis(250);
/// A stream that takes nothing for so long gives its place to another one.
const STALLED: Duration = Duration::from_secs(5);

/// Wakes the streams.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    streams: HashMap<u64, Slot>,
    next: u64,
    is_beating: bool,
    is_closed: bool,
}

#[derive(Debug)]
struct Slot {
    waker: Option<Waker>,
    polled: Instant,
}

impl Hub {
    /// Ends all streams.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.beat(Instant::now());
    }

    /// Takes a place for a stream, if there is one.
    pub(crate) fn open(self: &Arc<Self>) -> Option<u64> {
        let mut state = self.lock();
        if state.is_closed || state.streams.len() >= MOST_STREAMS {
            return None;
        }
        if !state.is_beating {
            let hub = Arc::clone(self);
            let beating = thread::Builder::new().name("tracewire-live-beat".to_owned());
            beating.spawn(move || while hub.rest() {}).ok()?;
            state.is_beating = true;
        }
        state.next += 1;
        let id = state.next;
        state.streams.insert(id, Slot { waker: None, polled: Instant::now() });
        Some(id)
    }

    /// Waits for the next beat; returns whether there will be another one.
    fn rest(&self) -> bool {
        thread::sleep(BEAT);
        self.beat(Instant::now())
    }

    fn beat(&self, now: Instant) -> bool {
        let mut state = self.lock();
        let mut wakers: Vec<_> =
            state.streams.values_mut().filter_map(|slot| slot.waker.take()).collect();
        if !state.is_closed {
            state.streams.retain(|_, slot| now.duration_since(slot.polled) < STALLED);
        }
        state.is_beating = !state.streams.is_empty() && !state.is_closed;
        let goes_on = state.is_beating;
        drop(state);
        // Not under the lock: a waker may poll at once.
        wakers.drain(..).for_each(Waker::wake);
        goes_on
    }

    /// Returns whether the stream still has its place, and wakes it at the next beat.
    pub(crate) fn wait(&self, id: u64, waker: &Waker) -> bool {
        let mut state = self.lock();
        if state.is_closed {
            return false;
        }
        let Some(slot) = state.streams.get_mut(&id) else { return false };
        slot.polled = Instant::now();
        slot.waker = Some(waker.clone());
        true
    }

    pub(crate) fn leave(&self, id: u64) {
        self.lock().streams.remove(&id);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
