//! What the client records of an attempt, or of the call around all attempts.

use super::{
    Attempt, Facts, Told,
    body::{Ended, is_bodyless, received},
    server::method,
};
use crate::plan::{Around, Content, Parent, Protocol, Response, Then};

/// What a call comes to.
struct Came<'a> {
    /// The status of the response, if one came.
    status: Option<u16>,
    ended: Ended,
    response: Option<&'a Response>,
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
        method: method(about),
        route: None,
        status: came.status,
        error: came.error(came.ended),
    };
    if about.is_sampled() {
        let parent = if request.parent == Parent::None { "none" } else { "caller" };
        facts.span(&about.call(), &told, *attempt, parent);
    }
    let is_stream = scenario.end_at_body
        && came.response.is_some_and(|response| response.content == Content::Events);
    let error = came.error(if is_stream { Ended::Complete } else { came.ended });
    facts.duration(Told { error, ..told }, None);
}

fn came<'a>(about: &Attempt<'a>) -> Came<'a> {
    let Attempt { scenario, request, attempt, .. } = about;
    // What failed below reqwest's middleware is known to be an error of another one.
    let other = Ended::Failed(if scenario.wiring.is_reqwest() { "middleware" } else { "request" });
    let answered = |status| Came { status: Some(status), ended: Ended::Complete, response: None };
    let unanswered = |ended| Came { status: None, ended, response: None };
    if about.is_too_late() {
        return unanswered(other);
    }
    // Its own body is known to be why.
    let failed = if about.upload_fails() { Ended::Failed("body") } else { other };
    if about.fails_unanswered() {
        return unanswered(failed);
    }
    match &request.attempts[*attempt].then {
        Then::Respond(response) => {
            let bodyless = is_bodyless(about.method().name(), response.status);
            let ended = if scenario.end_at_body && !bodyless {
                match received(scenario.protocol, response) {
                    Ended::Cancelled if about.breaks() => Ended::Failed("body"),
                    ended => ended,
                }
            } else {
                Ended::Complete
            };
            Came { status: Some(response.status), ended, response: Some(response) }
        }
        Then::PanicInCall | Then::Panic
            if matches!(scenario.around, Around::CatchPanicInside | Around::CatchPanicOutside) =>
        {
            answered(500)
        }
        Then::Fail(_) | Then::PanicInCall | Then::Panic => unanswered(other),
        Then::Hang if about.breaks() => unanswered(failed),
        Then::Hang if matches!(scenario.around, Around::TimeoutInside | Around::TimeoutOutside) => {
            answered(503)
        }
        Then::Hang => unanswered(Ended::Cancelled),
        Then::Upgrade(_) if scenario.protocol == Protocol::Http1 => answered(101),
        Then::Upgrade(_) => answered(200),
    }
}

impl Came<'_> {
    fn error(&self, ended: Ended) -> Option<String> {
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
