//! Tasks that stay in the trace.

use crate::current;
use tokio::task::JoinHandle;

/// Spawns a task as [`tokio::spawn`] does, and keeps the current span and baggage in it.
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

/// Runs blocking work as [`tokio::task::spawn_blocking`] does, and keeps the current span and baggage
/// in it.
///
/// # Panics
///
/// Outside of a tokio runtime, as `spawn_blocking` does.
///
/// ```
/// use tracewire_span::{span, spawn_blocking};
///
/// # fn resize(image: Vec<u8>) -> Vec<u8> { image }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokio::task::JoinError> {
/// # let image = Vec::new();
/// span("upload").run(async {
///     // `resize` is a child of `upload`.
///     spawn_blocking(move || span("resize").in_scope(|| resize(image))).await
/// }).await?;
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let span = current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
}
