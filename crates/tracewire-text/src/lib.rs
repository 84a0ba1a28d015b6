//! Decides what text leaves the process, in a span, a metric, a log line, an error or a header.
//!
//! | to | use |
//! |---|---|
//! | redact credentials in URLs and queries | [`SensitiveKeys`] |
//! | redact credentials in error messages and other free text | [`redact_message`], [`display`] |
//! | cut values at a limit | [`cut()`] and the module [`mod@cut`] |
//! | escape control, invisible and bidirectional characters | [`printable`], [`shortened`] |
//! | encode and decode percent-encoding | [`percent`] |
//! | read and write hexadecimal ids | [`hex`] |
//! | match patterns with `*` and `?` | [`glob`] |
//! | name the type of an error | [`type_path()`] |
//! | tell host and port apart, and internal hosts from public ones | [`host`] |
//!
//! Whatever is redacted is replaced by `REDACTED`, and user information in a URL by
//! `REDACTED:REDACTED@`, as the semantic conventions show it.
//!
//! ```
//! use tracewire_text::{SensitiveKeys, printable};
//!
//! let url = "https://ada:pw@shop.example/?sig=4f3a";
//! let redacted = SensitiveKeys::default().redact_url(url);
//! assert_eq!(redacted, "https://REDACTED:REDACTED@shop.example/?sig=REDACTED");
//! assert_eq!(printable("two\nlines"), "two\\nlines");
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

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
mod type_path;

pub use self::{
    cut::{CUT, cut},
    message::{display, redact_message},
    printable::{is_unsafe, printable, shortened},
    redaction::SensitiveKeys,
    type_path::type_path,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Stands in place of a secret.
pub const REDACTED: &str = "REDACTED";
