//! What happens in a scenario.

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
}

#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub target: Target,
    pub parent: Parent,
    /// Whether its body fails after a while, if it has one. Only over HTTP/2, where that is the end of one
    /// stream.
    pub upload_fails: bool,
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

/// What redirects.
pub const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Has a route.
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
    pub then: Then,
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
    /// Never answers, until its caller leaves.
    Hang,
    /// Takes the connection over, for so many turns.
    Upgrade(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    Service,
    Timeout,
}

#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub content: Content,
    pub length: Length,
    /// The sizes of the frames of data.
    pub frames: Vec<u8>,
    /// Whether others run between two frames.
    pub gaps: bool,
    /// What is said when the body is first polled.
    pub late: Option<Say>,
    pub end: End,
    /// Whether it says where the next attempt goes.
    pub redirects: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Plain,
    /// Server-sent events, which are a stream.
    Events,
}

/// What the response says about the length of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    Unknown,
    /// `Content-Length` is right.
    Declared,
    /// The body itself knows.
    Hinted,
    /// `Content-Length` is so much less than the body has.
    TooShort(u8),
    /// `Content-Length` is so much more.
    TooLong(u8),
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Done,
    /// Its last frame says that it is.
    Known,
    Trailers,
    Error,
    Panic,
    /// It does not, until its caller leaves.
    Stuck,
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
            request.parent != Parent::Unsampled && !request.attempts.iter().any(is_stream)
        })
    }
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

impl Target {
    pub fn path(self) -> &'static str {
        match self {
            Self::Matched => "/matched",
            Self::Unmatched => "/unmatched",
            Self::Excluded => "/excluded",
        }
    }
}

impl Request {
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

impl Response {
    /// How many bytes its frames have.
    pub fn size(&self) -> u64 {
        self.frames.iter().copied().map(u64::from).sum()
    }

    /// How many bytes its head declares, as hyper sends it.
    pub fn declared(&self) -> Option<u64> {
        match self.length {
            Length::Unknown => None,
            Length::Declared | Length::Hinted => Some(self.size()),
            Length::TooShort(by) => Some(self.size().saturating_sub(by.into())),
            Length::TooLong(by) => Some(self.size() + u64::from(by)),
        }
    }
}
