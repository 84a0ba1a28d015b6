//! How far hyper reads a body, and how the body has ended then.

use crate::plan::{End, Protocol, Response};

/// How something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Complete,
    Cancelled,
    Failed(&'static str),
}

/// What the server saw of the body of its response.
pub(super) struct Sent {
    /// Whether it was asked for a frame at all.
    pub(super) is_polled: bool,
    pub(super) ended: Ended,
}

/// Whether a response has no body on the wire, whatever the service gives.
pub(super) fn is_bodyless(method: &str, status: u16) -> bool {
    method == "HEAD" || matches!(status, 101 | 204 | 304) || (method == "CONNECT" && status == 200)
}

/// How the body of a response that has one ends on the server.
///
/// Over HTTP/1.1 hyper asks for no more than was declared. Over HTTP/2 it asks to the end.
pub(super) fn sent(protocol: Protocol, response: &Response) -> Sent {
    let declared = response.declared();
    let ended = |counted| match declared {
        Some(declared) if declared != counted => Ended::Failed("body"),
        _ => Ended::Complete,
    };
    let knows_end = response.end == End::Known;
    if knows_end && response.frames.is_empty() && response.late.is_none() {
        return Sent { is_polled: false, ended: ended(0) };
    }
    let has_all = |counted| declared.is_some_and(|declared| counted >= declared);
    let stops_early = protocol == Protocol::Http1;
    if stops_early && has_all(0) {
        return Sent { is_polled: false, ended: ended(0) };
    }
    let mut counted = 0;
    for frame in &response.frames {
        counted += u64::from(*frame);
        if stops_early && has_all(counted) {
            return Sent { is_polled: true, ended: ended(counted) };
        }
    }
    let ended = match response.end {
        End::Done | End::Known | End::Trailers => ended(counted),
        End::Error => Ended::Failed("body"),
        End::Panic => Ended::Failed("panic"),
        // The caller leaves. What has come in full is complete.
        End::Stuck if has_all(counted) => ended(counted),
        End::Stuck => Ended::Cancelled,
    };
    Sent { is_polled: true, ended }
}

/// How the same body ends on a client that reads it.
pub(super) fn received(protocol: Protocol, response: &Response) -> Ended {
    let Some(declared) = response.declared() else {
        return match response.end {
            End::Done | End::Known | End::Trailers => Ended::Complete,
            End::Error | End::Panic => Ended::Failed("body"),
            End::Stuck => Ended::Cancelled,
        };
    };
    let mut counted = 0;
    let comes_to = |declared: u64| {
        declared == 0
            || response.frames.iter().any(|frame| {
                counted += u64::from(*frame);
                counted == declared
            })
    };
    let size = response.size();
    match protocol {
        // The server sends no byte more.
        Protocol::Http1 if size >= declared => Ended::Complete,
        Protocol::Http2 if size >= declared && { comes_to }(declared) => Ended::Complete,
        _ if response.end == End::Stuck && size < declared => Ended::Cancelled,
        _ => Ended::Failed("body"),
    }
}
