//! Runs a piece of the request's work inside its context.

use opentelemetry::Context;
use tracewire_http::{ErrorType, Exchange, Outcome};

/// What a request's work runs inside.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // a box would be an allocation for every request
pub(super) enum Scope {
    /// An exchange of its own.
    Traced(Exchange),
    /// The caller's context, without a span of ours: the request was filtered out.
    Filtered(Context),
    /// Nothing, or nothing any more: another layer of ours is around, or the exchange has ended.
    Bare,
}

impl Scope {
    /// The exchange, if there is one that has not ended.
    pub(super) fn exchange(&mut self) -> Option<&mut Exchange> {
        match self {
            Self::Traced(exchange) => Some(exchange),
            Self::Filtered(_) | Self::Bare => None,
        }
    }

    /// Runs `work` with the context attached.
    ///
    /// A panic in `work` ends the exchange as one, here, where it is certain: once the panic has
    /// been caught further out, dropping the exchange would look like a caller who went away.
    pub(super) fn run<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let context = match self {
            Self::Traced(exchange) => exchange.context().clone(),
            Self::Filtered(context) => context.clone(),
            Self::Bare => return work(),
        };
        let _attached = context.attach();
        let mut guard = EndOnUnwind { scope: self, armed: true };
        let output = work();
        guard.armed = false;
        output
    }

    /// Ends the exchange, if there is one that has not ended.
    pub(super) fn end(&mut self, outcome: Outcome) {
        if let Self::Traced(exchange) = std::mem::replace(self, Self::Bare) {
            exchange.end(outcome);
        }
    }

    /// Leaves the exchange to those who hold its handle.
    pub(super) fn hand_over(&mut self) {
        if let Self::Traced(exchange) = self.take() {
            exchange.hand_over();
        }
    }

    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Bare)
    }
}

struct EndOnUnwind<'a> {
    scope: &'a mut Scope,
    armed: bool,
}

impl Drop for EndOnUnwind<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.scope.end(Outcome::Failed(ErrorType::Panic));
        }
    }
}
