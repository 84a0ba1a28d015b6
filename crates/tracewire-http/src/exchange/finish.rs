//! Ends the span, and says what the end means.

use super::Record;
use crate::{
    conventions as c,
    hook::Hook,
    outcome::{Classify, Ending, ErrorType, Outcome, Verdict},
    values::{Route, Side},
};
use http::StatusCode;
use opentelemetry::{
    KeyValue, StringValue,
    trace::{Status, TraceContextExt},
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tracewire_propagation::{current, logs_exceptions};

impl Record {
    /// Ends the exchange.
    ///
    /// Clocks, classifiers and span processors are other people's code. None of them keeps the
    /// gauge from going down, and a processor that panics does not cost the duration.
    pub(super) fn finish(&self, outcome: Outcome) {
        self.count_active(-1);
        let elapsed = self.elapsed();
        // A classifier may look at the current span, or log. Nothing else here looks at the current
        // context: the SDK of this release line takes no exemplars. With one that does, attach it
        // always if `self.recording`.
        let looked_at = self.recording && self.options().classify.is_some();
        let _attached = looked_at.then(|| current::attach(self.context.clone())).flatten();
        let error = self.error(outcome);
        if error.is_some() && logs_exceptions() {
            self.log_exception(outcome);
        }
        if self.recording {
            let end = || {
                self.describe_end(error.as_ref());
                self.context.span().end_with_timestamp(self.started_at + elapsed);
            };
            let _ = catch_unwind(AssertUnwindSafe(end));
        }
        if !self.measured {
            let left = self.answered.filter(|_| self.is_left(outcome));
            self.measure_duration(left.unwrap_or(elapsed), elapsed, error.clone());
        }
        self.measure_bodies(error);
    }

    /// What the span learns at its end.
    fn describe_end(&self, error: Option<&StringValue>) {
        let span = self.context.span();
        match &self.rpc {
            Some(call) => {
                if let Some(status) = call.status {
                    let status = KeyValue::new(c::RPC_RESPONSE_STATUS_CODE, status.name());
                    span.set_attribute(status);
                }
            }
            None => {
                if let Some(status) = self.status {
                    let status = i64::from(status.as_u16());
                    span.set_attribute(KeyValue::new(c::HTTP_RESPONSE_STATUS_CODE, status));
                }
            }
        }
        if let Some(error) = error {
            span.set_attribute(KeyValue::new(c::ERROR_TYPE, error.clone()));
            span.set_status(Status::error(""));
        }
        if self.measures_sizes() {
            let sizes = [
                (c::HTTP_REQUEST_BODY_SIZE, self.request_size),
                (c::HTTP_RESPONSE_BODY_SIZE, self.response_size),
            ];
            for (name, size) in sizes {
                if let Some(size) = size.and_then(|size| i64::try_from(size).ok()) {
                    span.set_attribute(KeyValue::new(name, size));
                }
            }
        }
    }

    /// `error.type`, if this end is an error.
    fn error(&self, outcome: Outcome) -> Option<StringValue> {
        let classify = self.options().classify.as_ref();
        if classify.is_none() && self.verdict.is_none() {
            return self.verdict(outcome).error();
        }
        self.judge(outcome).error(classify)
    }

    /// What is known for a judgement of this end.
    pub(super) fn judge(&self, outcome: Outcome) -> Judgement {
        Judgement {
            decided: self.verdict,
            status: self.status,
            outcome,
            route: self.options().classify.as_ref().and(self.route.clone()),
            verdict: self.verdict(outcome),
        }
    }

    /// What the conventions make of this end.
    fn verdict(&self, outcome: Outcome) -> Verdict {
        if let Some(status) = self.rpc.as_ref().and_then(|call| call.status)
            && let Some(error) = status.error(self.side)
        {
            return Verdict::Error(error);
        }
        let is_error = |status: &StatusCode| match (&self.options().error_statuses, self.side) {
            (Some(errors), _) => errors.iter().any(|range| range.contains(&status.as_u16())),
            (None, Side::Server) => status.as_u16() >= 500,
            (None, Side::Client) => status.as_u16() >= 400,
        };
        if let Some(status) = self.status.filter(is_error) {
            return Verdict::Status(status);
        }
        match (outcome, self.side) {
            (Outcome::Complete, _) | (Outcome::Cancelled, Side::Client) => Verdict::Unset,
            (Outcome::Cancelled, Side::Server) if self.is_left(outcome) => Verdict::Unset,
            (Outcome::Cancelled, Side::Server) => Verdict::Error(ErrorType::Cancelled),
            (Outcome::Failed(error), _) => Verdict::Error(error),
        }
    }

    /// A route that was found after the span started, by a router inside.
    pub(crate) fn fill_in_route(&mut self, route: &str) {
        if route.is_empty() || self.route.is_some() || self.rpc.is_some() {
            return;
        }
        let route = Route::of(route, &self.method);
        if self.recording {
            let span = self.context.span();
            span.set_attribute(KeyValue::new(c::HTTP_ROUTE, route.template.clone()));
            if !self.named {
                span.update_name(route.span_name(&self.method));
            }
        }
        self.route = Some(route);
    }
}

/// What decides whether an exchange ended in an error, apart from its record.
pub(super) struct Judgement {
    /// What those who answer made of it.
    decided: Option<Option<ErrorType>>,
    status: Option<StatusCode>,
    outcome: Outcome,
    route: Option<Route>,
    verdict: Verdict,
}

impl Judgement {
    /// `error.type`, if this is an error.
    pub(super) fn error(self, classify: Option<&Hook<Classify>>) -> Option<StringValue> {
        let Self { decided, status, outcome, route, mut verdict } = self;
        if let Some(decided) = decided {
            return decided.map(StringValue::from);
        }
        if let Some(hook) = classify {
            let route = route.as_ref().map(|route| route.template.as_str());
            let ending = Ending { status, outcome, route, verdict };
            verdict = hook.ask(|classify| classify(&ending)).unwrap_or(verdict);
        }
        verdict.error()
    }
}

impl Verdict {
    /// `error.type`, if this is an error.
    fn error(self) -> Option<StringValue> {
        match self {
            Self::Unset => None,
            Self::Status(status) => Some(status.as_str().to_owned().into()),
            Self::Error(error) => Some(error.into()),
        }
    }
}
