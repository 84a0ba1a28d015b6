//! Futures on threads without a runtime.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Instant,
};

/// Runs a future on this thread, which has nothing else to do.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = waker();
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// The same, up to `deadline`; `None` if the future is not ready by then, which drops it.
pub(crate) fn block_until<T>(deadline: Instant, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let waker = waker();
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(value);
        }
        let left = deadline.checked_duration_since(Instant::now())?;
        thread::park_timeout(left);
    }
}

/// Wakes this thread.
fn waker() -> Waker {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    Waker::from(Arc::new(Unpark(thread::current())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        future::{pending, poll_fn, ready},
        time::Duration,
    };

    #[test]
    fn a_future_that_is_woken_by_another_thread_is_awaited() {
        let mut woken = false;
        let future = poll_fn(|cx| {
            if std::mem::replace(&mut woken, true) {
                return Poll::Ready(7);
            }
            let waker = cx.waker().clone();
            thread::spawn(move || waker.wake());
            Poll::Pending
        });
        assert_eq!(block_on(future), 7);
    }

    #[test]
    fn a_future_that_hangs_is_given_up_at_the_deadline() {
        let deadline = Instant::now() + Duration::from_millis(10);
        assert_eq!(block_until(deadline, pending::<()>()), None);
        assert!(Instant::now() >= deadline);
        // What is ready is taken even after the deadline.
        assert_eq!(block_until(deadline, ready(1)), Some(1));
    }
}
