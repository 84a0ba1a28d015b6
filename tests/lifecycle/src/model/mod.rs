//! What must be recorded of a scenario, told from the scenario alone.

mod body;
mod client;
mod server;

use self::body::{Ended, is_bodyless, received};
use crate::{
    observe::duration,
    plan::{End, Method, Parent, Request, Scenario, Then, Wiring},
};
use std::collections::BTreeMap;

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

/// One time that a request is sent.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    scenario: &'a Scenario,
    request: &'a Request,
    number: usize,
    attempt: usize,
}

impl Attempt<'_> {
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

    /// Whether its upload fails after a while.
    fn upload_fails(&self) -> bool {
        self.request.upload_fails && self.method() == Method::Post
    }

    /// Whether it gets no answer, because the service waits for the rest of its upload, which fails.
    fn fails_unanswered(&self) -> bool {
        let work = &self.request.attempts[self.attempt];
        self.upload_fails() && work.reads && !matches!(work.then, Then::PanicInCall)
    }

    /// Whether what would wait ends otherwise: with the upload, or with the connection.
    fn breaks(&self) -> bool {
        self.scenario.loses_connection || self.upload_fails()
    }

    /// Whether it goes on until time passes, and only the loss of the connection or its caller ends it.
    fn waits(&self) -> bool {
        match &self.request.attempts[self.attempt].then {
            _ if self.upload_fails() => false,
            Then::Hang => true,
            Then::Respond(response) => {
                // Even if all that was declared has come, the end of the stream has not.
                response.end == End::Stuck
                    && !is_bodyless(self.method().name(), response.status)
                    && !matches!(received(self.scenario.protocol, response), Ended::Failed(_))
            }
            _ => false,
        }
    }

    /// Whether the connection was lost before it began: whatever waits ends so.
    fn is_too_late(&self) -> bool {
        let one_after_another = self.scenario.wiring != Wiring::Clones;
        self.scenario.loses_connection
            && one_after_another
            && (0..self.attempt).any(|attempt| Attempt { attempt, ..*self }.waits())
    }

    fn is_last(&self) -> bool {
        self.attempt + 1 == self.request.attempts.len()
    }
}

#[derive(Default)]
struct Facts {
    lines: Vec<String>,
    durations: BTreeMap<[String; 6], u64>,
}

/// What a span and a duration have in common.
struct Told<'a> {
    side: &'static str,
    method: &'a str,
    route: Option<&'a str>,
    status: Option<u16>,
    error: Option<String>,
}

fn or_none(text: Option<impl ToString>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| text.to_string())
}

impl Facts {
    fn span(&mut self, id: &str, told: &Told<'_>, resent: usize, parent: &str) {
        let Told { side, method, route, status, error } = told;
        let method = if *method == "_OTHER" { "HTTP" } else { method };
        let name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
        let marked = if error.is_some() { " Error" } else { "" };
        let (status, error) = (or_none(*status), or_none(error.as_ref()));
        let resent = or_none(Some(resent).filter(|count| *count > 0));
        self.lines.push(format!(
            "{side} span {id}: {name}, status={status}, error={error}{marked}, resent={resent}, parent={parent}"
        ));
    }

    fn duration(&mut self, told: Told<'_>, plan: Option<&str>) {
        let key = [
            told.side.to_owned(),
            told.method.to_owned(),
            or_none(told.route),
            or_none(told.status),
            or_none(told.error),
            or_none(plan),
        ];
        *self.durations.entry(key).or_default() += 1;
    }

    fn sorted(self) -> Vec<String> {
        let Self { mut lines, durations } = self;
        let measured =
            durations.into_iter().map(|([side, method, route, status, error, plan], count)| {
                duration(&side, &method, &route, &status, &error, &plan, count)
            });
        lines.extend(measured);
        lines.sort();
        lines
    }
}
