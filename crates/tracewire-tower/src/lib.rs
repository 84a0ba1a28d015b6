//! Tower layers that trace HTTP servers and clients with OpenTelemetry.
//!
//! [`ServerLayer`] gives every incoming request a span and a duration; see the [`server`]
//! module for what is recorded and when it ends.
//! [`ClientLayer`] does the same for every outgoing call; see the [`client`] module.
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `axum` | routes from `MatchedPath`, peers from `ConnectInfo`, paths from `OriginalUri`, and [`server::wrap_router`] | yes |
//! | `tower-http` | `server::RequestSpan`, a span maker for tower-http's `TraceLayer` | |
//! | `hyper-util` | the peer's address and the kinds of errors of hyper-util's client | yes |
//! | `connections` | what calls of hyper-util's client spend on [connections](client#connections) | |
//! | `tonic` | the kinds of errors of tonic's channel | |
//!
//! ```
//! use tower::ServiceBuilder;
//! use tracewire_tower::{ClientLayer, ServerLayer};
//!
//! let server = ServiceBuilder::new().layer(ServerLayer::new());
//! let client = ServiceBuilder::new().layer(ClientLayer::new());
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod client;
pub mod server;

#[doc(inline)]
pub use self::{client::ClientLayer, server::ServerLayer};

#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;
