//! The signals that ask a process to end.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use tracewire_export::wiring::log;

/// A terminal may deliver one Ctrl-C twice, to a process and through the program that started it.
const SAME: Duration = Duration::from_millis(500);

/// Waits until the process is asked to end: by Ctrl-C or SIGTERM, and on Windows by Ctrl-C,
/// Ctrl-Break, or the end of the console or the system.
///
/// Terminals send the first, and every orchestrator the second (`docker stop`, a Kubernetes rollout,
/// systemd). Without a handler both end the process at once, with everything that waits to be
/// exported.
///
/// The handlers are installed by this call, not by the first poll, so no signal in between is lost.
/// The signal is kept: every future is ready from then on, also one that is made later. Any number of
/// them may wait, on any runtime or none; a thread of its own takes the signals.
///
/// A second signal, at least half a second after the first, ends the process at once with the status
/// 128 plus the signal's number. So a shutdown that hangs can be cut short.
///
/// If the handlers cannot be installed, that is logged as a warning, and the future never ends: the
/// signals then end the process as they do by default.
///
/// ```no_run
/// # async fn serve(_: impl Future<Output = ()>) {}
/// # #[tokio::main]
/// # async fn main() -> Result<(), tracewire_init::InitError> {
/// let telemetry = tracewire_init::init()?;
/// serve(tracewire_init::shutdown_signal()).await; // such as axum's with_graceful_shutdown
/// telemetry.shutdown();
/// # Ok(())
/// # }
/// ```
pub fn shutdown_signal() -> ShutdownSignal {
    static SHARED: OnceLock<Arc<Shared>> = OnceLock::new();
    ShutdownSignal { shared: Arc::clone(SHARED.get_or_init(listen)), key: None }
}

/// The future of [`shutdown_signal`].
///
/// ```no_run
/// use tracewire_init::shutdown_signal;
///
/// # async fn serve() {}
/// # async fn example() {
/// let signal = shutdown_signal(); // from here on Ctrl-C and SIGTERM are caught
/// tokio::select! {
///     () = signal => {}
///     () = serve() => {}
/// }
/// # }
/// ```
#[must_use = "nothing waits for the signal unless the future is awaited"]
pub struct ShutdownSignal {
    shared: Arc<Shared>,
    /// Where its waker is.
    key: Option<u64>,
}

impl Future for ShutdownSignal {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.shared.lock();
        if state.came.is_some() {
            return Poll::Ready(());
        }
        let key = self.key.unwrap_or_else(|| state.next_key());
        let place = state.waiting.iter_mut().find(|(other, _)| *other == key);
        let old = match place {
            Some((_, waker)) if waker.will_wake(cx.waker()) => None,
            Some((_, waker)) => Some(std::mem::replace(waker, cx.waker().clone())),
            None => {
                state.waiting.push((key, cx.waker().clone()));
                None
            }
        };
        drop(state);
        self.key = Some(key);
        // The last waker of a task drops the task, and with it perhaps a future like this one.
        drop(old);
        Poll::Pending
    }
}

impl Drop for ShutdownSignal {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let mut state = self.shared.lock();
            let at = state.waiting.iter().position(|(other, _)| *other == key);
            let waker = at.map(|at| state.waiting.swap_remove(at));
            // A waker's own drop may do anything.
            drop(state);
            drop(waker);
        }
    }
}

impl fmt::Debug for ShutdownSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let came = self.shared.lock().came.is_some();
        f.debug_struct("ShutdownSignal").field("came", &came).finish()
    }
}

#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    came: Option<Instant>,
    waiting: Vec<(u64, Waker)>,
    keys: u64,
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A signal came. Gives whether it is the second one, which ends the process.
    fn came(&self, now: Instant) -> bool {
        let mut state = self.lock();
        match state.came {
            Some(first) => return now.duration_since(first) >= SAME,
            None => state.came = Some(now),
        }
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(|(_, waker)| waker.wake());
        false
    }
}

impl State {
    fn next_key(&mut self) -> u64 {
        self.keys += 1;
        self.keys
    }
}

