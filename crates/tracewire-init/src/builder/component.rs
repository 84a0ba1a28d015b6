//! Components that a program registers, so that its configuration file can name them.

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

#[cfg(feature = "logs")]
use opentelemetry_sdk::logs::{LogExporter, LogProcessor};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::resource::ResourceDetector;
use opentelemetry_sdk::trace::{IdGenerator, ShouldSample, SpanExporter, SpanProcessor};
use serde_json::Value;
use tracewire_propagation::Propagator;
use tracewire_sampling::{Composable, Sampler};

#[cfg(feature = "logs")]
use crate::builder::LogsExporter;
use crate::builder::{AddProcessor, AddReader, MetricsExporter, TracesExporter, added};
use crate::config::file::components::{ComponentNode, Kind};
use crate::contained;
#[cfg(feature = "logs")]
use crate::log_records::AddProcessor as AddLogProcessor;

/// A part of telemetry that the program brings, under a name for its configuration file, for
/// [`Builder::component`](crate::Builder::component).
///
/// ```
/// use tracewire_init::sampling::{Probability, ProbabilityError, Sampler};
/// use tracewire_init::{Component, Telemetry};
///
/// // sampler:
/// //   ours: {ratio: 0.1}
/// let ours = Component::sampler("ours", |properties| {
///     let ratio = properties["ratio"].as_f64().unwrap_or(1.0);
///     Ok::<_, ProbabilityError>(Sampler::new(Probability::new(ratio)?))
/// });
/// let builder = Telemetry::builder().component(ours);
/// # drop(builder);
/// ```
///
/// The function gets what stands below the name in the file as JSON, or null if nothing does. It is called
/// by [`init`](crate::Builder::init) and [`plan`](crate::Builder::plan) for each place that has the name, and
/// for samplers again when the file is read again. Its error, or a panic in it, is an error of `init` with
/// the file's name and line. Names of the schema cannot be taken.
#[derive(Clone)]
pub struct Component {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    make: Maker,
}

type Cause = Box<dyn Error + Send + Sync>;

/// Makes a part of telemetry from the properties that the file gives it.
pub(crate) type Make<T> = Arc<dyn Fn(&Value) -> Result<T, Cause> + Send + Sync>;

#[derive(Clone)]
pub(crate) enum Maker {
    Sampler(Make<Sampler>),
    Composable(Make<Box<dyn Composable>>),
    IdGenerator(Make<Box<dyn IdGenerator>>),
    SpanProcessor(Make<AddProcessor>),
    SpanExporter(Make<TracesExporter>),
    #[cfg(feature = "logs")]
    LogProcessor(Make<AddLogProcessor>),
    #[cfg(feature = "logs")]
    LogExporter(Make<LogsExporter>),
    MetricExporter(Make<MetricsExporter>),
    MetricReader(Make<AddReader>),
    ResourceDetector(Make<Box<dyn ResourceDetector>>),
    Propagator(Make<Arc<dyn Propagator>>),
}

/// `make`, whose result goes through `into`.
fn maker<T, U, E: Into<Cause>>(
    make: impl Fn(&Value) -> Result<T, E> + Send + Sync + 'static,
    into: impl Fn(T) -> U + Send + Sync + 'static,
) -> Make<U> {
    Arc::new(move |properties| make(properties).map(&into).map_err(Into::into))
}

