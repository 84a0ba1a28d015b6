//! The settings of one server.

use super::{RequestHead, Trust, TrustedProxies, hooks::Hooks, paths::Paths};
use crate::{
    settings::{Resolved, Settings},
    values::{Scheme, Side},
};

/// The settings of one server layer or middleware.
///
/// ```
/// use tracewire_http::{Trust, wiring::ServerSettings};
///
/// let settings = ServerSettings::new("my-server", "1.0.0").trust(Trust::Link);
/// # let _ = settings;
/// ```
pub type ServerSettings = Settings<ServerOptions>;

/// The options that only servers have. Their docs are those of the builder methods that set them.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct ServerOptions {
    pub scheme: Scheme,
    pub trust: Trust,
    pub proxies: TrustedProxies,
    pub send_trace_to_caller: bool,
    pub follow_upgrades: bool,
    pub client_port: bool,
    pub synthetic_user_agents: bool,
    pub hooks: Hooks,
    excluded: Paths,
    excluded_by_environment: Paths,
}

impl ServerSettings {
    /// The defaults, for a server whose telemetry is attributed to this library and version.
    pub fn new(library: &'static str, version: &'static str) -> Self {
        let own = ServerOptions {
            scheme: Scheme::Http,
            trust: Trust::default(),
            proxies: TrustedProxies::none(),
            send_trace_to_caller: false,
            follow_upgrades: false,
            client_port: false,
            synthetic_user_agents: false,
            hooks: Hooks::default(),
            excluded: Paths::default(),
            excluded_by_environment: Paths::from_env("TRACEWIRE_EXCLUDED_PATHS"),
        };
        Self::with_own(Side::Server, library, version, own)
    }

    crate::server_options!("tracewire_http::wiring::ServerSettings::new(\"my-server\", \"1.0.0\")");

    fn configure(mut self, set: impl FnOnce(&mut Self)) -> Self {
        set(&mut self);
        self
    }
}

impl ServerOptions {
    /// Does not trace requests to paths that these patterns match.
    pub fn exclude<I, T>(&mut self, patterns: I)
    where
        I: IntoIterator<Item = T>,
        T: AsRef<str>,
    {
        self.excluded = Paths::new(patterns);
    }

    /// Returns whether this request is not traced.
    pub(super) fn excludes(&self, head: &RequestHead<'_>, resolved: &Resolved) -> bool {
        let by_file = resolved.file.as_ref().map(|file| &file.excluded_paths);
        let all = [&self.excluded, by_file.unwrap_or(&self.excluded_by_environment)];
        all.iter().any(|paths| !paths.is_empty() && paths.contains(head.uri.path()))
            || !self.hooks.admits(head)
    }

    /// How far what the caller sends is trusted.
    pub(super) fn trust(&self, head: &RequestHead<'_>) -> Trust {
        self.hooks.trust(head).unwrap_or(self.trust)
    }
}
