//! What waits for the page: bounded in bytes, and refused beyond.

#[cfg(all(test, shuttle))]
mod model;

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use tracewire_live::{Arrival, Recorder};

use crate::sync::{Condvar, Mutex, MutexGuard};

/// How long the page gathers before its thread begins.
const DELAY: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);

/// Something that ended.
pub(super) enum Item {
    Spans(Arrival),
    #[cfg(feature = "logs")]
    Log(Box<super::log_records::Log>),
}

pub(super) struct Queue {
    state: Mutex<State>,
    /// Something to do for the thread.
    work: Condvar,
    /// Something done, for those who flush.
    done: Condvar,
    limit: usize,
}

#[derive(Default)]
struct State {
    items: Vec<Item>,
    bytes: usize,
    /// Flushes that were asked for, and how many of them are done.
    asked: u64,
    answered: u64,
    has_ended: bool,
    /// The thread is gone.
    is_deserted: bool,
}

/// What the thread is to do next.
pub(super) enum Next {
    /// Bring these, and then say so.
    Bring(Vec<Item>, u64),
    /// Nothing came for a second.
    Idle,
    End,
}

impl Queue {
    pub(super) fn new(limit: usize) -> Self {
        let (work, done) = (Condvar::new(), Condvar::new());
        Self { state: Mutex::default(), work, done, limit }
    }

    /// Takes an item of so many bytes, or gives it back if there is no room.
    pub(super) fn push(&self, item: Item, bytes: usize) -> Result<(), Item> {
        let bytes = bytes + size_of::<Item>();
        let mut state = self.lock();
        let before = state.bytes;
        if before + bytes > self.limit || state.is_deserted {
            return Err(item);
        }
        state.bytes += bytes;
        state.items.push(item);
        // The thread sleeps while there is nothing, and for a moment after the first item.
        let half = self.limit / 2;
        let wakes = state.items.len() == 1 || (before < half && state.bytes >= half);
        drop(state);
        if wakes {
            self.work.notify_one();
        }
        Ok(())
    }

    /// Takes spans, or counts them as lost.
    pub(super) fn push_spans(&self, recorder: &Recorder, spans: Arrival) {
        let bytes = spans.weight();
        if let Err(Item::Spans(spans)) = self.push(Item::Spans(spans), bytes) {
            recorder.lost(spans);
        }
    }

    /// Waits for work, and for more of it unless that would become too much. `spare` is filled next.
    pub(super) fn next(&self, spare: Vec<Item>) -> Next {
        let mut state = self.lock();
        if state.items.is_empty() && state.asked == state.answered && !state.has_ended {
            state = wait(&self.work, state, SECOND);
            if state.items.is_empty() && state.asked == state.answered && !state.has_ended {
                return Next::Idle;
            }
        }
        let until = Instant::now() + DELAY;
        while state.bytes < self.limit / 2 && state.asked == state.answered && !state.has_ended {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = wait(&self.work, state, left);
        }
        if state.items.is_empty() && state.has_ended {
            state.answered = state.asked;
            state.is_deserted = true;
            drop(state);
            self.done.notify_all();
            return Next::End;
        }
        state.bytes = 0;
        Next::Bring(std::mem::replace(&mut state.items, spare), state.asked)
    }

    /// Notes that everything up to this flush is done.
    pub(super) fn answer(&self, flush: u64) {
        let mut state = self.lock();
        if state.answered < flush {
            state.answered = flush;
            drop(state);
            self.done.notify_all();
        }
    }

    /// Waits until what was taken before is with the page. Returns whether it is by `deadline`.
    pub(super) fn flush(&self, deadline: Instant, ends: bool) -> bool {
        let mut state = self.lock();
        state.asked += 1;
        state.has_ended |= ends;
        let mine = state.asked;
        self.work.notify_one();
        while state.answered < mine && !state.is_deserted {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = wait(&self.done, state, left);
        }
        true
    }

    /// Takes nothing more, as nobody is there to bring it. Returns what waits.
    pub(super) fn desert(&self) -> Vec<Item> {
        let mut state = self.lock();
        state.is_deserted = true;
        let left = std::mem::take(&mut state.items);
        drop(state);
        self.done.notify_all();
        left
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wait<'a>(on: &Condvar, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
    on.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("limit", &self.limit).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> Item {
        let recorder = tracewire_live::Live::new().build();
        Item::Spans(super::super::spans::tests::arrival(&recorder))
    }

    #[test]
    fn what_exceeds_the_limit_is_refused_until_there_is_room() {
        let queue = Queue::new(1000);
        assert!(queue.push(item(), 600).is_ok());
        assert!(queue.push(item(), 600).is_err());
        let Next::Bring(items, _) = queue.next(Vec::new()) else { panic!("there is something") };
        assert_eq!(items.len(), 1);
        assert!(queue.push(item(), 600).is_ok());
    }

    #[test]
    fn a_flush_without_a_thread_ends_at_its_deadline_or_at_once_when_deserted() {
        let queue = Queue::new(1000);
        assert!(!queue.flush(Instant::now() + Duration::from_millis(20), false));
        assert!(queue.push(item(), 1).is_ok());
        assert_eq!(queue.desert().len(), 1);
        assert!(queue.flush(Instant::now() + Duration::from_secs(60), true));
        assert!(queue.push(item(), 1).is_err(), "nobody would take it");
    }

    #[test]
    fn the_last_items_are_brought_before_the_end() {
        let queue = Queue::new(1000);
        assert!(queue.push(item(), 1).is_ok());
        assert!(!queue.flush(Instant::now(), true));
        assert!(matches!(queue.next(Vec::new()), Next::Bring(items, 1) if items.len() == 1));
        assert!(matches!(queue.next(Vec::new()), Next::End));
    }
}
