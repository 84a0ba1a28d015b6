//! The runtime of the gRPC connections.

use crate::{
    diagnostics::quiet::{quiet_thread, quietly},
    error::ExportError,
};
use std::{
    io,
    sync::{Arc, Mutex, PoisonError, Weak, mpsc},
    thread,
    time::Duration,
};

/// Makes the runtime when the first client needs it. It ends with the last one.
#[derive(Debug, Default)]
pub(crate) struct Runtimes(Mutex<Weak<Runtime>>);

impl Runtimes {
    pub(crate) fn get(&self) -> Result<Arc<Runtime>, ExportError> {
        let mut own = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = own.upgrade() {
            return Ok(runtime);
        }
        let runtime = Arc::new(Runtime::new()?);
        *own = Arc::downgrade(&runtime);
        Ok(runtime)
    }
}

/// One thread, and one that looks names up; they end with the last client.
#[derive(Debug)]
pub(crate) struct Runtime {
    // Taken only when dropped.
    inner: Option<tokio::runtime::Runtime>,
}

impl Runtime {
    fn new() -> Result<Self, ExportError> {
        let failed = |error| {
            ExportError::exporter("the runtime of the gRPC exporter cannot be made")
                .with_source(error)
        };
        try_two_threads().map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(2)
            .thread_keep_alive(Duration::MAX)
            .thread_name("tracewire-grpc")
            // What connections say must not be exported.
            .on_thread_start(quiet_thread)
            .enable_all()
            .build()
            .map_err(failed)?;
        // Looks names up, and stays: tokio panics where it needs such a thread and cannot start the
        // first one, and that would end the connection's channel for good.
        runtime.spawn_blocking(|| ());
        Ok(Self { inner: Some(runtime) })
    }

    fn inner(&self) -> &tokio::runtime::Runtime {
        self.inner.as_ref().expect("it is taken only when dropped")
    }

    /// Does `work` as if on the runtime.
    pub(crate) fn enter<T>(&self, work: impl FnOnce() -> T) -> T {
        let _guard = self.inner().enter();
        quietly(work)
    }

    /// The future's output, if it is there within `limit`.
    pub(crate) fn block_on<T>(
        &self,
        limit: Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        self.inner().block_on(async { tokio::time::timeout(limit, future).await.ok() })
    }
}

/// An error where the threads of the runtime cannot be started: tokio panics there.
fn try_two_threads() -> io::Result<()> {
    let (hold, held) = mpsc::channel::<()>();
    let first = thread::Builder::new().spawn(move || {
        let _ = held.recv();
    })?;
    let second = thread::Builder::new().spawn(|| ());
    drop(hold);
    // They do nothing that could panic.
    let _ = first.join();
    let _ = second?.join();
    Ok(())
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // Without waiting, which is not allowed on the thread of another runtime.
        if let Some(runtime) = self.inner.take() {
            runtime.shutdown_background();
        }
    }
}
