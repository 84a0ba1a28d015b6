//! Runs and drops the work of an exchange inside its context.

use super::Exchange;
use crate::outcome::{ErrorType, Outcome};
use opentelemetry::{Context, ContextGuard};
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::Future,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{self, Poll, ready},
};
use tracewire_propagation::current;

/// An exchange, or what owns one: it has a context and ends once.
///
/// Dropping it before its end must end it as [`Outcome::Cancelled`].
///
/// ```
/// use tracewire_http::wiring::Traced;
///
/// /// For logs of an adapter: whether this exchange is recorded.
/// fn is_recorded(owner: &impl Traced) -> bool {
///     owner.exchange().is_recorded()
/// }
/// ```
pub trait Traced {
    /// Whether the last byte of a declared length ends it while the body is still there.
    ///
    /// A server drops a body as soon as it is sent, and waits for what is dropped with it. A
    /// client's reader may keep a body that was read.
    const ENDS_AT_LAST_BYTE: bool;

    /// Returns the exchange.
    fn exchange(&self) -> &Exchange;

    /// Returns the exchange, to note something on it.
    fn exchange_mut(&mut self) -> &mut Exchange;

    /// Ends it.
    fn end(self, outcome: Outcome);
}

impl Traced for Exchange {
    const ENDS_AT_LAST_BYTE: bool = false;

    fn exchange(&self) -> &Exchange {
        self
    }

    fn exchange_mut(&mut self) -> &mut Exchange {
        self
    }

    fn end(self, outcome: Outcome) {
        Self::end(self, outcome);
    }
}

/// What a piece of work runs inside.
///
/// ```
/// use http::Request;
/// use opentelemetry::trace::TraceContextExt;
/// use std::sync::Arc;
/// use tracewire_http::Outcome;
/// use tracewire_http::wiring::{Scope, ServerCall, ServerSettings};
///
/// let settings = Arc::new(ServerSettings::new("my-server", "1.0.0"));
/// let (mut scope, _handle): (Scope<ServerCall>, _) = ServerCall::begin(&settings, &Request::new(()));
/// scope.run(|| {
///     opentelemetry::Context::map_current(|context| assert!(!context.span().is_recording())); // no SDK
/// });
/// scope.end(Outcome::Complete);
/// ```
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // a box would be an allocation for every request
pub enum Scope<E> {
    /// An exchange that has not ended.
    Traced(E),
    /// A context without an exchange of its own.
    Context(Context),
    /// Whatever is current.
    Bare,
}

impl<E: Traced> Scope<E> {
    /// Returns the exchange, if there is one that has not ended.
    pub fn exchange(&mut self) -> Option<&mut Exchange> {
        match self {
            Self::Traced(traced) => Some(traced.exchange_mut()),
            Self::Context(_) | Self::Bare => None,
        }
    }

    /// Runs `work` with the context attached. A panic in it ends the exchange as one, and goes on.
    ///
    /// It is noticed here because here it is certain: once the panic has been caught further out,
    /// dropping the exchange would look like a caller who went away.
    pub fn run<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let _attached = self.attach();
        let panics = EndsAsPanic(self);
        let output = work();
        mem::forget(panics);
        output
    }

    /// Ends the exchange, if there is one that has not ended.
    pub fn end(&mut self, outcome: Outcome) {
        if let Self::Traced(traced) = self.take() {
            traced.end(outcome);
        }
    }

    /// Ends the exchange, and keeps its context for what is still to be dropped.
    pub fn end_early(&mut self, outcome: Outcome) {
        if let Self::Traced(traced) = self {
            let context = Self::Context(traced.exchange().context().clone());
            if let Self::Traced(traced) = mem::replace(self, context) {
                traced.end(outcome);
            }
        }
    }

    /// Takes everything out, and leaves [`Bare`](Self::Bare) behind.
    #[must_use = "dropping an exchange ends it as cancelled"]
    pub fn take(&mut self) -> Self {
        mem::replace(self, Self::Bare)
    }

    /// Returns what has an exchange, if it has not ended.
    pub fn into_traced(self) -> Option<E> {
        match self {
            Self::Traced(traced) => Some(traced),
            Self::Context(_) | Self::Bare => None,
        }
    }

    fn attach(&self) -> Option<ContextGuard> {
        match self {
            Self::Traced(traced) => current::attach(traced.exchange().context().clone()),
            Self::Context(context) => current::attach(context.clone()),
            Self::Bare => None,
        }
    }
}

impl<E> From<Option<E>> for Scope<E> {
    fn from(traced: Option<E>) -> Self {
        traced.map_or(Self::Bare, Self::Traced)
    }
}

