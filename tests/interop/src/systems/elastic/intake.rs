//! Elastic's intake: what its agents report to, as far as they need it.

use crate::chain::Hop;
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::{any, get, post},
};
use flate2::read::{GzDecoder, ZlibDecoder};
use serde_json::Value;
use std::{
    convert::Infallible,
    io::Read as _,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// How long agents may keep events before they send them.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);

/// A stand-in for the APM Server on a free loopback port, which keeps what agents report. Stops when
/// dropped.
#[derive(Debug)]
pub(crate) struct Intake {
    address: SocketAddr,
    kept: Shared,
    // Dropped to stop the thread.
    _stop: oneshot::Sender<Infallible>,
}

type Shared = Arc<Mutex<Kept>>;

#[derive(Debug, Default)]
struct Kept {
    events: Vec<Event>,
    /// What was not as the protocol has it.
    problems: Vec<String>,
}

/// Something that an agent has reported.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The service that the agent belongs to.
    pub(crate) service: String,
    /// `transaction`, `span`, `error`, `metricset` …
    pub(crate) kind: String,
    /// What it says.
    pub(crate) body: Value,
}

impl Intake {
    pub(crate) fn start() -> Result<Self, String> {
        let failed = |error| format!("cannot listen for Elastic's agents: {error}");
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let kept = Shared::default();
        let app = Router::new()
            .route("/", get(about))
            .route("/config/v1/agents", any(configuration))
            .route("/intake/v2/events", post(events))
            .fallback(unknown)
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&kept));
        let (stop, stopped) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime can be made");
            runtime.block_on(async {
                let listener =
                    tokio::net::TcpListener::from_std(listener).expect("a non-blocking socket");
                tokio::select! {
                    _ = axum::serve(listener, app) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { address, kept, _stop: stop })
    }

    /// For `ELASTIC_APM_SERVER_URL`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until as many transactions and exit spans of this trace have come, or more.
    ///
    /// # Errors
    ///
    /// When they have not come in time, or an agent has sent what the protocol does not know.
    pub(crate) fn received(&self, trace_id: &str, count: usize) -> Result<Vec<Event>, String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let events = self.events(trace_id)?;
            if events.len() >= count {
                return Ok(events);
            }
            if Instant::now() > deadline {
                let got = events.len();
                return Err(format!("{got} of {count} events of {trace_id} came to the intake"));
            }
            std::thread::sleep(LOOK);
        }
    }

    /// The transactions and exit spans of this trace that have come.
    pub(crate) fn events(&self, trace_id: &str) -> Result<Vec<Event>, String> {
        let kept = lock(&self.kept);
        if !kept.problems.is_empty() {
            return Err(kept.problems.join("\n"));
        }
        let of_trace = |event: &&Event| {
            event.body["trace_id"] == trace_id
                && (event.kind == "transaction" || event.body["type"] == "external")
        };
        Ok(kept.events.iter().filter(of_trace).cloned().collect())
    }
}

impl From<&Event> for Hop {
    fn from(event: &Event) -> Self {
        let text = |key: &str| event.body[key].as_str().map(str::to_owned);
        let kind = if event.kind == "transaction" { "server" } else { "client" };
        Self {
            service: event.service.clone(),
            kind: kind.to_owned(),
            trace_id: text("trace_id").unwrap_or_default(),
            span_id: text("id").unwrap_or_default(),
            parent: text("parent_id"),
        }
    }
}

/// Agents ask for the version and leave out what it does not take: 8 wants no unsampled
/// transactions.
async fn about() -> impl IntoResponse {
    json(r#"{"version":"8.19.0","publish_ready":true}"#)
}

/// Nothing is configured from here.
async fn configuration() -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "max-age=3600")], json("{}"))
}

async fn events(State(kept): State<Shared>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let read = text(&headers, &body).and_then(|text| parse(&text));
    let mut kept = lock(&kept);
    match read {
        Ok(events) => {
            kept.events.extend(events);
            StatusCode::ACCEPTED
        }
        Err(problem) => {
            kept.problems.push(problem);
            StatusCode::BAD_REQUEST
        }
    }
}

async fn unknown(State(kept): State<Shared>, uri: axum::http::Uri) -> StatusCode {
    lock(&kept).problems.push(format!("no part of the protocol: {}", uri.path()));
    StatusCode::NOT_FOUND
}

