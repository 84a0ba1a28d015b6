//! What the client records of an attempt, or of the call around all attempts.

use super::{
    Attempt, Facts, Told,
    answer::{Answer, MadeUp},
    body::{Ended, is_bodyless},
};
use crate::plan::{Content, GrpcStatus, Length, Method, Parent, Response};

/// What a call comes to.
struct Came {
    /// The status of the response, if one came.
    status: Option<u16>,
    grpc_status: Option<GrpcStatus>,
    ended: Ended,
    is_stream: bool,
    /// Whether a second message of gRPC came.
    has_several: bool,
    /// The size of the response's body, as far as it counts.
    bytes: Option<u64>,
}

pub(super) fn facts(about: &Attempt<'_>, facts: &mut Facts) {
    let Attempt { scenario, request, attempt, .. } = about;
    let trace = if request.parent == Parent::None { "own" } else { "given" };
    let span = if about.is_sampled() { about.call() } else { "no span".to_owned() };
    let sampled = u8::from(about.is_sampled());
    if !about.is_too_late() {
        let name = about.name();
        facts.lines.push(format!("header {name}: {trace} trace, {span}, sampled={sampled}"));
    }
    // The call around the attempts comes to what the last one comes to.
    if scenario.wiring.is_one_call() && !about.is_last() {
        return;
    }
    let came = came(about);
    let told = Told {
        side: "client",
        method: about.recorded_method(),
        is_grpc: request.is_grpc,
        route: None,
        status: came.recorded_status(request.is_grpc),
        error: came.error(came.ended, came.grpc_status),
    };
    let uploaded = (about.method() == Method::Post).then_some(crate::caller::UPLOAD.len() as u64);
    let sizes = if scenario.sizes { [uploaded, came.bytes] } else { [None; 2] };
    if about.is_sampled() {
        let parent = if request.parent == Parent::None { "none" } else { "caller" };
        facts.span(&about.call(), &told, *attempt, parent, sizes);
    }
    facts.sizes(&told, None, sizes);
    if came.is_stream {
        // Measured at the head.
        let error = came.error(Ended::Complete, None);
        facts.duration(&Told { error, ..told }, None);
    } else if came.has_several {
        // Measured at the second message.
        facts.duration(&Told { status: None, error: None, ..told }, None);
    } else {
        facts.duration(&told, None);
    }
}

fn came(about: &Attempt<'_>) -> Came {
    // What failed below reqwest's middleware is known to be an error of another one.
    let is_reqwest = about.scenario.wiring.is_reqwest();
    let other = Ended::Failed(if is_reqwest { "middleware" } else { "request" });
    // Its own body is known to be why.
    let failed = if about.upload_fails() { Ended::Failed("body") } else { other };
    if about.is_too_late() {
        return Came::unanswered(other);
    }
    if about.fails_unanswered() {
        return Came::unanswered(failed);
    }
    match about.answer() {
        Answer::Response(response) => Came::response(about, response),
        Answer::MadeUp(made_up) => Came::made_up(about, made_up),
        Answer::Upgrade => Came::answered(if about.is_http2() { 200 } else { 101 }, Some(0)),
        Answer::Broken => Came::unanswered(other),
        Answer::Nothing if about.breaks() => Came::unanswered(failed),
        Answer::Nothing => Came::unanswered(Ended::Cancelled),
    }
}

impl Came {
    fn unanswered(ended: Ended) -> Self {
        Self { status: None, ended, ..Self::answered(0, None) }
    }

    fn answered(status: u16, bytes: Option<u64>) -> Self {
        Self {
            status: Some(status),
            grpc_status: None,
            ended: Ended::Complete,
            is_stream: false,
            has_several: false,
            bytes,
        }
    }

    fn made_up(about: &Attempt<'_>, MadeUp { status, bytes }: MadeUp) -> Self {
        let is_declared = bytes > 0 || !about.is_http2();
        let is_bodyless = is_bodyless(about.method().name(), status);
        let bytes = if !is_bodyless && about.scenario.wiring.is_reqwest() && !is_declared {
            None
        } else if is_bodyless || (ends_at_body(about) && about.is_left_unread()) {
            Some(0)
        } else {
            Some(bytes)
        };
        Self::answered(status, bytes)
    }

    fn response(about: &Attempt<'_>, response: &Response) -> Self {
        let mut came = Self::answered(response.status, Some(0));
        came.grpc_status = response.status_in_head();
        if is_bodyless(about.method().name(), response.status) {
            return came;
        }
        let ends_at_body = ends_at_body(about);
        came.is_stream = ends_at_body && response.content == Content::Events;
        let received = about.body(response).received();
        let is_read = ends_at_body && !about.is_left_unread();
        if is_read {
            came.ended = match received.ended {
                Ended::Cancelled if about.breaks() => Ended::Failed("body"),
                ended => ended,
            };
            if received.passed.trailers {
                came.grpc_status = response.status_in_trailers();
            }
            came.has_several = about.request.is_grpc && received.passed.frames > 1;
        }
        came.bytes = if ends_at_body && response.redirects {
            // Followed without a look at its body.
            None
        } else if about.scenario.wiring.is_reqwest() && !declares(about, response) {
            // Without a length it may have been decoded.
            None
        } else if ends_at_body {
            Some(if is_read { received.passed.bytes } else { 0 })
        } else {
            response.declared().or(response.is_empty().then_some(0))
        };
        came
    }

    /// The status as spans and durations have it.
    fn recorded_status(&self, is_grpc: bool) -> Option<String> {
        match is_grpc {
            true => self.grpc_status.map(|status| status.name().to_owned()),
            false => self.status.map(|status| status.to_string()),
        }
    }

    fn error(&self, ended: Ended, grpc_status: Option<GrpcStatus>) -> Option<String> {
        if let Some(status) = grpc_status.filter(|status| *status != GrpcStatus::Ok) {
            return Some(status.name().to_owned());
        }
        if let Some(status) = self.status.filter(|status| *status >= 400) {
            return Some(status.to_string());
        }
        match ended {
            // Whose caller leaves is no error of the call.
            Ended::Complete | Ended::Cancelled => None,
            Ended::Failed(error) => Some(error.to_owned()),
        }
    }
}

/// Whether the call is carried to the end of its response.
fn ends_at_body(about: &Attempt<'_>) -> bool {
    about.scenario.end_at_body || about.request.is_grpc
}

/// Whether the response's head has a `Content-Length` when it comes. hyper adds one to a body that it asks
/// for its size, over HTTP/2 only if that is not at its end already.
fn declares(about: &Attempt<'_>, response: &Response) -> bool {
    match response.length {
        Length::Unknown => response.is_empty() && !about.is_http2(),
        Length::Hinted => !(response.is_empty() && about.is_http2()),
        Length::Declared | Length::TooShort(_) | Length::TooLong(_) => true,
    }
}
