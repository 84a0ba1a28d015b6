//! The live page: what telemetry records is brought to `tracewire-live`, and its page is served.
//!
//! Without the cargo feature, or where nobody asks for the page, nothing is registered.

#[cfg(not(feature = "live"))]
mod off;
#[cfg(feature = "live")]
mod on;
mod settings;

#[cfg(not(feature = "live"))]
pub(crate) use self::off::{LivePages, SharedPage};
#[cfg(feature = "live")]
pub(crate) use self::on::{LivePages, SharedPage};
pub(crate) use self::settings::{Live, decide};
