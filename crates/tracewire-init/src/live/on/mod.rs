//! With the cargo feature `live`: spans, log records, metrics and the report on their way to the page.

mod entry;
#[cfg(feature = "logs")]
mod log_records;
mod metrics;
mod queue;
mod report;
mod scopes;
mod spans;
mod thread;

use std::fmt;
use std::sync::{Arc, OnceLock};

use opentelemetry::Key;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::MeterProviderBuilder;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::trace::{ShouldSample, TracerProviderBuilder};
use tracewire_export::wiring::{Shown, encode_resource, log};
use tracewire_export::{BatchSpanProcessor, ConsoleExporter, Exports};
use tracewire_live::{Listen, LivePage, Recorder, Server};
use tracewire_sampling::Sampler;

use self::entry::Entries;
use self::metrics::{MetricRows, is_cumulative};
use self::queue::Queue;
use self::scopes::Scopes;
use self::spans::LiveSpans;
use super::Live;
use crate::Telemetry;
use crate::config::Config;

/// What is said once to those who wonder why a mounted page answers 404.
const UNKNOWN_PEER: &str = "the live page answers 404 to everyone, as the server does not say who calls: serve with \
     into_make_service_with_connect_info::<SocketAddr>(), or set a token (TRACEWIRE_LIVE_TOKEN)";

/// The page of another telemetry of this process.
pub(crate) struct SharedPage {
    /// `None` if that telemetry has no page.
    recorder: Option<Recorder>,
    url: Option<String>,
}

impl SharedPage {
    pub(crate) fn of(telemetry: &Telemetry) -> Self {
        let live = telemetry.running().and_then(|running| running.live.as_ref());
        Self { recorder: live.map(|live| live.recorder.clone()), url: telemetry.live_url() }
    }
}

/// The page, and what brings telemetry to it. The port is free again once this is dropped.
pub(crate) struct LivePages {
    settings: Live,
    recorder: Recorder,
    queue: Arc<Queue>,
    scopes: Arc<Scopes>,
    /// `None` for the page of another telemetry, which shows that one's.
    metrics: Option<MetricRows>,
    server: Option<Server>,
}

impl LivePages {
    /// Makes the store and its thread. `None`, with a warning, if there can be no thread.
    pub(crate) fn start(settings: Live, resource: &Resource, exports: &Exports) -> Option<Self> {
        let recorder = match &settings.shared {
            Some(shared) => shared.recorder.clone()?,
            None => recorder(&settings, resource, exports),
        };
        let metrics = settings.shared.is_none().then(MetricRows::new);
        if let Some(rows) = metrics.clone() {
            recorder.set_metrics(move || rows.rows());
        }
        let queue = Arc::new(Queue::new(recorder.memory().queue));
        let scopes = Arc::new(Scopes::new(encode_resource(resource)));
        match thread::start(&queue, &recorder, &scopes) {
            Ok(()) => Some(Self { settings, recorder, queue, scopes, metrics, server: None }),
            Err(error) => {
                log::warn(&format!("there is no live page: no thread can be started: {error}"));
                None
            }
        }
    }

    /// Adds to what is decided what the page needs: metrics, and a processor of log records.
    pub(crate) fn prepare(&self, config: &mut Config) {
        if self.metrics.is_some() {
            config.metrics.get_or_insert_default();
        }
        if let Some(traces) = &config.traces {
            self.show_sampler(traces.sampler.clone());
        }
        #[cfg(feature = "logs")]
        {
            let logs = config.logs.get_or_insert_default();
            let records = log_records::LiveLogs::new(&self.queue, &self.recorder);
            logs.processors.push(Box::new(records));
        }
    }

    /// Adds the reader of an exporter. The page reads through the first one that sums up since the start,
    /// so that measurements are not aggregated twice.
    pub(crate) fn read_through(
        &self,
        provider: MeterProviderBuilder,
        reader: impl MetricReader,
    ) -> MeterProviderBuilder {
        match self.metrics.as_ref().filter(|rows| !rows.is_taken() && is_cumulative(&reader)) {
            Some(rows) => provider.with_reader(rows.through(reader)),
            None => provider.with_reader(reader),
        }
    }

    /// Adds a reader of the page's own, unless it reads through an exporter's.
    pub(crate) fn reader(&self, provider: MeterProviderBuilder) -> MeterProviderBuilder {
        match self.metrics.as_ref().filter(|rows| !rows.is_taken()) {
            Some(rows) => provider.with_reader(rows.clone()),
            None => provider,
        }
    }

    /// Shows on the page which sampler decides, even after it has been replaced.
    fn show_sampler(&self, sampler: Sampler) {
        if self.settings.shared.is_none() {
            self.recorder.set_sampler(move || {
                let shown = format!("{sampler:?}");
                let inner = shown.strip_prefix("Sampler(").and_then(|rest| rest.strip_suffix(')'));
                inner.unwrap_or(&shown).to_owned()
            });
        }
    }