pin_project! {
    /// A future or a body that runs, and is dropped, inside its scope.
    ///
    /// What it owns is dropped while the span is still open: at the end, at a cancellation and at a
    /// panic. So what a destructor logs or starts belongs to the request.
    ///
    /// As a future it resolves to the inner future's output and the scope.
    ///
    /// ```
    /// use http::Request;
    /// use std::sync::Arc;
    /// use tracewire_http::wiring::{Scoped, ServerCall, ServerSettings};
    ///
    /// # async fn answer() -> &'static str { "Ada" }
    /// # async fn example() {
    /// let settings = Arc::new(ServerSettings::new("my-server", "1.0.0"));
    /// let (scope, _handle) = ServerCall::begin(&settings, &Request::new(()));
    /// // Runs and drops the future inside the request's context, and ends the request if it panics.
    /// let (answer, scope) = Scoped::new(answer(), scope).await;
    /// # }
    /// ```
    pub struct Scoped<T, E>
    where
        E: Traced,
    {
        // `None` once it is done, or has panicked.
        #[pin]
        inner: Option<T>,
        scope: Scope<E>,
    }

    impl<T, E> PinnedDrop for Scoped<T, E>
    where
        E: Traced,
    {
        fn drop(this: Pin<&mut Self>) {
            this.drop_inner();
        }
    }
}

impl<T, E: Traced> Scoped<T, E> {
    /// Puts `inner` inside `scope`.
    pub fn new(inner: T, scope: impl Into<Scope<E>>) -> Self {
        Self { inner: Some(inner), scope: scope.into() }
    }

    /// Nothing more to run: the work is done, and the exchange over.
    pub(crate) fn done() -> Self {
        Self { inner: None, scope: Scope::Bare }
    }

    /// Returns what is inside, unless it is done.
    pub fn inner(&self) -> Option<&T> {
        self.inner.as_ref()
    }

    /// Returns what is inside, to be changed, unless it is done.
    pub fn inner_mut(self: Pin<&mut Self>) -> Option<Pin<&mut T>> {
        self.project().inner.as_pin_mut()
    }

    /// Returns what it runs inside.
    pub fn scope(self: Pin<&mut Self>) -> &mut Scope<E> {
        self.project().scope
    }

    /// Polls what is inside, with the context attached.
    ///
    /// A panic drops what is inside, ends the exchange as [`ErrorType::Panic`], and goes on.
    ///
    /// # Panics
    ///
    /// If what is inside is done or has panicked, as other futures do.
    pub fn poll_inner<R>(self: Pin<&mut Self>, poll: impl FnOnce(Pin<&mut T>) -> R) -> R {
        self.poll_to_end(|inner, _| poll(inner))
    }

    /// Does the same, and drops the work right after it, still inside the context, if `poll` sets its
    /// flag to say that it is over.
    pub(crate) fn poll_to_end<R>(
        self: Pin<&mut Self>,
        poll: impl FnOnce(Pin<&mut T>, &mut bool) -> R,
    ) -> R {
        let this = self.project();
        let _attached = this.scope.attach();
        let mut panics = DropsAndEndsAsPanic { inner: this.inner, scope: this.scope };
        let inner = panics.inner.as_mut().as_pin_mut().expect("not polled after it was done");
        let mut over = false;
        let output = poll(inner, &mut over);
        if over {
            panics.inner.set(None);
        }
        mem::forget(panics);
        output
    }

    /// Drops what is inside, then ends the exchange.
    pub fn close(mut self: Pin<&mut Self>, outcome: Outcome) {
        self.as_mut().drop_inner();
        self.project().scope.end(outcome);
    }

    fn drop_inner(self: Pin<&mut Self>) {
        let mut this = self.project();
        if this.inner.is_some() {
            this.scope.run(|| this.inner.set(None));
        }
    }
}

/// Ends an exchange as a panic when it is dropped, which happens only while its work unwinds.
///
/// Catching the panic would do the same, but move the work and its output once more.
struct EndsAsPanic<'a, E: Traced>(&'a mut Scope<E>);

impl<E: Traced> Drop for EndsAsPanic<'_, E> {
    fn drop(&mut self) {
        self.0.end(Outcome::Failed(ErrorType::Panic));
    }
}

/// The same for work that is kept: it is dropped before its exchange ends.
struct DropsAndEndsAsPanic<'a, T, E: Traced> {
    inner: Pin<&'a mut Option<T>>,
    scope: &'a mut Scope<E>,
}

impl<T, E: Traced> Drop for DropsAndEndsAsPanic<'_, T, E> {
    fn drop(&mut self) {
        // The first panic is the one to tell of.
        let _ = catch_unwind(AssertUnwindSafe(|| self.inner.set(None)));
        self.scope.end(Outcome::Failed(ErrorType::Panic));
    }
}

impl<F: Future, E: Traced> Future for Scoped<F, E> {
    type Output = (F::Output, Scope<E>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let output = ready!(self.as_mut().poll_to_end(|inner, over| {
            let polled = inner.poll(cx);
            *over = polled.is_ready();
            polled
        }));
        Poll::Ready((output, self.project().scope.take()))
    }
}

impl<T, E: Traced> fmt::Debug for Scoped<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped").field("done", &self.inner.is_none()).finish_non_exhaustive()
    }
}
