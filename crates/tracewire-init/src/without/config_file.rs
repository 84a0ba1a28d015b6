//! Without the cargo feature `config-file`: a file is an error of `init`.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use opentelemetry_sdk::Resource;
use tracewire_export::ConsoleExporter;
use tracewire_export::wiring::Shown;
use tracewire_sampling::Sampler;

use super::sampling::SamplerChoice;
use crate::error::InitError;
use crate::layers::Layers;
use crate::plan::Plan;
use crate::settings::{Given, Layer, Setting};
use crate::variables::Env;

/// There are none.
pub(crate) type Component = Infallible;

/// There is no file to read again.
pub(crate) type Source = Infallible;

pub(crate) struct Loaded {
    pub(crate) layer: Layer,
    pub(crate) source: Source,
    pub(crate) used: BTreeSet<String>,
}

pub(crate) fn load(
    chosen: &Given<PathBuf>,
    _env: &Env,
    _code: &mut Layer,
    _plan: &mut Plan,
) -> Result<Loaded, InitError> {
    Err(InitError::not_compiled_in(
        chosen.origin.name("Builder::config_file"),
        &Shown::path(&chosen.value.to_string_lossy()),
        "it needs the cargo feature `config-file`; to use the OTEL_* variables instead, name no file",
    ))
}

#[expect(dead_code, reason = "as with the feature")]
#[derive(Default)]
pub(crate) struct Adjustable {
    pub(crate) sampler: Option<Sampler>,
    pub(crate) console: Option<ConsoleExporter>,
    pub(crate) in_code: InCode,
    pub(crate) resource: Option<Resource>,
    pub(crate) layers: Layers,
}

#[expect(dead_code, reason = "as with the feature")]
#[derive(Clone, Debug, Default)]
pub(crate) struct InCode {
    pub(crate) sampler: bool,
    pub(crate) level: bool,
    pub(crate) console: bool,
    pub(crate) default_sampler: Setting<SamplerChoice>,
}

/// Never made, because there is no source.
#[derive(Clone, Debug)]
pub(crate) struct Reloader(Infallible);

impl Reloader {
    pub(crate) fn new(source: Source, _: Adjustable, _: Arc<Mutex<Plan>>) -> Self {
        match source {}
    }

    pub(crate) fn watch(&self) {
        match self.0 {}
    }

    pub(crate) fn counts(&self) -> [(&'static str, u64); 3] {
        match self.0 {}
    }

    pub(crate) fn end(&self) {
        match self.0 {}
    }
}
