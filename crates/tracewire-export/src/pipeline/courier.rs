//! A thread for tasks that may hang: one at a time, however often something is asked for.

#[cfg(all(test, shuttle))]
mod model;

use crate::sync::{Condvar, Mutex, MutexGuard, thread};
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError},
    time::Instant,
};

/// Does tasks on a thread of its own, which lives as long as there are any.
///
/// While one is under way, only the latest of those that were begun since waits.
pub struct Courier<T> {
    name: &'static str,
    work: Arc<dyn Fn(T) + Send + Sync>,
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    progress: Condvar,
}

struct State<T> {
    busy: bool,
    waiting: Option<T>,
    /// How many tasks were begun, and up to which one they are over.
    begun: u64,
    over: u64,
}

/// What became of a task so far.
#[derive(Debug)]
pub struct Begun<T> {
    /// Its number, to wait for.
    pub number: u64,
    /// The task that waited and is not done, because this one takes its place.
    pub replaced: Option<T>,
}

impl<T: Send + 'static> Courier<T> {
    /// Makes one that does `work` for each task, on threads of this name.
    pub fn new(name: &'static str, work: impl Fn(T) + Send + Sync + 'static) -> Self {
        let state = State { busy: false, waiting: None, begun: 0, over: 0 };
        let shared = Shared { state: Mutex::new(state), progress: Condvar::new() };
        Self { name, work: Arc::new(work), shared: Arc::new(shared) }
    }

    /// Has the task done as soon as no other one is under way.
    pub fn begin(&self, task: T) -> Begun<T> {
        let mut state = self.shared.lock();
        let replaced = state.waiting.replace(task);
        state.begun += 1;
        let number = state.begun;
        if !std::mem::replace(&mut state.busy, true) {
            drop(state);
            self.spawn();
        }
        Begun { number, replaced }
    }

    fn spawn(&self) {
        let (work, shared) = (Arc::clone(&self.work), Arc::clone(&self.shared));
        let run = move || shared.run(&*work);
        if thread::Builder::new().name(self.name.to_owned()).spawn(run).is_err() {
            // Late is better than never.
            self.shared.run(&*self.work);
        }
    }

    /// Waits until the task of this number is over, and says whether it is.
    pub fn wait(&self, number: u64, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let (state, _) = self
            .shared
            .progress
            .wait_timeout_while(self.shared.lock(), left, |state| state.over < number)
            .unwrap_or_else(PoisonError::into_inner);
        state.over >= number
    }

    /// Waits until every task that was begun is over, and says whether they are.
    pub fn wait_for_all(&self, deadline: Instant) -> bool {
        let begun = self.shared.lock().begun;
        self.wait(begun, deadline)
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, work: &dyn Fn(T)) {
        loop {
            let mut state = self.lock();
            let Some(task) = state.waiting.take() else {
                state.busy = false;
                return;
            };
            let number = state.begun;
            drop(state);
            // A task that panics is over too.
            let _ = catch_unwind(AssertUnwindSafe(|| work(task)));
            self.lock().over = number;
            self.progress.notify_all();
        }
    }
}

impl<T> Clone for Courier<T> {
    fn clone(&self) -> Self {
        let (work, shared) = (Arc::clone(&self.work), Arc::clone(&self.shared));
        Self { name: self.name, work, shared }
    }
}

impl<T> fmt::Debug for Courier<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::deadline::after;
    use std::{sync::mpsc::channel, time::Duration};

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn one_task_is_under_way_and_the_latest_waits() {
        let (entered, log) = channel();
        let (open, gate) = channel::<()>();
        let gate = Mutex::new(gate);
        let courier = Courier::new("test", move |task: u32| {
            entered.send((task, thread::current().id())).unwrap();
            gate.lock().unwrap().recv().unwrap();
        });
        assert_eq!(courier.begin(1).number, 1);
        assert_eq!(log.recv().unwrap().0, 1);
        assert_eq!(courier.begin(2).replaced, None);
        let begun: Vec<_> = (3..=50).map(|task| courier.begin(task)).collect();
        assert_eq!(begun[0].replaced, Some(2));
        assert!(!courier.wait(1, Instant::now()));
        open.send(()).unwrap();
        assert!(courier.wait(1, after(MINUTE)));
        assert_eq!(log.recv().unwrap().0, 50);
        open.send(()).unwrap();
        // Those that were replaced are over as well.
        assert!(courier.wait(7, after(MINUTE)) && courier.wait_for_all(after(MINUTE)));
        assert!(log.try_recv().is_err());
    }

    #[test]
    fn a_task_that_panics_is_over_and_the_next_is_done() {
        let (done, log) = channel();
        let courier = Courier::new("test", move |task: u32| {
            assert_ne!(task, 1, "out of luck");
            done.send(task).unwrap();
        });
        let first = courier.begin(1);
        assert!(courier.wait(first.number, after(MINUTE)));
        courier.begin(2);
        assert!(courier.wait_for_all(after(MINUTE)));
        assert_eq!(log.try_iter().collect::<Vec<_>>(), [2]);
    }
}
