//! The JSON that the page asks for.

mod download;
mod limits;
pub(crate) mod parameters;
pub(crate) mod path;
mod requests;
pub(crate) mod since;
mod span;
mod status;
pub(crate) mod trace;
pub(crate) mod traces;
mod values;

#[cfg(test)]
mod tests;

use http::{HeaderValue, Request, Response, StatusCode, header::CONTENT_DISPOSITION};
use serde::Serialize;
use tracewire_text::hex::to_string as hex;

use self::parameters::Parameters;
use self::path::{Api, IdPrefix};
use self::since::Since;
use crate::clock::now;
use crate::recorder::Recorder;
use crate::response::{PageBody, content};
use crate::store::TraceId;

/// Answers a request for data. The stream of changes is not one of them.
pub(crate) fn answer(recorder: &Recorder, api: Api<'_>, query: Option<&str>) -> Response<PageBody> {
    let parameters = Parameters::parse(query);
    match api {
        Api::Traces => json(&traces::list(recorder, &parameters, now())),
        Api::Trace(id) => found(trace::find(recorder, id), |trace| match parameters.get("find") {
            Some(find) => json(&trace::matches(&trace, find)),
            None => json(&trace::skeleton(recorder, &trace, now())),
        }),
        Api::Span(id, span) => found(trace::find(recorder, id), |trace| {
            let details = span::details(&trace, span, parameters.number("index"));
            details.map_or_else(|| missing(&trace::Missing::Unknown), |details| json(&details))
        }),
        Api::Otlp(id) => found(trace::find(recorder, id), |trace| {
            let mut response = json(&download::download(&trace));
            let name = format!("attachment; filename=\"trace-{}.json\"", hex(&trace.summary.id));
            if let Ok(name) = HeaderValue::try_from(name) {
                response.headers_mut().insert(CONTENT_DISPOSITION, name);
            }
            response
        }),
        Api::Routes => json(&requests::routes(recorder, now())),
        Api::Running => json(&requests::running(recorder, now())),
        Api::Telemetry => json(&status::telemetry(recorder)),
        Api::Metrics => json(&status::metrics(recorder)),
        Api::Status | Api::Changes => json(&status::status(recorder, now())),
    }
}

/// Reads what a browser that asks for changes knows, and which trace it shows.
pub(crate) fn changes<B>(
    recorder: &Recorder,
    request: &Request<B>,
) -> (Option<Since>, Option<TraceId>) {
    let parameters = Parameters::parse(request.uri().query());
    // What the browser repeats after a break is newer than the address that it opened.
    let last = request.headers().get("last-event-id").and_then(|id| id.to_str().ok());
    let since = last.or_else(|| parameters.get("since")).and_then(Since::parse);
    let open = parameters.get("trace").and_then(IdPrefix::parse);
    let open = open.and_then(|id| trace::find(recorder, id).ok());
    (since, open.map(|trace| trace.summary.id))
}

fn json(value: &impl Serialize) -> Response<PageBody> {
    match serde_json::to_vec(value) {
        Ok(body) => content(StatusCode::OK, "application/json", body),
        // Values that are not JSON do not occur: keys are text.
        Err(_) => content(StatusCode::INTERNAL_SERVER_ERROR, "application/json", "{}"),
    }
}

fn found<T>(
    result: Result<T, trace::Missing>,
    answer: impl FnOnce(T) -> Response<PageBody>,
) -> Response<PageBody> {
    result.map_or_else(|why| missing(&why), answer)
}

fn missing(why: &trace::Missing) -> Response<PageBody> {
    let mut response = json(&why.explain(now()));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