fn json(body: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], body)
}

/// The body without its compression.
fn text(headers: &HeaderMap, body: &[u8]) -> Result<String, String> {
    let mut text = String::new();
    let encoding = headers.get(header::CONTENT_ENCODING).map_or(&b""[..], |value| value.as_bytes());
    match encoding {
        b"" | b"identity" => (&mut &*body).read_to_string(&mut text),
        b"gzip" => GzDecoder::new(body).read_to_string(&mut text),
        b"deflate" => ZlibDecoder::new(body).read_to_string(&mut text),
        other => return Err(format!("content-encoding {}", String::from_utf8_lossy(other))),
    }
    .map_err(|error| format!("events cannot be read: {error}"))?;
    Ok(text)
}

/// Lines of JSON, each an object with one member that says what it is. The first is about the agent.
fn parse(text: &str) -> Result<Vec<Event>, String> {
    let mut service = None;
    let mut events = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let wrong = |why: &str| format!("{why}: {line}");
        let Ok(Value::Object(object)) = serde_json::from_str(line) else {
            return Err(wrong("a line of events is no object"));
        };
        let mut members = object.into_iter();
        let (Some((kind, body)), None) = (members.next(), members.next()) else {
            return Err(wrong("an event is one member"));
        };
        match &service {
            None if kind == "metadata" => {
                let name = body["service"]["name"].as_str();
                service = Some(name.ok_or_else(|| wrong("metadata name no service"))?.to_owned());
            }
            None => return Err(wrong("events begin with metadata")),
            Some(service) => events.push(Event { service: service.clone(), kind, body }),
        }
    }
    Ok(events)
}

fn lock(kept: &Shared) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{
        Compression,
        write::{GzEncoder, ZlibEncoder},
    };
    use std::io::Write as _;

    const LINES: &str = concat!(
        r#"{"metadata":{"service":{"name":"theirs"}}}"#,
        "\n",
        r#"{"transaction":{"id":"1","trace_id":"t","type":"request","parent_id":"0"}}"#,
        "\n",
        r#"{"span":{"id":"2","trace_id":"t","parent_id":"1","type":"external"}}"#,
        "\n",
        r#"{"span":{"id":"3","trace_id":"t","parent_id":"1","type":"template"}}"#,
        "\n",
        r#"{"metricset":{"samples":{}}}"#,
        "\n",
    );

    fn post(intake: &Intake, encoding: &str, body: &[u8]) -> u16 {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
        let url = intake.url() + "/intake/v2/events";
        let request = agent.post(url).header("content-encoding", encoding);
        request.send(body).unwrap().status().as_u16()
    }

    #[test]
    fn events_are_kept_however_they_are_compressed() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(LINES.as_bytes()).unwrap();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(LINES.as_bytes()).unwrap();
        for (encoding, body) in [
            ("identity", LINES.as_bytes().to_vec()),
            ("gzip", gzip.finish().unwrap()),
            ("deflate", zlib.finish().unwrap()),
        ] {
            let intake = Intake::start().unwrap();
            assert_eq!(post(&intake, encoding, &body), 202, "{encoding}");
            let events = intake.received("t", 2).unwrap();
            let hops: Vec<_> = events
                .iter()
                .map(Hop::from)
                .map(|hop| (hop.service, hop.kind, hop.span_id, hop.parent.unwrap()))
                .collect();
            let hop = |kind: &str, id: &str, parent: &str| {
                ("theirs".to_owned(), kind.to_owned(), id.to_owned(), parent.to_owned())
            };
            assert_eq!(hops, [hop("server", "1", "0"), hop("client", "2", "1")], "{encoding}");
        }
    }

    #[test]
    fn what_is_not_the_protocol_is_told() {
        for (encoding, body) in [
            ("identity", "no json"),
            ("identity", r#"{"span":{}}"#),
            ("identity", r#"{"metadata":{}}"#),
            ("gzip", LINES),
            ("br", LINES),
        ] {
            let intake = Intake::start().unwrap();
            assert_eq!(post(&intake, encoding, body.as_bytes()), 400, "{encoding} {body}");
            intake.events("t").unwrap_err();
        }
    }
}
