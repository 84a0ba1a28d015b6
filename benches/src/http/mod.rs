//! What a request costs a server and a client: nothing, the least, ours, and today's crates.
//!
//! Each [`Variant`] is one file. A program measures one of them with one [`Case`] and nothing else,
//! because providers and subscribers are global to a process; [`Work`] is that program's work.

mod case;
mod check;
mod client;
mod server;
#[cfg(feature = "peers")]
mod subscriber;
mod telemetry;

pub use self::{
    case::{CASES, Case},
    check::find,
    telemetry::Recorded,
};

pub(crate) use self::{server::Greeting, telemetry::Telemetry};

use axum::Router;
use std::fmt;

/// One way to instrument a server or a client.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// What it is called in the tables.
    pub name: &'static str,
    /// What it records of a request that is sampled.
    pub records: Records,
    side: Side,
}

/// What a variant records of a request that is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// Nothing.
    Nothing,
    /// A span.
    Span,
    /// A span and a duration.
    SpanAndDuration,
    /// The same, with every attribute that the conventions require or recommend.
    Everything,
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Server(server::Server),
    Client(client::Client),
}

/// The variants of a server, those that record nothing first.
#[must_use]
pub fn servers() -> Vec<Variant> {
    server::variants()
}

/// The variants of a client, the one that records nothing first.
#[must_use]
pub fn clients() -> Vec<Variant> {
    client::variants()
}

impl Variant {
    /// The routes of a server, as this variant instruments them in a process with `telemetry`.
    pub(crate) fn instrument(
        &self,
        routes: Router<Greeting>,
        telemetry: &mut Telemetry,
    ) -> Router<Greeting> {
        match self.side {
            Side::Server(server) => server.instrument(routes, Some(telemetry)),
            Side::Client(_) => routes,
        }
    }

    /// A function that sends a server one request of a case, in a process that is set up.
    pub(crate) fn request(&self, case: &Case) -> Box<dyn FnMut()> {
        match self.side {
            Side::Server(server) => server.request(case, None),
            Side::Client(client) => client.request(case, None),
        }
    }
}

/// One variant that is ready to do one case.
pub struct Work {
    request: Box<dyn FnMut()>,
    telemetry: Option<Telemetry>,
}

impl Work {
    /// Makes `variant` ready. It sets what is global to the process: once in its life.
    #[must_use]
    pub fn new(variant: &Variant, case: &Case) -> Self {
        let mut telemetry = case.sdk.then(Telemetry::install);
        let request = match variant.side {
            Side::Server(server) => server.request(case, telemetry.as_mut()),
            Side::Client(client) => client.request(case, telemetry.as_mut()),
        };
        Self { request, telemetry }
    }

    /// Does so many requests that buffers and tables have their size, and says how many.
    pub fn warm_up(&mut self) -> u32 {
        const REQUESTS: u32 = 300;
        for _ in 0..REQUESTS {
            (self.request)();
        }
        REQUESTS
    }

    /// Does `count` requests, one after the other.
    ///
    /// Callgrind counts inside this function alone, and finds it by its name.
    #[inline(never)]
    pub fn requests(&mut self, count: u32) {
        for _ in 0..count {
            (self.request)();
        }
    }

    /// What was exported of all these requests; nothing without an SDK.
    #[must_use]
    pub fn recorded(self) -> Recorded {
        self.telemetry.map(Telemetry::recorded).unwrap_or_default()
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").finish_non_exhaustive()
    }
}
