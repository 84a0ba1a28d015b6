//! What becomes of the service's answer on its way to the caller.

use super::{Attempt, body::is_bodyless};
use crate::plan::{Around, Destructor, Failure, Protocol, Response, Then};

/// What the server's layer gets.
#[derive(Clone, Copy)]
pub(super) enum Gets<'a> {
    Response(&'a Response),
    MadeUp(MadeUp),
    Upgrade,
    Error(Failure),
    Panic,
    /// Nothing, until it is dropped; the service inside may panic then.
    Nothing {
        panics: bool,
    },
}

/// What the caller gets.
#[derive(Clone, Copy)]
pub(super) enum Answer<'a> {
    Response(&'a Response),
    MadeUp(MadeUp),
    Upgrade,
    /// The end of its connection, or stream.
    Broken,
    /// Nothing, until it leaves or something else ends the wait.
    Nothing,
}

/// A response that another layer makes up.
#[derive(Clone, Copy)]
pub(super) struct MadeUp {
    pub(super) status: u16,
    pub(super) bytes: u64,
}

/// Of the layer that catches panics.
const CAUGHT: MadeUp = MadeUp { status: 500, bytes: "Service panicked".len() as u64 };

/// Of the layer that does not wait.
const TOO_LATE: MadeUp = MadeUp { status: 503, bytes: 0 };

impl<'a> Attempt<'a> {
    pub(super) fn gets(&self) -> Gets<'a> {
        let around = self.scenario.around;
        let panics = self.work().panics == Some(Destructor::Service);
        let panicked =
            if around == Around::CatchPanicInside { Gets::MadeUp(CAUGHT) } else { Gets::Panic };
        if self.is_dropped_with_upload() {
            return Gets::Nothing { panics };
        }
        match self.then() {
            // What has caught the panic is dropped with the future, which panics again, unless a layer of
            // ours inside has dropped that.
            Then::Panic if panics && !self.scenario.nested => Gets::Panic,
            Then::PanicInCall | Then::Panic => panicked,
            Then::Hang if around == Around::TimeoutInside && !self.breaks_for_server() => {
                if panics { Gets::Panic } else { Gets::MadeUp(TOO_LATE) }
            }
            Then::Hang => Gets::Nothing { panics },
            _ if panics => panicked,
            // A layer of ours inside drops an empty body before it answers.
            Then::Respond(response)
                if self.body_panics() && response.is_empty() && self.scenario.nested =>
            {
                panicked
            }
            Then::Respond(response) => Gets::Response(response),
            Then::Fail(failure) => Gets::Error(*failure),
            Then::Upgrade(_) => Gets::Upgrade,
        }
    }

    pub(super) fn answer(&self) -> Answer<'a> {
        let around = self.scenario.around;
        if matches!(self.then(), Then::Hang) && self.breaks() {
            return Answer::Nothing;
        }
        let panicked = if around == Around::CatchPanicOutside {
            Answer::MadeUp(CAUGHT)
        } else {
            Answer::Broken
        };
        match self.gets() {
            Gets::Response(response) if self.body_panics() && response.is_empty() => panicked,
            Gets::Response(response) if self.body_panics() && self.drops_unsent(response) => {
                Answer::Broken
            }
            Gets::Response(response) => Answer::Response(response),
            Gets::MadeUp(made_up) => Answer::MadeUp(made_up),
            Gets::Upgrade => Answer::Upgrade,
            Gets::Error(_) => Answer::Broken,
            Gets::Panic => panicked,
            Gets::Nothing { panics } if around == Around::TimeoutOutside => {
                if panics {
                    Answer::Broken
                } else {
                    Answer::MadeUp(TOO_LATE)
                }
            }
            Gets::Nothing { .. } => Answer::Nothing,
        }
    }

    /// Whether the body of a response is dropped before its head has left.
    fn drops_unsent(&self, response: &Response) -> bool {
        let is_nothing = response.declared() == Some(0);
        is_bodyless(self.method().name(), response.status)
            || (self.scenario.protocol == Protocol::Http1 && is_nothing)
    }
}
