//! Waiting for telemetry, with a deadline and without sleeping.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, PoisonError},
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

/// How long to wait unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something a test waits for: `.await` it, or [`block`](Self::block) where there is no runtime.
///
/// It needs no particular runtime, and wakes as soon as there is something to see.
///
/// # Panics
///
/// When the deadline passes, 5 seconds unless set by [`within`](Self::within). The message says
/// what there was instead.
///
/// ```
/// use std::thread;
/// use std::time::Duration;
/// use tracewire_span::span;
/// use tracewire_testing::Capture;
///
/// let capture = Capture::new();
/// let context = capture.context();
/// let thread = thread::spawn(move || {
///     let _attached = context.attach();
///     span("work").in_scope(|| ());
/// });
/// let spans = capture.ended(1).within(Duration::from_secs(10)).block();
/// assert_eq!(spans.only().name, "work");
/// # thread.join().unwrap();
/// ```
#[must_use = "a wait does nothing unless awaited or blocked on"]
pub struct Wait<T> {
    look: Look<T>,
    missing: Box<dyn Fn() -> String + Send>,
    patience: Duration,
    alarm: Option<Alarm>,
}

type Look<T> = Box<dyn Fn(&Waker) -> Option<T> + Send>;

impl<T> Wait<T> {
    /// Waits until `look` sees something; `missing` says at the deadline what there is instead.
    pub(crate) fn new(
        look: impl Fn(&Waker) -> Option<T> + Send + 'static,
        missing: impl Fn() -> String + Send + 'static,
    ) -> Self {
        Self { look: Box::new(look), missing: Box::new(missing), patience: PATIENCE, alarm: None }
    }

    /// Sets the deadline.
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Waits on this thread. Inside an async test `.await` it instead, so that the runtime goes on.
    ///
    /// # Panics
    ///
    /// When the deadline passes.
    #[track_caller]
    pub fn block(self) -> T {
        let deadline = Instant::now() + self.patience;
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(Arc::clone(&bell));
        loop {
            if let Some(seen) = (self.look)(&waker) {
                return seen;
            }
            if !bell.wait(deadline) {
                self.give_up();
            }
        }
    }

    #[track_caller]
    fn give_up(&self) -> ! {
        panic!("still waiting after {:?}\n\n{}", self.patience, (self.missing)())
    }
}

impl<T> Future for Wait<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        if let Some(seen) = (self.look)(cx.waker()) {
            return Poll::Ready(seen);
        }
        let patience = self.patience;
        let alarm = self.alarm.get_or_insert_with(|| Alarm::set(patience));
        if alarm.rang(cx.waker()) {
            self.give_up();
        }
        Poll::Pending
    }
}

/// Rings when woken.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    /// Waits for a ring, which it takes; `false` at the deadline.
    fn wait(&self, deadline: Instant) -> bool {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let left = deadline.saturating_duration_since(Instant::now());
        let (mut rung, _) = self
            .changed
            .wait_timeout_while(rung, left, |rung| !*rung)
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut rung)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }
}

/// A thread that wakes a task at its deadline, for want of a runtime's timer.
struct Alarm {
    cancel: Arc<Bell>,
    rings: Arc<Mutex<Rings>>,
}

enum Rings {
    Later(Option<Waker>),
    Now,
}

impl Alarm {
    fn set(patience: Duration) -> Self {
        let alarm =
            Self { cancel: Arc::default(), rings: Arc::new(Mutex::new(Rings::Later(None))) };
        let (cancel, rings) = (Arc::clone(&alarm.cancel), Arc::clone(&alarm.rings));
        std::thread::spawn(move || {
            if !cancel.wait(Instant::now() + patience) {
                let mut rings = rings.lock().unwrap_or_else(PoisonError::into_inner);
                if let Rings::Later(Some(waker)) = std::mem::replace(&mut *rings, Rings::Now) {
                    waker.wake();
                }
            }
        });
        alarm
    }

    /// Whether the deadline has passed; if not, wakes this waker when it does.
    fn rang(&self, waker: &Waker) -> bool {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *rings {
            Rings::Now => true,
            Rings::Later(task) => {
                *task = Some(waker.clone());
                false
            }
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        Arc::clone(&self.cancel).wake();
    }
}

impl<T> fmt::Debug for Wait<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("patience", &self.patience).finish_non_exhaustive()
    }
}
