//! The client side: what a call says of itself, where its headers go, and its attempts.

mod attempts;
mod body;
mod call;
mod call_options;
mod destinations;
mod hosts;
mod request;
mod response;
mod settings;
mod templates;
mod urls;

pub use self::{
    attempts::Attempts, body::CallBody, call::ClientCall, call_options::CallOptions,
    destinations::Destinations, hosts::Hosts, request::ClientRequest, response::ClientResponse,
    settings::ClientSettings, templates::UrlTemplates, urls::Urls,
};
