//! Where spans go.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_http::HttpClient;
use opentelemetry_sdk::trace::SpanExporter;
use tracewire_export::{Batch, BatchSpanProcessor, ExportError, OtlpFile};

use crate::builder::{Batching, Otlp};
use crate::settings::{Merge, Setting, in_code, settings};

/// An exporter of spans, with settings of its own or none.
///
/// ```
/// use tracewire_init::{Batching, Otlp, Protocol, Traces, TracesExporter};
///
/// let here = Otlp::new().endpoint("http://localhost:4318");
/// let there = Otlp::new().endpoint("https://collector.example:4317").protocol(Protocol::Grpc);
/// let traces = Traces::new().exporters([
///     TracesExporter::otlp_with(here),
///     TracesExporter::otlp_with(there).batching(Batching::new().batch_size(4096)),
/// ]);
/// # drop(traces);
/// ```
pub struct TracesExporter {
    pub(crate) kind: TracesKind,
    pub(crate) batching: Batching,
}

pub(crate) enum TracesKind {
    Otlp(Box<Otlp>),
    OtlpFile(Box<Otlp>),
    Console,
    Zipkin(Zipkin),
    Custom(AddExporter),
}

/// Adds an exporter that code gave.
pub(crate) type AddExporter =
    Box<dyn FnOnce(BatchSpanProcessor, Batch) -> Result<BatchSpanProcessor, ExportError> + Send>;

impl TracesExporter {
    /// Over the network, in OpenTelemetry's own protocol, with the settings of [`Traces::otlp`] and
    /// [`Builder::otlp`].
    ///
    /// [`Traces::otlp`]: crate::Traces::otlp
    /// [`Builder::otlp`]: crate::Builder::otlp
    pub fn otlp() -> Self {
        Self::otlp_with(Otlp::new())
    }

    /// The same with settings of its own before those.
    pub fn otlp_with(otlp: Otlp) -> Self {
        Self::new(TracesKind::Otlp(Box::new(otlp)))
    }

    /// To a file or stdout, as OTLP in lines of JSON, which a Collector's receiver `otlpjsonfile` reads. The
    /// file is that of [`Otlp::file`](crate::Otlp::file). It needs the cargo feature `otlp-json`, and is an
    /// error of [`init`](crate::Builder::init) without.
    pub fn otlp_file() -> Self {
        Self::otlp_file_with(Otlp::new())
    }

    /// The same with a file of its own.
    pub fn otlp_file_at(file: OtlpFile) -> Self {
        Self::otlp_file_with(Otlp::new().file(file))
    }

    pub(crate) fn otlp_file_with(otlp: Otlp) -> Self {
        Self::new(TracesKind::OtlpFile(Box::new(otlp)))
    }

    pub(crate) fn otlp_stdout() -> Self {
        Self::otlp_file_at(OtlpFile::Stdout)
    }

    /// To stdout, for people or as JSON: see [`Console`](crate::Console).
    pub fn console() -> Self {
        Self::new(TracesKind::Console)
    }

    /// To a Zipkin server, as JSON. It needs the cargo feature `zipkin`, and is an error of
    /// [`init`](crate::Builder::init) without.
    pub fn zipkin() -> Self {
        Self::zipkin_with(Zipkin::new())
    }

    /// The same with settings of its own before those of [`Traces::zipkin`](crate::Traces::zipkin).
    pub fn zipkin_with(zipkin: Zipkin) -> Self {
        Self::new(TracesKind::Zipkin(zipkin))
    }

    /// To an exporter of your own, in batches.
    ///
    /// It runs on a thread of its own, outside any runtime. An export may take
    /// [`Batching::timeout`]; one that takes longer, or panics, fails, and does not end telemetry.
    pub fn custom(exporter: impl SpanExporter + 'static) -> Self {
        Self::new(TracesKind::Custom(Box::new(move |processor, batch| {
            processor.exporter(exporter, batch)
        })))
    }

    /// Sets how spans wait for this exporter, before what [`Traces::batching`] says; the console has no
    /// batches.
    ///
    /// [`Traces::batching`]: crate::Traces::batching
    pub fn batching(mut self, batching: Batching) -> Self {
        self.batching = batching;
        self
    }

    fn new(kind: TracesKind) -> Self {
        Self { kind, batching: Batching::default() }
    }

    /// Its name in `OTEL_TRACES_EXPORTER`, where it has one.
    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            TracesKind::Otlp(_) => "otlp",
            TracesKind::OtlpFile(_) => "otlp_file",
            TracesKind::Console => "console",
            TracesKind::Zipkin(_) => "zipkin",
            TracesKind::Custom(_) => "custom",
        }
    }
}

impl fmt::Debug for TracesExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TracesExporter").field(&self.name()).finish()
    }
}

settings! {
    /// Settings of exporters to a Zipkin server.
    ///
    /// ```
    /// # #[cfg(feature = "zipkin")]
    /// # fn example() {
    /// use tracewire_init::{Telemetry, TracesExporter, Zipkin};
    ///
    /// let zipkin = Zipkin::new().endpoint("http://zipkin.internal:9411/api/v2/spans");
    /// let builder = Telemetry::builder().traces([TracesExporter::zipkin_with(zipkin)]);
    /// # }
    /// ```
    #[derive(Clone)]
    pub struct Zipkin {
        endpoint: Setting<String>,
        timeout: Setting<Duration>,
        http_client: Setting<Arc<dyn HttpClient>>,
    }
}

impl Zipkin {
    /// Makes settings of which none is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the URL to post spans to (`OTEL_EXPORTER_ZIPKIN_ENDPOINT`);
    /// `http://localhost:9411/api/v2/spans` unless set.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = in_code(url.into());
        self
    }

    /// Sets how long one export may take, retries included (`OTEL_EXPORTER_ZIPKIN_TIMEOUT`); ten
    /// seconds unless set, and zero is no limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = in_code(timeout);
        self
    }

    /// Sets the client that sends, as [`Otlp::http_client`] does.
    pub fn http_client(mut self, client: impl HttpClient + 'static) -> Self {
        self.http_client = in_code(Arc::new(client));
        self
    }

    pub(crate) fn over(mut self, weaker: &Self, plan: &mut crate::plan::Plan) -> Self {
        self.complete(weaker.clone(), plan);
        self
    }
}
