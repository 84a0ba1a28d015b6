//! The server's side: facts of a request, whom to believe, and a handle for those who answer.

mod forwarded;
mod handle;
mod paths;
mod request;
mod trust;

pub(crate) use self::request::version_name;
pub use self::{
    forwarded::{ClientAddress, Forwarded, InvalidNetwork, TrustedProxies},
    handle::ExchangeHandle,
    paths::Paths,
    request::ServerRequest,
    trust::{Origin, Trust},
};