/// Starts the thread and waits until it has installed the handlers.
fn listen() -> Arc<Shared> {
    let shared = Arc::<Shared>::default();
    let theirs = Arc::clone(&shared);
    let (ready, is_ready) = channel();
    let thread = thread::Builder::new()
        .name("tracewire-signal".to_owned())
        .spawn(move || run(&theirs, &ready));
    let result = thread.map(drop).and_then(|()| {
        is_ready.recv().unwrap_or_else(|_| Err(io::Error::other("the thread has ended")))
    });
    if let Err(error) = result {
        log::warn(&format!(
            "Ctrl-C and SIGTERM cannot be waited for, and end the process at once: {error}"
        ));
    }
    shared
}

/// The thread's life, on a runtime of its own: the caller may have none, or another one.
fn run(shared: &Shared, ready: &Sender<io::Result<()>>) {
    let built = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let runtime = match built {
        Ok(runtime) => runtime,
        Err(error) => return drop(ready.send(Err(error))),
    };
    runtime.block_on(async {
        let mut signals = match Signals::install() {
            Ok(signals) => signals,
            Err(error) => return drop(ready.send(Err(error))),
        };
        // The caller waits for this.
        let _ = ready.send(Ok(()));
        loop {
            let number = signals.next().await;
            if shared.came(Instant::now()) {
                log::warn("a second signal came: the process ends without waiting any longer");
                std::process::exit(128 + number);
            }
        }
    });
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// The number of the next one.
    async fn next(&mut self) -> i32 {
        use tokio::signal::unix::SignalKind;
        tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt().as_raw_value(),
            _ = self.terminate.recv() => SignalKind::terminate().as_raw_value(),
        }
    }
}

#[cfg(windows)]
struct Signals {
    c: tokio::signal::windows::CtrlC,
    r#break: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Signals {
    fn install() -> io::Result<Self> {
        use tokio::signal::windows;
        Ok(Self {
            c: windows::ctrl_c()?,
            r#break: windows::ctrl_break()?,
            close: windows::ctrl_close()?,
            shutdown: windows::ctrl_shutdown()?,
        })
    }

    /// The number that Unix gives to its likes: 2 for what a person did, 15 for the rest.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.c.recv() => 2,
            _ = self.r#break.recv() => 2,
            _ = self.close.recv() => 15,
            _ = self.shutdown.recv() => 15,
        }
    }
}

#[cfg(not(any(unix, windows)))]
struct Signals;

#[cfg(not(any(unix, windows)))]
impl Signals {
    fn install() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn next(&mut self) -> i32 {
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn future(shared: &Arc<Shared>) -> ShutdownSignal {
        ShutdownSignal { shared: Arc::clone(shared), key: None }
    }

    /// A waker that owns a future, as that of a task does.
    struct Owns {
        _future: Mutex<ShutdownSignal>,
    }

    impl Wake for Owns {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn a_future_that_goes_from_one_task_to_another_may_end_the_first() {
        let shared = Arc::<Shared>::default();
        let (mut inner, mut outer) = (future(&shared), future(&shared));
        assert!(Pin::new(&mut inner).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let first = Waker::from(Arc::new(Owns { _future: Mutex::new(inner) }));
        assert!(Pin::new(&mut outer).poll(&mut Context::from_waker(&first)).is_pending());
        drop(first);
        assert!(Pin::new(&mut outer).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(shared.lock().waiting.len(), 1);
    }

    #[test]
    fn a_signal_wakes_every_future_and_those_made_later_are_ready() {
        let shared = Arc::<Shared>::default();
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let cx = &mut Context::from_waker(&waker);
        let (mut one, mut two, mut gone) = (future(&shared), future(&shared), future(&shared));
        for _ in 0..3 {
            assert!(Pin::new(&mut one).poll(cx).is_pending());
            assert!(Pin::new(&mut two).poll(cx).is_pending());
            assert!(Pin::new(&mut gone).poll(cx).is_pending());
        }
        drop(gone);
        assert_eq!(shared.lock().waiting.len(), 2);
        assert!(!shared.came(Instant::now()));
        assert_eq!(count.0.load(Ordering::Relaxed), 2);
        for mut ready in [one, two, future(&shared)] {
            assert!(Pin::new(&mut ready).poll(cx).is_ready());
        }
    }

    #[test]
    fn a_second_signal_is_one_that_comes_later() {
        let shared = Shared::default();
        let first = Instant::now();
        assert!(!shared.came(first));
        assert!(!shared.came(first + SAME / 2));
        assert!(shared.came(first + SAME));
    }
}
