//! Runs a piece of the request's work inside its context.

use tracewire_http::{ErrorType, Exchange, Outcome};

/// Runs `work` with the exchange's context attached.
///
/// A panic in `work` ends the exchange as one, here, where it is certain: once the panic has been
/// caught further out, dropping the exchange would look like a caller who went away.
pub(super) fn inside<T>(exchange: &mut Option<Exchange>, work: impl FnOnce() -> T) -> T {
    let Some(context) = exchange.as_ref().map(|exchange| exchange.context().clone()) else {
        return work();
    };
    let _attached = context.attach();
    let mut guard = EndOnUnwind {
        exchange,
        armed: true,
    };
    let output = work();
    guard.armed = false;
    output
}

struct EndOnUnwind<'a> {
    exchange: &'a mut Option<Exchange>,
    armed: bool,
}

impl Drop for EndOnUnwind<'_> {
    fn drop(&mut self) {
        if self.armed
            && let Some(exchange) = self.exchange.take()
        {
            exchange.end(Outcome::Failed(ErrorType::Panic));
        }
    }
}
