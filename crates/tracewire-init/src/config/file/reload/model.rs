//! Models of a file that is read again while a sampler is replaced in code, from several threads at once, and
//! while telemetry ends. shuttle runs them in many random orders.
//!
//! No wait ever times out in them: a watch that is not told of the end, and a reload that is not told that the
//! one before it is over, are deadlocks, which shuttle reports.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};
use tracewire_propagation::{describe_unsampled, drop_unsampled, http_settings, moves_trace_state};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer as Listen, SubscriberExt};

use super::super::load::load;
use super::*;
use crate::builder::Component;
use crate::guard::detach;
use crate::layers::{set_only_our_processors, tell_sampler};
use crate::sampling::Probability;
use crate::settings::{Given, Layer};
use crate::variables::Env;

/// What the process has is one for all models.
static PROCESS: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// How many orders of each model are tried, unless `MODEL_ORDERS` says otherwise. Two files are read in each.
fn check(model: fn(&Files)) {
    let _process = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
    set_only_our_processors(true);
    let orders = option_env!("MODEL_ORDERS").map_or(1_000, |orders| orders.parse().unwrap());
    let files = Arc::new(Files::new());
    try_orders(RandomScheduler::new(orders), files.clone(), model);
    try_orders(PctScheduler::new(3, orders), files, model);
    log::set_level(Level::Info);
}

fn try_orders(scheduler: impl Scheduler + 'static, files: Arc<Files>, model: fn(&Files)) {
    let mut config = Config::new();
    config.stack_size = 1 << 20; // a file is read on it
    Runner::new(scheduler, config).run(move || {
        log::set_level(Level::Warn);
        set_http_settings(None);
        model(&files);
    });
}

/// The folder of the files.
struct Files(PathBuf);

/// Its sampler decides about everything itself.
const BEFORE: &str = "sampler: {composite/development: {probability: {ratio: 0.5}}}";
/// This one follows the parent. Nothing is said any more, and one path is excluded.
const AFTER: &str = "sampler: {composite/development: {parent_threshold: {root: {probability: }}}}
log_level: fatal
distribution: {tracewire: {excluded_paths: [/healthz]}}";
/// A sampler of the program.
const OURS: &str = "sampler: {ours: }";

impl Files {
    fn new() -> Self {
        let name = format!("tracewire-reload-model-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in [("before", BEFORE), ("after", AFTER), ("ours", OURS)] {
            let traces = "tracer_provider:\n  processors: [{batch: {exporter: {console: }}}]\n  ";
            let text = format!("file_format: '1.1'\n{traces}{text}\n");
            fs::write(folder.join(name).with_extension("yaml"), text).unwrap();
        }
        Self(folder)
    }

