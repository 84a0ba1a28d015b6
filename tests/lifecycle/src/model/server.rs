//! What the server records of an attempt.

use super::{
    Attempt, Facts, Told,
    answer::Gets,
    body::{Ended, Passed, is_bodyless},
};
use crate::plan::{
    Content, Failure, GrpcStatus, Method, Parent, Protocol, Response, Say, Target, Then, Wiring,
};

/// How an exchange went.
struct Course<'a> {
    status: Option<u16>,
    grpc_status: Option<GrpcStatus>,
    ended: Ended,
    /// What was said before the response's head, and after it.
    says: &'a [Say],
    late: Option<Say>,
    is_stream: bool,
    /// Whether a caller who leaves has seen enough.
    may_be_left: bool,
    /// What passed of the response's body, if it counts.
    passed: Option<Passed>,
}

pub(super) fn facts(about: &Attempt<'_>, facts: &mut Facts) {
    let Attempt { scenario, request, .. } = about;
    if request.target == Target::Excluded {
        return;
    }
    let course = course(about);
    let all = || course.says.iter().chain(&course.late);
    let told = Told {
        side: "server",
        method: about.recorded_method(),
        is_grpc: request.is_grpc,
        route: route(about, all()),
        status: course.recorded_status(request.is_grpc),
        error: course.error(course.ended, course.grpc_status, course.late),
    };
    let sizes = if scenario.sizes {
        [uploaded(about), course.passed.map(|passed| passed.bytes)]
    } else {
        [None; 2]
    };
    if about.is_sampled() {
        let parent = match (scenario.wiring, request.parent) {
            (Wiring::Untraced, Parent::None) => "none".to_owned(),
            (Wiring::Untraced, _) => "caller".to_owned(),
            _ => about.call(),
        };
        facts.span(&about.name(), &told, 0, &parent, sizes);
    }
    facts.sizes(&told, plan(all()), sizes);
    let has_several = course.passed.is_some_and(|passed| passed.frames > 1);
    if course.is_stream {
        // Measured at the head.
        let route = route(about, course.says.iter());
        let error = course.error(Ended::Complete, None, None);
        facts.duration(&Told { route, error, ..told }, plan(course.says.iter()));
    } else if request.is_grpc && has_several {
        // Measured at the second message.
        let error = course.error(Ended::Complete, None, course.late);
        facts.duration(&Told { status: None, error, ..told }, plan(all()));
    } else {
        facts.duration(&told, plan(all()));
    }
}

/// The size of the request's body that its head declares.
fn uploaded(about: &Attempt<'_>) -> Option<u64> {
    match (about.method(), about.scenario.protocol) {
        (Method::Post, _) if about.upload_fails() => None,
        (Method::Post, _) => Some(crate::caller::UPLOAD.len() as u64),
        // hyper declares that there is none, where one would be.
        (Method::Brew, Protocol::Http2) => Some(0),
        _ => None,
    }
}

fn route<'a>(about: &Attempt<'_>, mut says: impl Iterator<Item = &'a Say>) -> Option<&'static str> {
    match about.request.target {
        _ if about.request.is_grpc => None,
        Target::Matched => Some("/matched"),
        _ => says.any(|said| *said == Say::Route).then_some("/late"),
    }
}

/// What the service adds to measurements.
fn plan<'a>(mut says: impl Iterator<Item = &'a Say>) -> Option<&'static str> {
    says.any(|said| *said == Say::Attribute).then_some("free")
}

fn course<'a>(about: &Attempt<'a>) -> Course<'a> {
    let work = about.work();
    let mut course = Course {
        status: None,
        grpc_status: None,
        ended: Ended::Complete,
        says: if matches!(work.then, Then::PanicInCall) { &[] } else { &work.says },
        late: None,
        is_stream: false,
        may_be_left: false,
        passed: None,
    };
    match about.gets() {
        Gets::Response(response) => course.respond(about, response),
        Gets::MadeUp(made_up) => {
            course.status = Some(made_up.status);
            // Over HTTP/2 nothing is asked for that cannot be sent.
            let is_unsent = about.fails_unanswered() && about.is_http2();
            let is_bodyless = is_bodyless(about.method().name(), made_up.status);
            let bytes = if is_bodyless || is_unsent { 0 } else { made_up.bytes };
            course.passed = Some(Passed { bytes, ..Passed::default() });
        }
        Gets::Upgrade => {
            let follows = about.scenario.follow_upgrades;
            course.is_stream = follows;
            course.status = Some(if about.is_http2() { 200 } else { 101 });
            course.passed = (!follows).then(Passed::default);
        }
        Gets::Error(Failure::Service) => course.ended = Ended::Failed("service"),
        Gets::Error(Failure::Timeout) => course.ended = Ended::Failed("timeout"),
        Gets::Panic | Gets::Nothing { panics: true } => course.ended = Ended::Failed("panic"),
        Gets::Nothing { panics: false } => course.ended = Ended::Cancelled,
    }
    course.may_be_left = course.is_stream || (about.request.is_grpc && course.status.is_some());
    course
}

impl<'a> Course<'a> {
    fn respond(&mut self, about: &Attempt<'a>, response: &Response) {
        self.status = Some(response.status);
        self.grpc_status = response.status_in_head();
        self.is_stream = response.content == Content::Events;
        self.passed = Some(Passed::default());
        let panics = about.body_panics();
        if is_bodyless(about.method().name(), response.status) {
            if panics {
                self.ended = Ended::Failed("panic");
            }
            return;
        }
        let has_receiver = !about.fails_unanswered();
        let sent = about.body(response).sent(has_receiver);
        self.ended = sent.ended;
        if !has_receiver && sent.is_polled && about.is_http2() {
            // There is nowhere to send it any more. Of nothing, nothing is missing.
            let is_nothing = response.declared() == Some(0);
            self.ended = match (panics, is_nothing) {
                (true, _) => Ended::Failed("panic"),
                (false, true) => Ended::Complete,
                (false, false) => Ended::Cancelled,
            };
            return;
        }
        self.late = response.late.filter(|_| sent.is_polled);
        self.passed = Some(sent.passed);
        if sent.passed.trailers {
            self.grpc_status = response.status_in_trailers();
        }
    }

    /// The status as spans and durations have it.
    fn recorded_status(&self, is_grpc: bool) -> Option<String> {
        match is_grpc {
            true => self.grpc_status.map(|status| status.name().to_owned()),
            false => self.status.map(|status| status.to_string()),
        }
    }

    /// `error.type`, if the exchange ended so, with this status of gRPC, and this was said late.
    fn error(
        &self,
        ended: Ended,
        grpc_status: Option<GrpcStatus>,
        late: Option<Say>,
    ) -> Option<String> {
        let decided = self.says.iter().chain(&late).rev().find_map(|said| match said {
            Say::Fail => Some(Some("said".to_owned())),
            Say::Succeed => Some(None),
            Say::Route | Say::Attribute => None,
        });
        if let Some(decided) = decided {
            return decided;
        }
        // The others are the caller's affair.
        let faults = [GrpcStatus::Internal, GrpcStatus::DeadlineExceeded, GrpcStatus::Unknown];
        if let Some(status) = grpc_status.filter(|status| faults.contains(status)) {
            return Some(status.name().to_owned());
        }
        if let Some(status) = self.status.filter(|status| *status >= 500) {
            return Some(status.to_string());
        }
        match ended {
            Ended::Complete => None,
            Ended::Cancelled if self.may_be_left => None,
            Ended::Cancelled => Some("cancelled".to_owned()),
            Ended::Failed(error) => Some(error.to_owned()),
        }
    }
}
