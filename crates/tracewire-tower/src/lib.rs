//! Tower layers that trace HTTP servers and clients with OpenTelemetry.
//!
//! [`ServerLayer`] gives every request that enters a span and a duration; see the [`server`]
//! module for what is recorded and when it ends.
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `axum` | routes from `MatchedPath`, peers from `ConnectInfo`, paths from `OriginalUri`, and [`server::around`] | yes |

pub mod server;

#[doc(inline)]
pub use self::server::ServerLayer;