    /// What read the first file, and finds another one in its place.
    fn reloader(&self, found: &str, telemetry: &Process, components: Vec<Component>) -> Reloader {
        let chosen = Given { value: self.0.join("before.yaml"), origin: Origin::Code };
        let mut plan = Plan::default();
        let mut code = Layer { components, ..Layer::default() };
        let loaded = load(&chosen, &Env::of(&[]), &mut code, &mut plan).unwrap();
        let mut source = loaded.source;
        source.path = self.0.join(found);
        let adjustable = Adjustable {
            sampler: Some(telemetry.sampler.clone()),
            resource: Some(Resource::builder_empty().build()),
            layers: telemetry.layers.clone(),
            ..Adjustable::default()
        };
        Reloader::new(source, adjustable, Arc::new(std::sync::Mutex::new(plan)))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The telemetry that the process's layers go by.
#[derive(Clone)]
struct Process {
    sampler: Sampler,
    layers: Layers,
}

impl Process {
    fn new() -> Self {
        let (sampler, layers) = (Sampler::new(half()), Layers::default());
        tell_sampler(Some(&sampler));
        layers.claim();
        Self { sampler, layers }
    }

    fn replace_sampler(&self, new: Sampler) {
        self.layers.replace_sampler(&self.sampler, new);
    }

    /// What its sampler does, as far as layers need to know.
    fn does(&self) -> [bool; 3] {
        let Self { sampler, .. } = self;
        let described = sampler.needs_unsampled_described();
        [sampler.drops_unsampled(), described, sampler.keeps_trace_state()]
    }
}

/// What layers were told last.
fn told() -> [bool; 3] {
    [drop_unsampled(), describe_unsampled(), moves_trace_state()]
}

fn half() -> Probability {
    Probability::new(0.5).unwrap()
}

/// Lets others run on, more or less: what follows comes at any moment of a reload.
fn wait_a_moment() {
    (0..thread_rng().gen_range(0..30)).for_each(|_| thread::yield_now());
}

/// Whether a warning would be seen.
fn are_warnings_said() -> bool {
    struct Hears(Arc<AtomicBool>);

    impl<S: Subscriber> Listen<S> for Hears {
        fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    let heard = Arc::new(AtomicBool::new(false));
    let subscriber = tracing_subscriber::registry().with(Hears(heard.clone()));
    tracing::subscriber::with_default(subscriber, || log::warn("of a model"));
    heard.load(Ordering::Relaxed)
}

/// A file is read again while two threads replace the sampler, each by one that layers must treat otherwise:
/// what layers know in the end is about the sampler that decides in the end.
#[test]
fn layers_know_the_sampler_that_decides() {
    check(|files| {
        let telemetry = Process::new();
        let reloader = files.reloader("after.yaml", &telemetry, Vec::new());
        let reloads = thread::spawn(move || assert!(!reloader.reload().unwrap().is_empty()));
        let theirs = telemetry.clone();
        let replaces = thread::spawn(move || theirs.replace_sampler(Sampler::new(half())));
        let always_on = opentelemetry_sdk::trace::Sampler::AlwaysOn;
        telemetry.replace_sampler(Sampler::parent_based(always_on));
        reloads.join().unwrap();
        replaces.join().unwrap();
        assert_eq!(told(), telemetry.does());
    });
}

/// Two threads read the file again at once, while the watch looks at it: one of them changes what the file
/// changes, and the others find nothing new. None waits for ever.
#[test]
fn a_file_that_several_threads_read_again_changes_things_once() {
    check(|files| {
        let telemetry = Process::new();
        let reloader = files.reloader("after.yaml", &telemetry, Vec::new());
        let threads = [(); 2].map(|()| {
            let reloader = reloader.clone();
            thread::spawn(move || reloader.reload().unwrap().len())
        });
        // A change counts once two looks saw it.
        (0..2).for_each(|_| reloader.0.look());
        let changes = threads.map(|thread| thread.join().unwrap());
        let [changed, unchanged, failed] = reloader.counts().map(|(_, count)| count);
        assert_eq!((changed, failed), (1, 0));
        // The watch does not read what a reload has read.
        let by_watch = changes == [0, 0];
        assert_eq!(unchanged, 1 + u64::from(by_watch), "{changes:?}");
        // It follows the parent now.
        assert_eq!((told(), telemetry.does()), ([true, false, false], [true, false, false]));
    });
}

/// A sampler of the program, made while the file is read again, asks for the same, and so does another thread:
/// the first gets an error, the other one its turn.
#[test]
fn a_reload_that_a_reload_asks_for_is_refused() {
    check(|files| {
        let telemetry = Process::new();
        let slot = Arc::new(std::sync::Mutex::new(None::<Reloader>));
        let refusals = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (own, refused) = (slot.clone(), refusals.clone());
        let component = Component::sampler("ours", move |_| {
            let reloader = own.lock().unwrap().clone();
            if let Some(reloader) = reloader {
                let refusal = reloader.reload().unwrap_err().to_string();
                refused.lock().unwrap().push(refusal);
            }
            Ok::<_, String>(Sampler::new(half()))
        });
        let reloader = files.reloader("ours.yaml", &telemetry, vec![component]);
        *slot.lock().unwrap() = Some(reloader.clone());
        let other = reloader.clone();
        let thread = thread::spawn(move || other.reload().unwrap().len());
        let own = reloader.reload().unwrap().len();
        let mut changes = [own, thread.join().unwrap()];
        changes.sort_unstable();
        assert_eq!(changes, [0, 1]);
        let refusals = refusals.lock().unwrap();
        assert!(matches!(&refusals[..], [one] if one.contains("ask for the same")), "{refusals:?}");
        // It has itself.
        *slot.lock().unwrap() = None;
    });
}

/// Telemetry ends while its file is read, by a call and by the watch, and another one begins: the watch ends,
/// and what the process has by then stays as it is.
#[test]
fn a_file_that_is_read_while_telemetry_ends_changes_nothing_afterwards() {
    check(|files| {
        let telemetry = Process::new();
        let reloader = files.reloader("after.yaml", &telemetry, Vec::new());
        let (reloads, watches) = (reloader.clone(), reloader.clone());
        let reload = thread::spawn(move || drop(reloads.reload().unwrap()));
        let watch = thread::spawn(move || {
            (0..2).for_each(|_| watches.0.look());
            while !watches.0.has_ended_within(INTERVAL) {}
        });
        wait_a_moment();
        detach(&telemetry.layers, Some(&reloader), true);
        // As the next one does.
        log::set_level(Level::Warn);
        tell_sampler(None);
        reload.join().unwrap();
        watch.join().unwrap();
        assert_eq!(http_settings(), None);
        assert_eq!(told(), [false; 3]);
        assert!(are_warnings_said());
    });
}
