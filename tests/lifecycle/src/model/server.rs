//! What the server records of an attempt.

use super::{
    Attempt, Facts, Told,
    body::{Ended, is_bodyless, sent},
};
use crate::plan::{
    Around, Content, Failure, Method, Parent, Protocol, Response, Say, Target, Then, Wiring,
};

/// How an exchange went.
struct Course<'a> {
    status: Option<u16>,
    ended: Ended,
    /// The response, if the service gave one.
    response: Option<&'a Response>,
    /// What was said before the response's head, and after it.
    says: &'a [Say],
    late: Option<Say>,
    is_stream: bool,
}

pub(super) fn facts(about: &Attempt<'_>, facts: &mut Facts) {
    let Attempt { scenario, request, .. } = about;
    if request.target == Target::Excluded {
        return;
    }
    let course = course(about);
    let mut told = Told {
        side: "server",
        method: method(about),
        route: route(request.target, course.says.iter().chain(&course.late)),
        status: course.status,
        error: course.error(course.ended, course.late),
    };
    if about.is_sampled() {
        let parent = match (scenario.wiring, request.parent) {
            (Wiring::Untraced, Parent::None) => "none".to_owned(),
            (Wiring::Untraced, _) => "caller".to_owned(),
            _ => about.call(),
        };
        facts.span(&about.name(), &told, 0, &parent);
    }
    let late = if course.is_stream {
        // Measured at the head.
        told.route = route(request.target, course.says.iter());
        told.error = course.error(Ended::Complete, None);
        None
    } else {
        course.late
    };
    let has_plan = course.says.iter().chain(&late).any(|said| *said == Say::Attribute);
    facts.duration(told, has_plan.then_some("free"));
}

/// The method of the request, as metrics have it.
pub(super) fn method(about: &Attempt<'_>) -> &'static str {
    if about.request.is_upgrade() && about.scenario.protocol == Protocol::Http2 {
        return "CONNECT";
    }
    match about.method() {
        Method::Brew => "_OTHER",
        known => known.name(),
    }
}

fn route<'a>(target: Target, mut says: impl Iterator<Item = &'a Say>) -> Option<&'static str> {
    if target == Target::Matched {
        return Some("/matched");
    }
    says.any(|said| *said == Say::Route).then_some("/late")
}

fn course<'a>(about: &Attempt<'a>) -> Course<'a> {
    let Attempt { scenario, request, attempt, .. } = about;
    let work = &request.attempts[*attempt];
    let mut course = Course {
        status: None,
        ended: Ended::Complete,
        response: None,
        says: &work.says,
        late: None,
        is_stream: false,
    };
    // A service that does anything else after its read is dropped then.
    if about.fails_unanswered() && (work.pauses > 0 || matches!(work.then, Then::Hang)) {
        course.ended = Ended::Cancelled;
        return course;
    }
    match &work.then {
        Then::Respond(response) => {
            course.status = Some(response.status);
            course.is_stream = response.content == Content::Events;
            course.response = Some(response);
            if !is_bodyless(about.method().name(), response.status) {
                let sent = sent(scenario.protocol, response);
                course.ended = sent.ended;
                course.late = response.late.filter(|_| sent.is_polled);
                if about.fails_unanswered() && sent.is_polled {
                    // There is nowhere to send it any more. Of nothing, nothing is missing.
                    let is_nothing = response.declared() == Some(0);
                    course.ended = if is_nothing { Ended::Complete } else { Ended::Cancelled };
                    course.late = None;
                }
            }
        }
        Then::Fail(Failure::Service) => course.ended = Ended::Failed("service"),
        Then::Fail(Failure::Timeout) => course.ended = Ended::Failed("timeout"),
        Then::PanicInCall | Then::Panic => {
            if matches!(work.then, Then::PanicInCall) {
                course.says = &[];
            }
            if scenario.around == Around::CatchPanicInside {
                course.status = Some(500);
            } else {
                course.ended = Ended::Failed("panic");
            }
        }
        Then::Hang if scenario.around == Around::TimeoutInside && !about.breaks() => {
            course.status = Some(503);
        }
        Then::Hang => course.ended = Ended::Cancelled,
        Then::Upgrade(_) => {
            course.is_stream = scenario.follow_upgrades;
            course.status = Some(if scenario.protocol == Protocol::Http1 { 101 } else { 200 });
        }
    }
    course
}

impl Course<'_> {
    /// `error.type`, if the exchange ended so, and this was said late.
    fn error(&self, ended: Ended, late: Option<Say>) -> Option<String> {
        let decided = self.says.iter().chain(&late).rev().find_map(|said| match said {
            Say::Fail => Some(Some("said".to_owned())),
            Say::Succeed => Some(None),
            Say::Route | Say::Attribute => None,
        });
        if let Some(decided) = decided {
            return decided;
        }
        if let Some(status) = self.status.filter(|status| *status >= 500) {
            return Some(status.to_string());
        }
        match ended {
            Ended::Complete => None,
            // Who leaves a stream has seen enough.
            Ended::Cancelled if self.is_stream => None,
            Ended::Cancelled => Some("cancelled".to_owned()),
            Ended::Failed(error) => Some(error.to_owned()),
        }
    }
}
