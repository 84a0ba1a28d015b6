//! What happens in a scenario.

mod request;
mod response;

pub use self::{
    request::{
        Destructor, Failure, METHOD, Method, Parent, REDIRECTS, Request, Say, Target, Then, Work,
    },
    response::{Content, End, GrpcStatus, Length, Response},
};

/// How client and server talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Each attempt has a connection of its own.
    Http1,
    /// All share one.
    Http2,
}

/// A few requests that are under way together.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub protocol: Protocol,
    pub around: Around,
    /// Whether there is another server layer inside the first.
    pub nested: bool,
    pub follow_upgrades: bool,
    /// Whether the sizes of bodies are measured.
    pub sizes: bool,
    pub wiring: Wiring,
    pub end_at_body: bool,
    /// Whether the connection is lost once nothing else happens. Only over HTTP/2, where all share it.
    pub loses_connection: bool,
    pub requests: Vec<Request>,
}

/// What other layer is beside the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Around {
    Nothing,
    CatchPanicOutside,
    CatchPanicInside,
    TimeoutOutside,
    TimeoutInside,
}

/// How the caller sends its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiring {
    /// One after another, by a client that is not traced.
    Untraced,
    /// One after another, each a call.
    Traced,
    /// All at once, as clones of one request, each a call.
    Clones,
    /// One after another inside one call, by a client that is traced as well.
    Nested,
    /// One after another, each a call through reqwest's middleware.
    Middleware,
    /// By a middleware of reqwest that retries around ours.
    Retried,
    /// By a middleware of reqwest that retries between two of ours, in one call.
    RetriedInside,
    /// By ours, which follows redirects: each hop is a call.
    Redirected,
}

impl Wiring {
    /// Whether requests go through reqwest's middleware.
    pub fn is_reqwest(self) -> bool {
        matches!(self, Self::Middleware | Self::Retried | Self::RetriedInside | Self::Redirected)
    }

    /// Whether all attempts of a request are inside one call.
    pub fn is_one_call(self) -> bool {
        matches!(self, Self::Nested | Self::RetriedInside)
    }

    /// Whether the caller itself sends each attempt, and gets each response.
    pub fn is_direct(self) -> bool {
        matches!(self, Self::Untraced | Self::Traced | Self::Clones | Self::Middleware)
    }
}

impl Scenario {
    /// Whether each request is sampled and none is a stream, so that durations and spans agree.
    pub(crate) fn is_plain(&self) -> bool {
        let is_stream = |work: &Work| match &work.then {
            Then::Respond(response) => response.content == Content::Events,
            Then::Upgrade(_) => self.follow_upgrades,
            _ => false,
        };
        self.requests.iter().all(|request| {
            request.parent != Parent::Unsampled
                && !request.is_grpc
                && !request.attempts.iter().any(is_stream)
        })
    }
}
