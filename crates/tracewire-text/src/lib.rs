//! Prepares text before it leaves the process, in a span, a metric, a log line or an error.
//!
//! | what | function |
//! |---|---|
//! | Credentials in URLs and queries | [`SensitiveKeys`] |
//! | Credentials in error messages and other free text | [`redact_message`], [`display`] |
//! | Values longer than a limit | [`cut`] |
//! | Control, invisible and bidirectional characters | [`printable`], [`shortened`] |
//!
//! Whatever is redacted is replaced by `REDACTED`.

pub mod cut;
pub mod glob;
pub mod hex;
pub mod host;
mod keys;
mod message;
pub mod percent;
mod printable;
mod redaction;
mod splice;
mod symbols;

pub use self::{
    cut::{CUT, cut},
    message::{display, redact_message},
    printable::{is_unsafe, printable, shortened},
    redaction::SensitiveKeys,
};

/// Stands in place of a secret.
pub const REDACTED: &str = "REDACTED";
