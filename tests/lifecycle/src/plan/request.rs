//! A request, and what the service makes of each attempt.

use super::Response;

/// The method of calls over gRPC that is known by its name.
pub const METHOD: &str = "shop.v1.Shop/GetItem";

/// What redirects.
pub const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub target: Target,
    pub parent: Parent,
    /// Whether it is a call over gRPC. Only over HTTP/2.
    pub is_grpc: bool,
    /// Whether the caller says how long the service may take. Only over gRPC.
    pub has_deadline: bool,
    /// Whether its body fails after a while, if it has one.
    pub upload_fails: bool,
    /// Whether its caller leaves a response unread, once nothing more comes. Not where the connection is
    /// lost before.
    pub leaves_unread: bool,
    /// What the service makes of each attempt.
    pub attempts: Vec<Work>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    /// One that is not known.
    Brew,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Has a route, or is a known method of gRPC.
    Matched,
    Unmatched,
    /// Is not traced by the server.
    Excluded,
}

/// Below what the request is sent: a header of a client that is not traced, else the current context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parent {
    None,
    Sampled,
    Unsampled,
}

/// What the service does about one attempt.
#[derive(Clone, Debug)]
pub struct Work {
    /// Whether it reads the request's body.
    pub reads: bool,
    /// How often others run before it answers.
    pub pauses: u8,
    pub says: Vec<Say>,
    /// What panics when it is dropped. Two at once would end the process, with our layers or without.
    pub panics: Option<Destructor>,
    pub then: Then,
}

/// What has a destructor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destructor {
    /// The future of the service.
    Service,
    /// The body of its response.
    Body,
}

/// What the service says of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Say {
    Fail,
    Succeed,
    Route,
    Attribute,
}

#[derive(Clone, Debug)]
pub enum Then {
    Respond(Response),
    Fail(Failure),
    /// Panics before it returns a future.
    PanicInCall,
    Panic,
    /// Never answers, until its caller leaves or the deadline passes.
    Hang,
    /// Takes the connection over, for so many turns.
    Upgrade(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    Service,
    Timeout,
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Brew => "BREW",
        }
    }
}

impl Request {
    pub(crate) fn path(&self) -> &'static str {
        match self.target {
            Target::Matched if self.is_grpc => "/shop.v1.Shop/GetItem",
            Target::Matched => "/matched",
            Target::Unmatched => "/unmatched",
            Target::Excluded => "/excluded",
        }
    }

    /// The method of an attempt, which the redirects before it may have changed.
    pub fn method_of(&self, attempt: usize) -> Method {
        let before = self.attempts[..attempt].iter();
        let statuses = before.filter_map(|work| match &work.then {
            Then::Respond(response) if response.redirects => Some(response.status),
            _ => None,
        });
        statuses.fold(self.method, |method, status| match (status, method) {
            (301 | 302, Method::Post) => Method::Get,
            (303, Method::Head) => Method::Head,
            (303, _) => Method::Get,
            _ => method,
        })
    }

    /// Whether it asks for the connection to be taken over.
    pub fn is_upgrade(&self) -> bool {
        matches!(self.attempts[0].then, Then::Upgrade(_))
    }
}
