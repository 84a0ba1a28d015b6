//! A file that is read again while the process runs: everything that changed, or nothing.

mod counts;
#[cfg(all(test, shuttle))]
mod model;
mod restart;
mod turns;

use std::cell::RefCell;
use std::error::Error as _;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use tracewire_export::ConsoleExporter;
use tracewire_export::ConsoleFormat;
use tracewire_export::wiring::log::{self, Level};
use tracewire_propagation::set_http_settings;
use tracewire_sampling::Sampler;

use self::counts::Counts;
use self::restart::refuse_restart;
pub(crate) use self::turns::Busy;
use self::turns::{Turn, Turns};
use super::layer::{self, Mapper};
use super::load::{Source, read, refuse};
use super::schema::{Configuration, Severity};
use super::watch::{Stat, Watch};
use super::{ConfigFile, ConfigFileError};
use crate::config::http::shown;
use crate::config::sampling::{self, SamplerChoice};
use crate::error::InitError;
use crate::layers::Layers;
use crate::plan::{FilePlace, Origin, Plan};
use crate::settings::Setting;
use crate::sync::{Condvar, Mutex, MutexGuard, step, thread};
use crate::variables::sampler::SAMPLER;

/// How often a file that is watched is looked at. A change counts once two looks saw it.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long a reload waits for one that is under way.
const PATIENCE: Duration = Duration::from_secs(30);

/// What can change without a restart, and what code says about it.
#[derive(Default)]
pub(crate) struct Adjustable {
    /// `None` if telemetry is disabled.
    pub(crate) sampler: Option<Sampler>,
    pub(crate) console: Option<ConsoleExporter>,
    pub(crate) in_code: InCode,
    pub(crate) resource: Option<Resource>,
    pub(crate) layers: Layers,
}

/// What code has set, so that the file does not count.
#[derive(Clone, Debug, Default)]
pub(crate) struct InCode {
    pub(crate) sampler: bool,
    pub(crate) level: bool,
    pub(crate) console: bool,
    /// The sampler that holds where the file has none.
    pub(crate) default_sampler: Setting<SamplerChoice>,
}

/// Reads the file again, when it is asked to and, if the file says so, when it changes.
///
/// No request waits for it: what it changes are pointers and flags that are read without a lock.
#[derive(Clone)]
pub(crate) struct Reloader(Arc<Shared>);

struct Shared {
    state: Turns<State>,
    adjustable: Adjustable,
    plan: Arc<std::sync::Mutex<Plan>>,
    /// The file's name, for messages.
    name: String,
    counts: Counts,
    ended: Mutex<bool>,
    end: Condvar,
}

struct State {
    source: Source,
    watch: Watch,
    /// What was warned of last, while the file cannot be read.
    said: Option<String>,
}

impl Reloader {
    pub(crate) fn new(
        source: Source,
        adjustable: Adjustable,
        plan: Arc<std::sync::Mutex<Plan>>,
    ) -> Self {
        let (watch, name) = (Watch::new(source.stat), source.name.clone());
        Self(Arc::new(Shared {
            state: Turns::new(State { source, watch, said: None }),
            adjustable,
            plan,
            name,
            counts: Counts::default(),
            ended: Mutex::new(false),
            end: Condvar::new(),
        }))
    }

    /// Begins to watch the file if it says so. Without a thread it is not watched, which is warned of.
    pub(crate) fn watch(&self) {
        if self.0.turn().is_ok_and(|state| state.source.is_watched()) {
            self.watch_every(INTERVAL);
        }
    }

    pub(super) fn watch_every(&self, interval: Duration) {
        let shared = Arc::clone(&self.0);
        let name = "tracewire-config".to_owned();
        let watch = move || {
            while !shared.has_ended_within(interval) {
                // A panic is one look, and not the end of the watch.
                let _ = catch_unwind(AssertUnwindSafe(|| shared.look()));
            }
        };
        if let Err(error) = thread::Builder::new().name(name).spawn(watch) {
            log::warn(&format!("the configuration file is not watched: no thread: {error}"));
        }
    }

