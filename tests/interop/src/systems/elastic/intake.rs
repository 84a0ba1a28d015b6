//! Elastic's intake: what its agents send their telemetry to, as far as they need it.

use crate::chain::Hop;
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// A stand-in for the APM Server on a free loopback port. It keeps what agents report, and ends
/// with the program.
#[derive(Debug)]
pub(crate) struct Intake {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<Event>,
    /// What was sent and is not as the protocol wants it.
    problems: Vec<String>,
}

/// A transaction, a span, an error or a set of metrics.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The service of the agent that has sent it.
    pub(crate) service: String,
    /// `transaction`, `span`, `error`, `metricset` …
    pub(crate) kind: String,
    /// What it says.
    pub(crate) body: Value,
}
