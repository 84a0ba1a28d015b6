//! The server's side: facts of a request, whom to believe, and a handle for those who answer.

mod handle;
mod paths;
mod proxies;
mod request;
mod trust;

pub(crate) use self::request::version_name;
pub use self::{
    handle::ExchangeHandle,
    paths::Paths,
    proxies::{ClientAddress, Forwarded, InvalidNetwork, ProxyHeaders, TrustedProxies},
    request::ServerRequest,
    trust::{Origin, Trust},
};
