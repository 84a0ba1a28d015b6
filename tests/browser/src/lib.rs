//! A Chromium without a window, and traces to show in it.
//!
//! The tests need `chromedriver` and Chromium. Where there is none they report "not run", unless
//! `TRACEWIRE_BROWSER_TESTS=required` is set, as in CI. Pictures go to the directory that
//! `TRACEWIRE_BROWSER_PICTURES` names.

#![allow(clippy::expect_used)] // this crate is for tests

mod browser;
mod program;
mod shop;
mod traces;

pub use self::{
    browser::{Browser, Screen},
    program::Program,
    traces::{Demo, failed, id, span, text},
};
