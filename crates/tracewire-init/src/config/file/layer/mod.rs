//! From the model of a file to settings, as variables give them: a [`Layer`].
//!
//! What the file leaves out gets what the schema says, where that differs from what unset variables mean:
//! no propagator, no provider, no detector.

mod http;
mod logs;
mod metrics;
mod otlp;
mod propagators;
mod resource;
pub(super) mod sampler;
mod traces;
mod views;

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

pub(super) use self::http::http;
use super::components::ComponentNode;
use super::position::{Place, Spanned};
use super::problems::Problems;
use super::schema::{self, AttributeLimits, Batch, Configuration, Severity};
use super::substitute::Variables;
use crate::builder::{Batching, Component, Console, LogFormat, LogLines, Logs, Make, Maker};
use crate::plan::{FilePlace, Origin};
use crate::settings::{Given, Layer, Setting};

/// What settings are made with, beside the model.
pub(super) struct Mapper<'a> {
    /// The file's name, for messages.
    pub(super) file: &'a str,
    pub(super) components: &'a [Component],
    pub(super) variables: Variables<'a>,
    /// Who sends, if that is known already: rules of samplers may ask for it.
    pub(super) service: String,
    pub(super) problems: RefCell<Problems>,
}

/// The settings of a file. Problems of components and rules are the mapper's.
pub(super) fn layer(
    configuration: &Configuration,
    service_in_code: Option<&str>,
    mapper: &mut Mapper<'_>,
) -> Layer {
    let mut resource = resource::resource(configuration.resource.as_ref(), mapper);
    resource.settle();
    let named = resource.service_name.as_ref().map(|given| given.value.as_str());
    mapper.service = service_in_code.or(named).unwrap_or_default().to_owned();
    let ours = configuration.tracewire.as_ref();
    resource.metadata_timeout =
        ours.and_then(|ours| mapper.setting(&ours.metadata_timeout, |timeout| timeout));
    let limits = configuration.attribute_limits.as_ref();
    Layer {
        disabled: mapper.setting(&configuration.disabled, |disabled| disabled),
        log_level: mapper.setting(&configuration.log_level, Severity::level),
        propagators: propagators::propagators(configuration.propagator.as_ref(), mapper),
        resource,
        traces: traces::traces(configuration.tracer_provider.as_ref(), limits, mapper),
        metrics: metrics::metrics(configuration.meter_provider.as_ref(), ours, mapper),
        logs: Logs {
            exceptions: ours.and_then(|ours| mapper.setting(&ours.exceptions, |value| value)),
            ..logs::logs(configuration.logger_provider.as_ref(), limits, mapper)
        },
        console: Console {
            format: ours.and_then(|ours| mapper.setting(&ours.console, |format| format)),
            ..Console::default()
        },
        log_lines: LogLines {
            format: ours.and_then(|ours| mapper.setting(&ours.log, log_format)),
            ..LogLines::default()
        },
        http: mapper.given_by_file(http(configuration)),
        ..Layer::default()
    }
}

fn log_format(lines: schema::LogLines) -> Option<LogFormat> {
    match lines {
        schema::LogLines::None => None,
        schema::LogLines::Text => Some(LogFormat::Text),
        schema::LogLines::Json => Some(LogFormat::Json),
    }
}

impl Mapper<'_> {
    /// A value that stands at this place.
    pub(super) fn given<T>(&self, place: &Place, value: T) -> Setting<T> {
        let line = format!("{}:{}", self.file, place.at.line);
        let node = format!("{}:{}: {}", self.file, place.at, place.path);
        let origin = Origin::File(Arc::new(FilePlace { line, node }));
        Some(Given { value, origin })
    }

    /// What follows from the file as a whole, because a node is not there.
    fn given_by_file<T>(&self, value: T) -> Setting<T> {
        let place = FilePlace { line: self.file.to_owned(), node: self.file.to_owned() };
        Some(Given { value, origin: Origin::File(Arc::new(place)) })
    }

    /// A value as a setting of another type.
    pub(super) fn setting<T: Clone, U>(
        &self,
        value: &Option<Spanned<T>>,
        into: impl FnOnce(T) -> U,
    ) -> Setting<U> {
        let Spanned { value, place } = value.as_ref()?;
        self.given(place, into(value.clone()))
    }

    /// Makes a component of the program; reports it if that cannot be done.
    fn make<T>(
        &self,
        node: &ComponentNode,
        pick: impl Fn(&Maker) -> Option<&Make<T>>,
    ) -> Option<T> {
        let made = Component::make(self.components, node, pick);
        made.map_err(|why| self.problem(&node.place, why)).ok()
    }

    fn problem(&self, place: &Place, what: impl fmt::Display) {
        self.problems.borrow_mut().add(place.at, &place.path, what);
    }

    /// The first limit that is set: the signal's own, then the general one.
    fn limit(
        &self,
        own: Option<&AttributeLimits>,
        general: Option<&AttributeLimits>,
        field: impl Fn(&AttributeLimits) -> &Option<Spanned<usize>>,
    ) -> Setting<usize> {
        let mut limits = [own, general].into_iter().flatten();
        limits.find_map(|limits| self.setting(field(limits), |limit| limit))
    }

    fn batching<E>(&self, batch: &Batch<E>) -> Batching {
        let size = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
        Batching {
            queue_size: self.setting(&batch.max_queue_size, size),
            batch_size: self.setting(&batch.max_export_batch_size, size),
            delay: self.setting(&batch.schedule_delay, |delay| delay),
            timeout: self.setting(&batch.export_timeout, |timeout| timeout),
        }
    }

    /// Of a `simple` processor: each item at once, on the exporter's thread.
    fn one_by_one(&self, place: &Place) -> Batching {
        Batching {
            batch_size: self.given(place, 1),
            delay: self.given(place, std::time::Duration::ZERO),
            ..Batching::default()
        }
    }
}
