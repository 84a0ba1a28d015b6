//! The server's side: its settings and hooks, the facts of a request, which callers and proxies are
//! believed, and the exchange from a request to the end of its response.

mod call;
mod handle;
mod hooks;
mod incoming;
mod options;
mod paths;
mod proxies;
mod request;
mod settings;
mod trust;

pub use self::{
    call::{ServerBody, ServerCall},
    handle::ExchangeHandle,
    hooks::{Attributes, Hooks, RequestHead, ResponseHead},
    incoming::{IncomingRequest, PeerAddress},
    proxies::{ClientAddress, Forwarded, InvalidNetwork, ProxyHeaders, TrustedProxies},
    settings::{ServerOptions, ServerSettings},
    trust::Trust,
};

pub(crate) use self::paths::Paths;
use self::trust::Parent;
