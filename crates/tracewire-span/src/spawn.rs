//! Tasks that stay in the trace.

use crate::current;
use tokio::task::JoinHandle;

/// [`tokio::spawn`] that keeps the current span and baggage.
///
/// ```
/// # use tracewire_span::{span, spawn};
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// span("order").run(async {
///     spawn(async { span("mail").in_scope(|| ()) }).await // `mail` is a child of `order`
/// }).await.unwrap();
/// # });
/// ```
///
/// # Panics
///
/// Outside of a tokio runtime, as `tokio::spawn` does.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(current().carry(future))
}

/// [`tokio::task::spawn_blocking`] that keeps the current span and baggage.
///
/// # Panics
///
/// Outside of a tokio runtime, as `spawn_blocking` does.
#[track_caller]
pub fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let span = current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
}
