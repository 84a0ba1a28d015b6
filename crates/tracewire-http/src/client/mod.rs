//! The client's side: its settings, the facts of a call, where headers may go, and the call itself.

mod body;
mod call;
mod call_options;
mod destinations;
mod options;
mod request;
mod resends;
mod response;
mod service_peers;
mod settings;
mod templates;
mod urls;

#[cfg(all(test, loom))]
pub(crate) use self::resends::Place;
pub use self::{
    body::ClientBody,
    call::ClientCall,
    call_options::CallOptions,
    destinations::{Destinations, Hosts},
    request::ClientRequest,
    resends::Resends,
    response::ClientResponse,
    service_peers::ServicePeers,
    settings::{ClientOptions, ClientSettings},
    templates::UrlTemplates,
    urls::Urls,
};
