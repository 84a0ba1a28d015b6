//! The future that sets a connection up.

use super::setup::{Established, Peer, Setup};
use crate::outcome::ErrorType;
use pin_project_lite::pin_project;
use std::{
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tracewire_propagation::current;

type BoxError = Box<dyn Error + Send + Sync>;

pin_project! {
    /// A connector's future inside its setup, whose end it tells.
    ///
    /// It runs, and is dropped, inside the context of the call that it was started for, even if the
    /// pool lets it go on in a task of its own.
    pub struct Connecting<F, T, U> {
        #[pin]
        inner: Option<F>,
        setup: Option<Setup>,
        describe: fn(&T) -> Peer,
        finish: fn(T, Option<Established>) -> U,
    }

    impl<F, T, U> PinnedDrop for Connecting<F, T, U> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let attached = this.setup.as_ref().map(|setup| current::attach(setup.context().clone()));
            this.inner.set(None);
            drop(attached);
        }
    }
}

impl<F, T, U> Connecting<F, T, U> {
    /// Runs `connect`, and then what it returns, inside `setup`.
    ///
    /// `describe` states facts about the connection, and `finish` makes of it what the client gets.
    pub fn new(
        setup: Option<Setup>,
        connect: impl FnOnce() -> F,
        describe: fn(&T) -> Peer,
        finish: fn(T, Option<Established>) -> U,
    ) -> Self {
        let _attached = setup.as_ref().map(|setup| current::attach(setup.context().clone()));
        Self { inner: Some(connect()), setup, describe, finish }
    }
}

impl<F, T, U, E> Future for Connecting<F, T, U>
where
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    type Output = Result<U, BoxError>;

    /// # Panics
    ///
    /// If it is polled after its end, as other futures do.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let awaited = this.setup.as_ref().is_some_and(Setup::is_awaited);
        let attached = this.setup.as_ref().map(|setup| current::attach(setup.context().clone()));
        let inner = this.inner.as_mut().as_pin_mut();
        let result = ready!(inner.expect("it is not polled after its end").poll(cx));
        this.inner.set(None);
        drop(attached);
        let setup = this.setup.take();
        Poll::Ready(match result {
            Ok(connection) => {
                let peer = (this.describe)(&connection);
                let established = setup.map(|setup| setup.succeed(peer, awaited));
                Ok((this.finish)(connection, established))
            }
            Err(error) => {
                let error = error.into();
                if let Some(setup) = setup {
                    let kind = ErrorType::of_client_error(&*error);
                    setup.fail(
                        kind.unwrap_or_else(|| ErrorType::of_connect_error(&*error)),
                        awaited,
                    );
                }
                Err(error)
            }
        })
    }
}

impl<F, T, U> fmt::Debug for Connecting<F, T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connecting").field("setup", &self.setup).finish_non_exhaustive()
    }
}
