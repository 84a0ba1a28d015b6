//! One reload at a time, and none that waits for itself.

use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;
use std::time::Duration;

use crate::sync::thread::{self, ThreadId};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// A value that one thread at a time has for long, while it calls functions of the program.
///
/// With a [`Mutex`], a function that asks for the value again would wait for ever.
pub(super) struct Turns<T> {
    inner: Mutex<Inner<T>>,
    free: Condvar,
}

struct Inner<T> {
    /// `None` while a thread has it.
    value: Option<T>,
    holder: Option<ThreadId>,
}

/// Why a thread does not get the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Busy {
    /// It has the value already.
    Here,
    /// Another thread has had it for as long as this one waited.
    Elsewhere,
}

/// The value, which goes back when this is dropped.
pub(super) struct Turn<'a, T> {
    value: Option<T>,
    turns: &'a Turns<T>,
}

impl<T> Turns<T> {
    pub(super) fn new(value: T) -> Self {
        Self { inner: Mutex::new(Inner { value: Some(value), holder: None }), free: Condvar::new() }
    }

    /// Takes the value, after other threads that have it, for at most this long.
    pub(super) fn take(&self, limit: Duration) -> Result<Turn<'_, T>, Busy> {
        let inner = self.lock();
        if inner.holder == Some(thread::current().id()) {
            return Err(Busy::Here);
        }
        let waited = self.free.wait_timeout_while(inner, limit, |inner| inner.value.is_none());
        let (mut inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        self.give(&mut inner).ok_or(Busy::Elsewhere)
    }

    /// Takes the value, if no thread has it.
    pub(super) fn try_take(&self) -> Option<Turn<'_, T>> {
        self.give(&mut self.lock())
    }

    fn give(&self, inner: &mut Inner<T>) -> Option<Turn<'_, T>> {
        let value = inner.value.take()?;
        inner.holder = Some(thread::current().id());
        Some(Turn { value: Some(value), turns: self })
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Deref for Turn<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect(HAS_IT)
    }
}

impl<T> DerefMut for Turn<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect(HAS_IT)
    }
}

const HAS_IT: &str = "a turn has the value until it is dropped";

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        let mut inner = self.turns.lock();
        (inner.value, inner.holder) = (self.value.take(), None);
        drop(inner);
        self.turns.free.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_does_not_wait_for_itself() {
        let turns = Turns::new(1);
        let mut turn = turns.take(Duration::MAX).unwrap();
        *turn += 1;
        assert_eq!(turns.take(Duration::MAX).err(), Some(Busy::Here));
        drop(turn);
        assert_eq!(*turns.take(Duration::ZERO).unwrap(), 2);
    }

    #[test]
    fn other_threads_wait_for_as_long_as_they_say() {
        let turns = Turns::new(0);
        let turn = turns.take(Duration::ZERO).unwrap();
        std::thread::scope(|scope| {
            let late = scope.spawn(|| turns.take(Duration::from_millis(1)).err());
            assert_eq!(late.join().unwrap(), Some(Busy::Elsewhere));
            let patient = scope.spawn(|| *turns.take(Duration::from_secs(60)).unwrap());
            drop(turn);
            assert_eq!(patient.join().unwrap(), 0);
        });
    }

    #[test]
    fn a_value_that_is_taken_is_not_given_again() {
        let turns = Turns::new(1);
        let turn = turns.try_take();
        assert!(turn.is_some() && turns.try_take().is_none());
        drop(turn);
        assert_eq!(turns.try_take().map(|turn| *turn), Some(1));
    }

    #[test]
    fn a_panic_gives_the_value_back() {
        let turns = Turns::new(7);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _turn = turns.take(Duration::ZERO).unwrap();
            panic!("a function of the program");
        }));
        assert!(panicked.is_err());
        assert_eq!(*turns.take(Duration::ZERO).unwrap(), 7);
    }
}