    /// Reads the file now, and applies what changed.
    ///
    /// # Errors
    ///
    /// The file has problems, or says something new that needs a restart, or it is being read for too long
    /// already. Nothing is changed then.
    pub(crate) fn reload(&self) -> Result<Vec<String>, InitError> {
        let mut state = self.0.turn()?;
        state.watch = Watch::new(Stat::of(&state.source.path));
        let outcome = self.0.read_again(&mut state);
        self.0.counts.add(&outcome);
        outcome
    }

    pub(crate) fn counts(&self) -> [(&'static str, u64); 3] {
        self.0.counts.by_outcome()
    }

    /// Ends the watch. A file that is being read does not delay it, and does not change the level of the log
    /// any more.
    pub(crate) fn end(&self) {
        *lock(&self.0.ended) = true;
        self.0.end.notify_all();
    }
}

impl Shared {
    /// The state, once no other thread has it.
    fn turn(&self) -> Result<Turn<'_, State>, InitError> {
        self.state.take(PATIENCE).map_err(|busy| InitError::reload_under_way(&self.name, busy))
    }

    fn has_ended_within(&self, interval: Duration) -> bool {
        let ended = lock(&self.ended);
        let waited = self.end.wait_timeout_while(ended, interval, |ended| !*ended);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Looks whether the file changed, reads it if so, and says what came of it.
    fn look(&self) {
        // While it is read already, the next look is soon enough.
        let Some(mut state) = self.state.try_take() else { return };
        let now = Stat::of(&state.source.path);
        if !state.watch.poll(now) {
            return;
        }
        let outcome = self.read_again(&mut state);
        let unread = outcome.as_ref().err().filter(|error| is_unreadable(error)).map(unused);
        if unread.is_some() && state.said == unread {
            return;
        }
        state.said = unread;
        self.counts.add(&outcome);
        match outcome {
            Ok(changes) if changes.is_empty() => {}
            Ok(changes) => {
                log::info(&format!("{} was read again: {}", self.name, changes.join("; ")))
            }
            Err(error) => log::warn(&unused(&error)),
        }
    }

    fn read_again(&self, state: &mut State) -> Result<Vec<String>, InitError> {
        let outcome = self.apply(&mut state.source);
        if outcome.as_ref().is_err_and(is_unreadable) {
            state.watch.retry();
        }
        outcome
    }

    fn apply(&self, source: &mut Source) -> Result<Vec<String>, InitError> {
        let ConfigFile { configuration: new, warnings } = source.read()?;
        refuse_restart(&self.name, &source.configuration, &new)?;
        let mut plan = Plan::default();
        let sampler = self.new_sampler(source, &new, &mut plan)?;
        // Nothing below can fail.
        let mut changes = Vec::new();
        let has_new_sampler = sampler.is_some();
        if let (Some(sampler), Some(current)) = (sampler, &self.adjustable.sampler) {
            self.adjustable.layers.replace_sampler(current, sampler);
        }
        self.set_level(&source.configuration, &new, &mut plan);
        self.set_console(&source.configuration, &new, &mut plan);
        self.set_http(&source.configuration, &new, &mut plan);
        let mut current = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        for decision in plan.decisions() {
            changes.extend(current.replace(decision));
        }
        drop(current);
        if has_new_sampler && !changes.iter().any(|change| change.starts_with(SAMPLER)) {
            // Long rules, and what the program brings, may look the same as before.
            changes.push(format!("{SAMPLER}: changed"));
        }
        warnings.iter().map(String::as_str).chain(plan.warnings()).for_each(log::warn);
        source.configuration = new;
        Ok(changes)
    }

    /// The sampler, if the file says something new about it and code nothing.
    fn new_sampler(
        &self,
        source: &Source,
        new: &Configuration,
        plan: &mut Plan,
    ) -> Result<Option<Sampler>, InitError> {
        let Adjustable { sampler: Some(_), in_code, resource: Some(resource), .. } =
            &self.adjustable
        else {
            return Ok(None);
        };
        let sampler_of = |configuration: &Configuration| {
            configuration.tracer_provider.as_ref().and_then(|traces| traces.sampler.clone())
        };
        if in_code.sampler || sampler_of(new) == sampler_of(&source.configuration) {
            return Ok(None);
        }
        let variables = |name: &str| source.env.value(name);
        let mapper = Mapper {
            file: &self.name,
            components: &source.components,
            variables: &variables,
            service: source.service.clone(),
            problems: RefCell::default(),
        };
        let choice = new
            .tracer_provider
            .as_ref()
            .and_then(|traces| layer::sampler::choice(traces.sampler.as_ref()?, traces, &mapper));
        refuse(&source.set_by, &self.name, mapper.problems)?;
        let choice = choice.or_else(|| in_code.default_sampler.clone());
        sampling::sampler(choice, resource, plan).map(Some)
    }

    fn origin(&self) -> Origin {
        let place = FilePlace { line: self.name.clone(), node: self.name.clone() };
        Origin::File(Arc::new(place))
    }

    fn set_level(&self, old: &Configuration, new: &Configuration, plan: &mut Plan) {
        let level = |configuration: &Configuration| {
            configuration.log_level.as_ref().map_or(Level::Info, |level| Severity::level(**level))
        };
        if self.adjustable.in_code.level || level(old) == level(new) {
            return;
        }
        // The level is the process's, which may have other telemetry after the end: so the end waits.
        let ended = lock(&self.ended);
        if !*ended {
            step();
            log::set_level(level(new));
            plan.decide("OTEL_LOG_LEVEL", format!("{:?}", level(new)), self.origin());
        }
    }

    fn set_console(&self, old: &Configuration, new: &Configuration, plan: &mut Plan) {
        let format = |configuration: &Configuration| {
            let ours = configuration.tracewire.as_ref();
            ours.and_then(|ours| ours.console.as_deref().copied()).unwrap_or(ConsoleFormat::Tree)
        };
        if self.adjustable.in_code.console || format(old) == format(new) {
            return;
        }
        if let Some(console) = &self.adjustable.console {
            console.set_format(format(new));
            plan.decide("TRACEWIRE_CONSOLE", format!("{:?}", format(new)), self.origin());
        }
    }

    fn set_http(&self, old: &Configuration, new: &Configuration, plan: &mut Plan) {
        let (old, settings) = (layer::http(old), layer::http(new));
        if settings == old {
            return;
        }
        for ((setting, value), (_, before)) in shown(&settings).into_iter().zip(shown(&old)) {
            if value != before {
                plan.decide(setting, value, self.origin());
            }
        }
        self.adjustable.layers.tell(|| set_http_settings(Some(settings)));
    }
}

impl Source {
    /// Whether the file wants to be read again when it changes.
    fn is_watched(&self) -> bool {
        let ours = self.configuration.tracewire.as_ref();
        ours.and_then(|ours| ours.reload.as_deref().copied()).unwrap_or(false)
    }

