//! The settings of one layer or middleware.

mod clock;
mod common;
mod lookup;
mod options;

pub(crate) use self::lookup::Resolved;
pub use self::{clock::Clock, common::Common};

use self::lookup::Lookup;
use crate::values::Side;
use std::{fmt, sync::Arc};

/// The settings of one layer or middleware: what servers and clients have in common, and what only
/// its own side has, `O`.
///
/// Use it as [`ServerSettings`](crate::wiring::ServerSettings) or
/// [`ClientSettings`](crate::wiring::ClientSettings).
///
/// Providers and propagator that are not given are the process's own. They are looked up **at the
/// first exchange**, not here: OpenTelemetry's globals hand out tracers and instruments that never
/// have an effect if they are taken before the provider is set. While no tracer provider is set,
/// they are looked up again, at most once a second.
///
/// The settings of one side start nothing on the other:
///
/// ```
/// # use opentelemetry::Context;
/// # use std::sync::Arc;
/// # use tracewire_http::{ClientRequest, Scheme, wiring::{ClientCall, ClientSettings}};
/// # let (method, parent) = (http::Method::GET, Context::new());
/// # let request = ClientRequest::new(&method, "http://db/", Scheme::Http, "db", 80);
/// let settings = Arc::new(ClientSettings::new("my-client", "1.0.0"));
/// let call = ClientCall::start(&settings, &parent, request, &mut http::Extensions::new());
/// ```
///
/// ```compile_fail,E0308
/// # use opentelemetry::Context;
/// # use std::sync::Arc;
/// # use tracewire_http::{ClientRequest, Scheme, wiring::{ClientCall, ServerSettings}};
/// # let (method, parent) = (http::Method::GET, Context::new());
/// # let request = ClientRequest::new(&method, "http://db/", Scheme::Http, "db", 80);
/// let settings = Arc::new(ServerSettings::new("my-server", "1.0.0"));
/// let call = ClientCall::start(&settings, &parent, request, &mut http::Extensions::new());
/// ```
#[derive(Clone)]
#[must_use = "settings do nothing until an exchange starts with them"]
pub struct Settings<O> {
    common: Common,
    own: O,
    /// What they resolved to. A clone starts with an empty one.
    lookup: Lookup,
}

impl<O> Settings<O> {
    pub(crate) fn with_own(
        side: Side,
        library: &'static str,
        version: &'static str,
        own: O,
    ) -> Self {
        Self { common: Common::new(side, library, version), own, lookup: Lookup::default() }
    }

    /// The options that both sides have.
    #[doc(hidden)]
    pub fn common_mut(&mut self) -> &mut Common {
        self.lookup = Lookup::default();
        &mut self.common
    }

    /// The options of this side alone.
    #[doc(hidden)]
    pub fn own_mut(&mut self) -> &mut O {
        &mut self.own
    }

    pub(crate) fn own(&self) -> &O {
        &self.own
    }

    /// Looks at what the settings resolve to now. Threads that look at once do not write to anything
    /// they share.
    pub(crate) fn resolved<T>(&self, look: impl FnOnce(&Arc<Resolved>) -> T) -> T {
        self.lookup.with(&self.common, look)
    }
}

impl<O: fmt::Debug> fmt::Debug for Settings<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("common", &self.common)
            .field("own", &self.own)
            .finish_non_exhaustive()
    }
}
