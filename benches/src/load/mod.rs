//! What a server loses to its instrumentation under load, and what of it arrives.
//!
//! A [`Server`] is a process of its own with one thread that serves, the exporter's threads on the
//! same core. [`wrk`] asks as fast as it is answered, from the other core, where a [`Sink`] takes
//! what is exported.

mod cores;
mod export;
mod serve;
mod server;
mod sink;
mod wrk;

pub use self::{
    cores::Cores,
    export::Export,
    serve::serve,
    server::{Report, Server},
    sink::Sink,
    wrk::{Answered, Traces, wrk, wrk_with},
};

/// What each request sends besides `host`: ten headers in all.
pub const HEADERS: [(&str, &str); 9] = [
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0)"),
    ("accept", "application/json"),
    ("accept-encoding", "gzip, br"),
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("x-header-05", "some value of usual length"),
    ("x-header-06", "some value of usual length"),
    ("x-header-07", "some value of usual length"),
    ("x-header-08", "some value of usual length"),
    ("x-header-09", "some value of usual length"),
];

/// What a request that carries lists sends in place of the last two of [`HEADERS`].
pub const LISTS: [(&str, &str); 2] = [
    ("tracestate", "vendor=value,other=00f067aa0ba902b7"),
    ("baggage", "tenant=acme,user.id=4711"),
];

/// What each request asks for.
pub const PATH: &str = "/users/4711";