    fn read(&self) -> Result<ConfigFile, InitError> {
        let variables = |name: &str| self.env.value(name);
        read(&self.set_by, &self.path, &self.name, &self.components, &variables)
    }
}

/// Whether the system did not give the file.
fn is_unreadable(error: &InitError) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<ConfigFileError>());
    source.is_some_and(ConfigFileError::is_unreadable)
}

/// What is said of a watched file that cannot be used: one line, however many problems there are.
fn unused(error: &InitError) -> String {
    let problems = error.to_string();
    let mut lines = problems.lines();
    let first = lines.next().unwrap_or_default();
    let more = match lines.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    format!(
        "the configuration file changed and is not used; what was read before still holds: \
         {first}{more}"
    )
}

/// What a panic left behind is whole: nothing is changed in between.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloader").field("counts", &self.0.counts).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file::ConfigFile;

    #[test]
    fn an_unused_file_is_said_in_one_line_with_the_first_of_its_problems() {
        const BEGIN: &str = "the configuration file changed and is not used; what was read before \
                             still holds: otel.yaml:2:11: disabled: ";
        for (text, end) in [
            ("disabled: maybe\n", ""),
            ("disabled: maybe\nlog_level: loud\npropagator: 1\n", " (and 2 more)"),
        ] {
            let text = format!("file_format: '1.1'\n{text}");
            let error = ConfigFile::parse("otel.yaml", text.as_bytes(), |_| None).unwrap_err();
            let line = unused(&InitError::configuration_file("OTEL_CONFIG_FILE", error));
            assert!(line.starts_with(BEGIN), "{line}");
            assert!(line.ends_with(end) && line.ends_with(')') != end.is_empty(), "{line}");
            assert_eq!(line.lines().count(), 1, "{line}");
        }
    }
}
