//! What must be recorded of a scenario, told from the scenario alone.

mod answer;
mod body;
mod client;
mod facts;
mod server;

use self::{
    answer::Answer,
    body::{Body, Ended, is_bodyless},
    facts::{Facts, Told},
};
use crate::plan::{
    Destructor, End, METHOD, Method, Parent, Protocol, Request, Response, Scenario, Target, Then,
    Wiring, Work,
};

/// The facts, sorted.
#[must_use]
pub fn facts(scenario: &Scenario) -> Vec<String> {
    let mut facts = Facts::default();
    for (number, request) in scenario.requests.iter().enumerate() {
        for attempt in 0..request.attempts.len() {
            let about = Attempt { scenario, request, number, attempt };
            if !about.is_too_late() {
                server::facts(&about, &mut facts);
            }
            if scenario.wiring != Wiring::Untraced {
                client::facts(&about, &mut facts);
            }
        }
    }
    facts.sorted()
}

/// What a service does that is told to stop in time, instead of waiting.
static DEADLINE_EXCEEDED: Then = Then::Respond(Response::DEADLINE_EXCEEDED);

/// One time that a request is sent.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    scenario: &'a Scenario,
    request: &'a Request,
    number: usize,
    attempt: usize,
}

impl<'a> Attempt<'a> {
    fn name(&self) -> String {
        format!("{}.{}", self.number, self.attempt)
    }

    /// The attempt that the client's span has the name of.
    fn call(&self) -> String {
        let attempt = if self.scenario.wiring.is_one_call() { 0 } else { self.attempt };
        format!("{}.{attempt}", self.number)
    }

    fn is_sampled(&self) -> bool {
        self.request.parent != Parent::Unsampled
    }

    fn method(&self) -> Method {
        self.request.method_of(self.attempt)
    }

    /// The method, as metrics have it.
    fn recorded_method(&self) -> &'static str {
        if self.request.is_grpc {
            return if self.request.target == Target::Matched { METHOD } else { "_OTHER" };
        }
        if self.request.is_upgrade() && self.scenario.protocol == Protocol::Http2 {
            return "CONNECT";
        }
        match self.method() {
            Method::Brew => "_OTHER",
            known => known.name(),
        }
    }

    fn work(&self) -> &'a Work {
        &self.request.attempts[self.attempt]
    }

    /// What the service does in the end.
    fn then(&self) -> &'a Then {
        let then = &self.work().then;
        let stops = self.request.has_deadline && !self.breaks();
        if stops && matches!(then, Then::Hang) { &DEADLINE_EXCEEDED } else { then }
    }

    /// The body of the service's response.
    fn body<'r>(&self, response: &'r Response) -> Body<'r> {
        Body { protocol: self.scenario.protocol, response, panics: self.body_panics() }
    }

    /// Whether the body of the service's response panics when it is dropped.
    fn body_panics(&self) -> bool {
        let responds = matches!(self.work().then, Then::Respond(_));
        self.work().panics == Some(Destructor::Body) && responds
    }

    fn is_http2(&self) -> bool {
        self.scenario.protocol == Protocol::Http2
    }

    /// Whether its upload fails after a while.
    fn upload_fails(&self) -> bool {
        self.request.upload_fails && self.method() == Method::Post
    }

    /// Whether it gets no answer, because the service waits for the rest of its upload, which fails.
    fn fails_unanswered(&self) -> bool {
        let work = self.work();
        self.upload_fails() && work.reads && !matches!(work.then, Then::PanicInCall)
    }

    /// Whether the service is dropped when its upload has failed. Over HTTP/2 that is the end of the
    /// stream, and a service that does anything else after its read is dropped with it. Over HTTP/1.1
    /// hyper notices when it writes.
    fn is_dropped_with_upload(&self) -> bool {
        let goes_on = self.work().pauses > 0 || matches!(self.work().then, Then::Hang);
        self.fails_unanswered() && self.is_http2() && goes_on
    }

    /// Whether what would wait ends otherwise: with the upload, or with the connection.
    fn breaks(&self) -> bool {
        self.scenario.loses_connection || self.upload_fails()
    }

    /// Whether the server notices that. Over HTTP/1.1 it does not: it reads only what it is asked to, and
    /// a service that has read to the failure, or does not read, asks for nothing.
    fn breaks_for_server(&self) -> bool {
        self.scenario.loses_connection || (self.upload_fails() && self.is_http2())
    }

    /// Whether it goes on until time passes, and only the loss of the connection or its caller ends it.
    fn waits(&self) -> bool {
        match self.answer() {
            _ if self.upload_fails() => false,
            Answer::Nothing => true,
            Answer::Response(response) => {
                // Even if all that was declared has come, the end of the stream has not.
                response.end == End::Stuck
                    && !is_bodyless(self.method().name(), response.status)
                    && !matches!(self.body(response).received().ended, Ended::Failed(_))
            }
            Answer::MadeUp(_) | Answer::Upgrade | Answer::Broken => false,
        }
    }

    /// Whether the connection was lost before it began: whatever waits ends so.
    fn is_too_late(&self) -> bool {
        let one_after_another = self.scenario.wiring != Wiring::Clones;
        self.scenario.loses_connection
            && one_after_another
            && (0..self.attempt).any(|attempt| Attempt { attempt, ..*self }.waits())
    }

    /// Whether the caller itself gets its response, and leaves that unread.
    fn is_left_unread(&self) -> bool {
        self.request.leaves_unread && (self.scenario.wiring.is_direct() || self.is_last())
    }

    fn is_last(&self) -> bool {
        self.attempt + 1 == self.request.attempts.len()
    }
}
