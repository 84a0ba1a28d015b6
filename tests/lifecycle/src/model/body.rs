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
    pub(super) passed: Passed,
}

/// How the same body ends on a client that reads it.
pub(super) struct Received {
    pub(super) ended: Ended,
    pub(super) passed: Passed,
}

/// What has passed a layer.
#[derive(Clone, Copy, Default)]
pub(super) struct Passed {
    /// Frames of data. Over gRPC each is a message.
    pub(super) frames: usize,
    pub(super) bytes: u64,
    pub(super) trailers: bool,
}

/// Whether a response has no body on the wire, whatever the service gives.
pub(super) fn is_bodyless(method: &str, status: u16) -> bool {
    method == "HEAD" || matches!(status, 101 | 204 | 304) || (method == "CONNECT" && status == 200)
}

/// The body of the response to an attempt.
pub(super) struct Body<'a> {
    pub(super) protocol: Protocol,
    pub(super) response: &'a Response,
    /// Whether its destructor panics.
    pub(super) panics: bool,
}

impl Body<'_> {
    /// How it ends on the server, if it has any.
    ///
    /// Over HTTP/1.1 hyper asks for no more than was declared. Over HTTP/2 it asks to the end. What
    /// panics when it is dropped has ended so, whenever that is. If there is nobody to send it to, hyper
    /// notices when it has asked for as much as is there at once.
    pub(super) fn sent(&self, has_receiver: bool) -> Sent {
        let mut sent = self.sent_if_dropped_quietly(has_receiver);
        if self.panics {
            sent.ended = Ended::Failed("panic");
            let takes_last = sent.passed.frames == self.response.frames.len();
            if self.response.end == End::Known && takes_last && sent.passed.frames > 0 {
                // The last frame is lost with the panic.
                sent.passed.frames -= 1;
                sent.passed.bytes -= self.response.bytes(sent.passed.frames);
            }
            sent.passed.trailers = false;
        }
        sent
    }

    fn sent_if_dropped_quietly(&self, has_receiver: bool) -> Sent {
        let Self { protocol, response, panics } = *self;
        let declared = response.declared();
        let mut passed = Passed::default();
        let ended = |counted| match declared {
            Some(declared) if declared != counted => Ended::Failed("body"),
            _ => Ended::Complete,
        };
        let has_all = |counted| declared.is_some_and(|declared| counted >= declared);
        let stops_early = protocol == Protocol::Http1;
        if response.is_empty() || (stops_early && has_all(0)) {
            return Sent { is_polled: false, ended: ended(0), passed };
        }
        let cut = |passed| Sent { is_polled: true, ended: Ended::Cancelled, passed };
        if !has_receiver && panics {
            return cut(passed);
        }
        for frame in 0..response.frames.len() {
            passed.frames += 1;
            passed.bytes += response.bytes(frame);
            if stops_early && has_all(passed.bytes) {
                return Sent { is_polled: true, ended: ended(passed.bytes), passed };
            }
            let is_last = response.end == End::Known && passed.frames == response.frames.len();
            if !has_receiver && response.gaps && !is_last {
                return cut(passed);
            }
        }
        if !has_receiver && response.end != End::Known {
            return cut(passed);
        }
        passed.trailers = response.end == End::Trailers;
        let ended = match response.end {
            End::Done | End::Known | End::Trailers => ended(passed.bytes),
            End::Error => Ended::Failed("body"),
            End::Panic => Ended::Failed("panic"),
            // The caller leaves. What has come in full is complete.
            End::Stuck if has_all(passed.bytes) => ended(passed.bytes),
            End::Stuck => Ended::Cancelled,
        };
        Sent { is_polled: true, ended, passed }
    }

    /// How it ends on a client that reads it.
    pub(super) fn received(&self) -> Received {
        let Self { protocol, response, panics } = *self;
        let (leaves, is_stuck) = self.leaves();
        let is_broken = panics || matches!(response.end, End::Error | End::Panic);
        let mut passed = Passed::default();
        for frame in 0..leaves {
            let bytes = passed.bytes + response.bytes(frame);
            match response.declared() {
                Some(declared) if bytes > declared && protocol == Protocol::Http2 => break,
                // The server sends no byte more.
                Some(declared) => passed.bytes = bytes.min(declared),
                None => passed.bytes = bytes,
            }
            passed.frames += 1;
        }
        let ended = match response.declared() {
            Some(declared) if passed.bytes == declared => Ended::Complete,
            Some(_) if passed.frames < leaves => Ended::Failed("body"),
            _ if is_stuck => Ended::Cancelled,
            None if !is_broken => Ended::Complete,
            _ => Ended::Failed("body"),
        };
        passed.trailers = response.end == End::Trailers && !is_broken;
        Received { ended, passed }
    }

    /// How many frames of data leave the server, and whether it gets stuck after them.
    fn leaves(&self) -> (usize, bool) {
        let Self { protocol, response, panics } = *self;
        let (all, is_stuck) = (response.frames.len(), response.end == End::Stuck);
        if !panics {
            return (all, is_stuck);
        }
        if protocol == Protocol::Http1 {
            // It is dropped with the frame that completes what was declared, before that has left.
            let counted =
                |frame: usize| (0..=frame).map(|frame| response.bytes(frame)).sum::<u64>();
            let completes = |frame: &usize| {
                response.declared().is_some_and(|declared| counted(*frame) >= declared)
            };
            if let Some(frame) = (0..all).find(completes) {
                return (frame, false);
            }
        }
        // So it is with the frame that says that it is the last one.
        (if response.end == End::Known { all.saturating_sub(1) } else { all }, is_stuck)
    }
}
