//! Log records: their provider, and the layer that makes them of `tracing` events.

mod exceptions;
mod layer;
mod rules;

use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{
    BatchConfigBuilder, BatchLogProcessor as SdkBatchLogProcessor, LogExporter, LogProcessor,
    LoggerProviderBuilder, SdkLoggerProvider,
};
use tracewire_export::{Batch, BatchLogProcessor, ConsoleExporter, Exports, LogLimits};

use crate::Telemetry;
use crate::builder::{Logs, LogsExporter, LogsKind};
use crate::config::logs::{self, Exporter};
use crate::config::otlp::Otlp;
use crate::contained;
use crate::error::InitError;

pub(crate) use self::exceptions::take_exceptions;
#[cfg(feature = "config-file")]
pub(crate) use self::rules::LogRule;
pub(crate) use self::rules::LogRules;
use self::rules::Ruled;

/// The provider of loggers.
pub(crate) type Provider = SdkLoggerProvider;

/// A processor that code gave.
pub(crate) type AddProcessor = Box<dyn LogProcessor>;

/// Makes the processor of an exporter that code gave, in batches.
pub(crate) type AddExporter = Box<dyn FnOnce(Batch) -> AddProcessor + Send>;

/// The longest queue of an exporter of the program: the SDK allocates all of it at once.
const MOST_PLACES: usize = 65_536;

/// Makes the provider.
///
/// # Errors
///
/// An exporter, its client or its thread cannot be made.
pub(crate) fn provider(
    logs: logs::Logs,
    exports: &Exports,
    console: &ConsoleExporter,
    resource: &Resource,
) -> Result<Provider, InitError> {
    let mut limits = LogLimits::default();
    limits.attributes = logs.attributes;
    limits.value_length = logs.value_length;
    let mut processor = BatchLogProcessor::new(exports).limits(limits);
    let mut all: Vec<AddProcessor> = Vec::new();
    let mut has_ours = false;
    for exporter in logs.exporters {
        match exporter {
            Exporter::Otlp(otlp, batch) => {
                let Otlp { exporter, names } = *otlp;
                let added = processor.otlp(exporter, batch);
                processor = added.map_err(|error| names.failed(error))?;
                has_ours = true;
            }
            Exporter::Console => {
                processor = processor.console(console);
                has_ours = true;
            }
            Exporter::Custom(add, batch) => all.push(add(batch)),
        }
    }
    if has_ours {
        all.push(Box::new(processor));
    }
    all.extend(logs.processors);
    let provider = SdkLoggerProvider::builder().with_resource(resource.clone());
    let ruled = |processor| Ruled { processor, rules: logs.rules.clone() };
    let add = |built: LoggerProviderBuilder, one| built.with_log_processor(ruled(one));
    Ok(all.into_iter().fold(provider, add).build())
}

/// With the cargo feature `logs`.
impl Logs {
    /// Adds a processor of log records, after the exporters and those that were added before.
    ///
    /// A provider exists where there is an exporter or a processor.
    pub fn processor(mut self, processor: impl LogProcessor + 'static) -> Self {
        self.processors.push(added(processor));
        self
    }
}

pub(crate) fn added(processor: impl LogProcessor + 'static) -> AddProcessor {
    Box::new(contained::log_processor(processor))
}

/// With the cargo feature `logs`.
impl LogsExporter {
    /// To an exporter of your own, in batches of the SDK, on a thread of its own.
    ///
    /// What becomes of its records is not part of the [report](crate::ShutdownReport), and limits of
    /// attributes do not apply. At most 65,536 records wait, whatever [`Batching::queue_size`] says. An
    /// export that panics fails, and is warned of.
    ///
    /// [`Batching::queue_size`]: crate::Batching::queue_size
    pub fn custom(exporter: impl LogExporter + 'static) -> Self {
        let exporter = contained::log_exporter(exporter);
        Self::new(LogsKind::Custom(Box::new(move |batch: Batch| {
            // Everything is set, because what is not the SDK would read from the environment.
            let config = BatchConfigBuilder::default()
                .with_max_queue_size(batch.queue_size.min(MOST_PLACES))
                .with_max_export_batch_size(batch.batch_size.min(MOST_PLACES))
                .with_scheduled_delay(batch.delay.max(Duration::from_millis(1)))
                .build();
            Box::new(SdkBatchLogProcessor::builder(exporter).with_batch_config(config).build())
        })))
    }
}

/// With the cargo feature `logs`.
impl Telemetry {
    /// The provider of loggers; `None` if logs have no exporter or `OTEL_SDK_DISABLED` is true.
    pub fn logger_provider(&self) -> Option<&SdkLoggerProvider> {
        self.running()?.providers.logger.as_ref()
    }

    /// A layer that makes log records of `tracing` events, for a subscriber of your own.
    ///
    /// A record has the ids of the span that is current where the event happens. With the feature
    /// `tracing`, the layer takes the events that `RUST_LOG` names, from level INFO on unless set.
    /// What telemetry says of itself is left out, because exporting it would make more of it.
    ///
    /// ```no_run
    /// use tracing_subscriber::prelude::*;
    ///
    /// # fn main() -> Result<(), tracewire_init::InitError> {
    /// let telemetry = tracewire_init::init()?;
    /// tracing_subscriber::registry().with(telemetry.log_layer()).init();
    /// # Ok(())
    /// # }
    /// ```
    pub fn log_layer<S>(&self) -> Option<impl tracing_subscriber::Layer<S> + use<S>>
    where
        S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    {
        use tracing_subscriber::Layer;
        let filter = self.running()?.logging.log_filter();
        Some(layer::layer(self.logger_provider()?).with_filter(filter))
    }
}
