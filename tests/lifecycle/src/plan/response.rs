//! The response of a service.

use super::Say;

#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub content: Content,
    pub length: Length,
    /// The sizes of the frames of data; over gRPC, of the messages, each in a frame of its own.
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
    /// Messages of gRPC, with a status in the trailers, or in a head that all is said with
    /// ([`End::Known`]).
    Messages(Option<GrpcStatus>),
}

/// A status of gRPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrpcStatus {
    Ok,
    /// The caller's fault.
    NotFound,
    /// The server's.
    Internal,
    DeadlineExceeded,
    /// A code that gRPC does not know.
    Unknown,
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

impl GrpcStatus {
    /// As it is sent.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Ok => "0",
            Self::NotFound => "5",
            Self::Internal => "13",
            Self::DeadlineExceeded => "4",
            Self::Unknown => "99",
        }
    }

    /// As it is recorded.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::NotFound => "NOT_FOUND",
            Self::Internal => "INTERNAL",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl Response {
    /// What a service answers a call over gRPC with whose deadline has passed: a head alone.
    pub(crate) const DEADLINE_EXCEEDED: Self = Self {
        status: 200,
        content: Content::Messages(Some(GrpcStatus::DeadlineExceeded)),
        length: Length::Unknown,
        frames: Vec::new(),
        gaps: false,
        late: None,
        end: End::Known,
        redirects: false,
    };

    /// How many bytes a frame of data has.
    pub(crate) fn bytes(&self, frame: usize) -> u64 {
        let prefix = if matches!(self.content, Content::Messages(_)) { 5 } else { 0 };
        prefix + u64::from(self.frames[frame])
    }

    /// How many bytes its frames have.
    pub fn size(&self) -> u64 {
        (0..self.frames.len()).map(|frame| self.bytes(frame)).sum()
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

    /// Whether its body is at its end before it is polled.
    pub(crate) fn is_empty(&self) -> bool {
        self.end == End::Known && self.frames.is_empty() && self.late.is_none()
    }

    /// The status of gRPC that its head has.
    pub(crate) fn status_in_head(&self) -> Option<GrpcStatus> {
        self.grpc_status().filter(|_| self.end == End::Known)
    }

    /// The status of gRPC that its trailers have.
    pub(crate) fn status_in_trailers(&self) -> Option<GrpcStatus> {
        self.grpc_status().filter(|_| self.end == End::Trailers)
    }

    fn grpc_status(&self) -> Option<GrpcStatus> {
        match self.content {
            Content::Messages(status) => status,
            Content::Plain | Content::Events => None,
        }
    }
}
