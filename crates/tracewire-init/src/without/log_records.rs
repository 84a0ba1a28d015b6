//! Without the cargo feature `logs`: no log record is made, and the configuration refuses exporters.

use std::convert::Infallible;
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use tracewire_export::{ConsoleExporter, Exports};

use crate::config::logs::Logs;
use crate::error::InitError;

/// A provider that does not exist.
#[derive(Clone)]
pub(crate) enum Provider {}

pub(crate) type AddProcessor = Infallible;
pub(crate) type AddExporter = Infallible;
pub(crate) type LogRules = Infallible;

pub(crate) fn provider(
    _logs: Logs,
    _exports: &Exports,
    _console: &ConsoleExporter,
    _resource: &Resource,
) -> Result<Provider, InitError> {
    Err(InitError::not_compiled_in(
        "Logs::exporters",
        &tracewire_export::wiring::Shown::value("otlp"),
        "log records need the cargo feature `logs`",
    ))
}

impl Provider {
    pub(crate) fn force_flush(&self) -> OTelSdkResult {
        match *self {}
    }

    pub(crate) fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        match *self {}
    }
}

/// There are no log records that exceptions could be.
pub(crate) fn take_exceptions(_running: Option<&crate::running::Running>) {
    tracewire_propagation::set_exception_logs(None);
}
