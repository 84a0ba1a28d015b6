//! One lookup of a host's name.

use super::{Connections, setup::Shared};
use crate::{outcome::ErrorType, settings::Resolved};
use std::{error::Error, net::SocketAddr, sync::Arc, time::Instant};
use tracewire_propagation::current;

/// How many addresses of an answer are kept.
const MOST_ANSWERS: usize = 8;

/// A lookup under way. Dropping it before its end means that nobody waits for it any more.
///
/// ```
/// use std::net::ToSocketAddrs;
/// use std::sync::Arc;
/// use tracewire_http::wiring::{ClientSettings, Connections, Lookup};
///
/// let connections = Connections::new(Arc::new(ClientSettings::new("my-client", "1.0.0")));
/// let lookup = Lookup::begin(&connections, "localhost");
/// match ("localhost", 80).to_socket_addrs() {
///     Ok(addresses) => lookup.succeed(&addresses.collect::<Vec<_>>()),
///     Err(error) => lookup.fail(&error),
/// }
/// ```
#[derive(Debug)]
pub struct Lookup {
    resolved: Arc<Resolved>,
    name: Arc<str>,
    began: Instant,
    setup: Option<(Arc<Shared>, Option<usize>)>,
}

impl Lookup {
    /// Begins the lookup of `name`, for the connection that is set up in the current context.
    pub fn begin(connections: &Connections, name: &str) -> Self {
        let resolved = connections.resolved();
        let began = resolved.options.clock.now();
        let name = Arc::from(name);
        let setup = Shared::current().map(|shared| {
            let place = shared.add_lookup(&name, began);
            (shared, place)
        });
        Self { resolved, name, began, setup }
    }

    /// Ends it with these addresses.
    pub fn succeed(self, answers: &[SocketAddr]) {
        self.end(answers, None);
    }

    /// Ends it with this error.
    pub fn fail(self, error: &(dyn Error + 'static)) {
        let kind = ErrorType::of_client_error(error).filter(|kind| *kind == ErrorType::Timeout);
        self.end(&[], Some(kind.unwrap_or(ErrorType::Dns)));
    }

    fn end(self, answers: &[SocketAddr], error: Option<ErrorType>) {
        let ended = self.resolved.options.clock.now();
        if let Some((shared, Some(place))) = &self.setup
            && let Some(lookup) = shared.marks().lookups.get_mut(*place)
        {
            lookup.ended = Some(ended);
            lookup.answers = answers.iter().take(MOST_ANSWERS).copied().collect();
            lookup.error = error;
        }
        if let Some(instruments) = &self.resolved.connections
            && !current::with(opentelemetry::Context::is_telemetry_suppressed)
        {
            let took = ended.saturating_duration_since(self.began);
            let shared = self.setup.as_ref().map(|(shared, _)| &**shared);
            current::finish(|| instruments.lookup(&self.resolved, shared, &self.name, took, error));
        }
    }
}
