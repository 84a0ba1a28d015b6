//! A place that several threads write to, and that a test waits on.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    task::Waker,
};

/// Shared state that wakes whoever waits for it to change.
#[derive(Debug)]
pub(crate) struct Store<T>(Arc<Mutex<State<T>>>);

#[derive(Debug)]
struct State<T> {
    value: T,
    waiting: Vec<Waker>,
}

impl<T> Store<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(State { value, waiting: Vec::new() })))
    }

    pub(crate) fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.lock().value)
    }

    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let mut state = self.lock();
        let output = change(&mut state.value);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        output
    }

    /// Reads, and wakes this waker at the next change if there is nothing to see yet.
    pub(crate) fn poll<R>(&self, waker: &Waker, read: impl FnOnce(&T) -> Option<R>) -> Option<R> {
        let mut state = self.lock();
        let seen = read(&state.value);
        if seen.is_none() {
            state.waiting.push(waker.clone());
        }
        seen
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // A test that failed while it held the lock must not hide its own message.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl<T> Clone for Store<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