impl Component {
    /// A sampler, for `tracer_provider.sampler` and the branches of `parent_based`.
    ///
    /// It goes through [`Sampler::wrap`], as [`Traces::sampler`](crate::Traces::sampler) says.
    pub fn sampler<T: ShouldSample + 'static, E: Into<Cause>>(
        name: impl Into<String>,
        make: impl Fn(&Value) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        Self::new(Kind::Sampler, name, Maker::Sampler(maker(make, Sampler::wrap)))
    }

    /// A sampler below `composite/development`.
    pub fn composable_sampler<T: Composable + 'static, E: Into<Cause>>(
        name: impl Into<String>,
        make: impl Fn(&Value) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        let boxed = |sampler| -> Box<dyn Composable> { Box::new(sampler) };
        Self::new(Kind::Composable, name, Maker::Composable(maker(make, boxed)))
    }

    /// A generator of ids, for `tracer_provider.id_generator`; see
    /// [`Traces::id_generator`](crate::Traces::id_generator).
    pub fn id_generator<T: IdGenerator + 'static, E: Into<Cause>>(
        name: impl Into<String>,
        make: impl Fn(&Value) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        let boxed =
            |generator| -> Box<dyn IdGenerator> { Box::new(contained::id_generator(generator)) };
        Self::new(Kind::IdGenerator, name, Maker::IdGenerator(maker(make, boxed)))
    }

    /// A span processor, for `tracer_provider.processors`. It is called before the exporters if it stands
    /// before the first of them in the file, and else after them.
    pub fn span_processor<T: SpanProcessor + 'static, E: Into<Cause>>(
        name: impl Into<String>,
        make: impl Fn(&Value) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        Self::new(Kind::SpanProcessor, name, Maker::SpanProcessor(maker(make, added)))
    }

    /// An exporter of spans; see [`TracesExporter::custom`].
    pub fn span_exporter<T: SpanExporter + 'static, E: Into<Cause>>(
        name: impl Into<String>,
        make: impl Fn(&Value) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        Self::new(
            Kind::SpanExporter,
            name,
            Maker::SpanExporter(maker(make, TracesExporter::custom)),
        )
    }

    /// A processor of log records, for `logger_provider.processors`.
    #[cfg(feature = "logs")]
    pub fn log_processor<T: LogProcessor + 'static, E: Into<Cause>>(
        name: impl Into<String>,
        make: impl Fn(&Value) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        let added = crate::log_records::added;
        Self::new(Kind::LogProcessor, name, Maker::LogProcessor(maker(make, added)))
    }

    /// An exporter of log records; see [`LogsExporter::custom`].
    #[cfg(feature = "logs")]
    pub fn log_exporter<T: LogExporter + 'static, E: Into<Cause>>(
        name: impl Into<String>,
        make: impl Fn(&Value) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        Self::new(Kind::LogExporter, name, Maker::LogExporter(maker(make, LogsExporter::custom)))
    }

    /// An exporter of metrics, for `periodic` readers; see [`MetricsExporter::custom`].
    pub fn metric_exporter<T: PushMetricExporter, E: Into<Cause>>(
        name: impl Into<String>,
        make: impl Fn(&Value) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        let made = Maker::MetricExporter(maker(make, MetricsExporter::custom));
        Self::new(Kind::MetricExporter, name, made)
    }

    /// A reader of metrics, as the exporter of a `pull` reader; see [`Metrics::reader`].
    ///
    /// [`Metrics::reader`]: crate::Metrics::reader
    pub fn metric_reader<T: MetricReader, E: Into<Cause>>(
        name: impl Into<String>,
        make: impl Fn(&Value) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        let made = Maker::MetricReader(maker(make, crate::builder::read_by));
        Self::new(Kind::PullExporter, name, made)
    }

    /// A detector, for `resource.detection/development.detectors`.
    pub fn resource_detector<T: ResourceDetector + 'static, E: Into<Cause>>(
        name: impl Into<String>,
        make: impl Fn(&Value) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        let boxed =
            |detector| -> Box<dyn ResourceDetector> { Box::new(contained::Detector(detector)) };
        Self::new(Kind::ResourceDetector, name, Maker::ResourceDetector(maker(make, boxed)))
    }

    /// A propagator, for `propagator.composite` and `composite_list`.
    pub fn propagator<T: Propagator + 'static, E: Into<Cause>>(
        name: impl Into<String>,
        make: impl Fn(&Value) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        let shared = |propagator| -> Arc<dyn Propagator> { Arc::new(propagator) };
        Self::new(Kind::Propagator, name, Maker::Propagator(maker(make, shared)))
    }

    fn new(kind: Kind, name: impl Into<String>, make: Maker) -> Self {
        Self { kind, name: name.into(), make }
    }

    /// Makes the component of a node.
    ///
    /// # Errors
    ///
    /// Nobody registered it as what `pick` asks for, or it cannot be made; the text says why.
    pub(crate) fn make<T>(
        components: &[Self],
        node: &ComponentNode,
        pick: impl Fn(&Maker) -> Option<&Make<T>>,
    ) -> Result<T, String> {
        let found = components
            .iter()
            .rev() // what was registered last counts
            .filter(|component| component.name == node.name)
            .find_map(|component| pick(&component.make));
        let Some(make) = found else { return Err("it is not registered".to_owned()) };
        match catch_unwind(AssertUnwindSafe(|| make(&node.properties))) {
            Ok(made) => made.map_err(|error| format!("it cannot be made: {error}")),
            Err(_) => Err("it cannot be made: the program's function panicked".to_owned()),
        }
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Component")
            .field("kind", &self.kind)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