    /// Adds the page to the processor of spans.
    pub(crate) fn spans(&self, processor: BatchSpanProcessor) -> BatchSpanProcessor {
        processor.sink(Arc::new(LiveSpans::new(&self.queue, &self.recorder, &self.scopes)))
    }

    /// Samples by `sampler`, and notes the names and paths of requests that begin.
    pub(crate) fn sampled_by(
        &self,
        provider: TracerProviderBuilder,
        sampler: impl ShouldSample + Clone + 'static,
    ) -> TracerProviderBuilder {
        provider.with_sampler(Entries::new(sampler))
    }

    /// Serves the page on a port of its own, if it is to have one. What cannot work is warned of.
    pub(crate) fn serve(&mut self, console: &ConsoleExporter) {
        if let Some(url) = self.settings.shared.as_ref().and_then(|shared| shared.url.as_ref()) {
            console.link_traces(format!("{url}trace/"));
        }
        let Some(listen) = &self.settings.listen else { return };
        let started = Listen::parse(listen).map_err(|_| {
            // The text may be anything, such as an address with credentials.
            format!(
                "it cannot listen at {}: expected true, false, a port or host:port",
                Shown::value(listen)
            )
        });
        let started = started.and_then(|listen| {
            let page = self.with_settings(self.recorder.own_page())?;
            let listen = listen.unwrap_or_default();
            Server::start(page, &listen).map_err(|error| error.to_string())
        });
        match started {
            Ok(server) => {
                let url = server.url();
                console.link_traces(format!("{url}trace/"));
                log::announce(&format!("the live page shows traces at {url}"));
                self.server = Some(server);
            }
            Err(error) => log::warn(&format!("there is no live page: {error}; see TRACEWIRE_LIVE")),
        }
    }

    fn page(&self) -> LivePage {
        let page = self.recorder.page().on_unknown_peer(|| {
            static SAID: OnceLock<()> = OnceLock::new();
            SAID.get_or_init(|| log::warn(UNKNOWN_PEER));
        });
        self.with_settings(page).unwrap_or_else(|error| {
            static SAID: OnceLock<()> = OnceLock::new();
            SAID.get_or_init(|| log::warn(&format!("there is no live page: {error}")));
            LivePage::off()
        })
    }

    fn with_settings(&self, mut page: LivePage) -> Result<LivePage, String> {
        if let Some(token) = &self.settings.token {
            page = page.token(token).map_err(|error| error.to_string())?;
        }
        Ok(self.settings.hosts.iter().fold(page, |page, host| page.allow_host(host)))
    }
}

/// The store of a page of its own.
fn recorder(settings: &Live, resource: &Resource, exports: &Exports) -> Recorder {
    let text = |key| {
        let value = resource.get(&Key::from_static_str(key));
        value.map_or_else(String::new, |value| value.as_str().into_owned())
    };
    let recorder = tracewire_live::Live::new()
        .memory_mib(usize::try_from(settings.memory_mib).unwrap_or(usize::MAX))
        .service(text("service.name"), text("service.version"))
        .build();
    let exports = exports.clone();
    recorder.set_telemetry(move || report::rows(&exports));
    recorder
}

impl fmt::Debug for LivePages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LivePages").field("server", &self.server).finish_non_exhaustive()
    }
}

/// With the cargo feature `live`.
impl Telemetry {
    /// The live page as a Tower service, to mount in a server of your own. It answers 404 to everything
    /// if the page is off: see [`Builder::live`](crate::Builder::live).
    ///
    /// Mount it after the tracing layer, so that its own requests are not traced. It answers callers on
    /// the same host, whose address the server has to tell: with the feature `axum`, serve with
    /// `into_make_service_with_connect_info::<SocketAddr>()`. Others need the
    /// [token](crate::Live::token). Who is refused gets 404.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), tracewire_init::InitError> {
    /// use tracewire_init::{Live, Telemetry};
    ///
    /// let telemetry = Telemetry::builder().live(Live::new().memory_mib(16)).init()?;
    /// let page = telemetry.live_page();
    /// // axum::Router::new().layer(ServerLayer::new()).nest_service("/live", page)
    /// # drop(page);
    /// # Ok(())
    /// # }
    /// ```
    pub fn live_page(&self) -> LivePage {
        let live = self.running().and_then(|running| running.live.as_ref());
        live.map_or_else(LivePage::off, LivePages::page)
    }

    /// The address of the live page on a port of its own, without its token; `None` if there is none.
    pub fn live_url(&self) -> Option<String> {
        Some(self.running()?.live.as_ref()?.server.as_ref()?.url())
    }
}
