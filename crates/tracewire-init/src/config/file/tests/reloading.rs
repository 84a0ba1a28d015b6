//! A file that changes while the process runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::InMemorySpanExporter;

use super::settings::Written;
use crate::builder::Component;
use crate::guard::Telemetry;
use crate::sampling::{Probability, ProbabilityError, Sampler};

fn with_sampler(sampler: &str) -> String {
    format!(
        "tracer_provider:\n  processors:\n    - batch: {{exporter: {{memory: }}}}\n  sampler: {sampler}\n"
    )
}

fn start(file: &Written) -> (Telemetry, InMemorySpanExporter) {
    let memory = InMemorySpanExporter::default();
    let exporter = memory.clone();
    let memory_of = Component::span_exporter("memory", move |_| Ok::<_, String>(exporter.clone()));
    let ours = Component::sampler("ours", |properties| {
        let ratio = properties["ratio"].as_f64().unwrap_or(1.0);
        Ok::<_, ProbabilityError>(Sampler::new(Probability::new(ratio)?))
    });
    let telemetry = file.builder(&[]).component(memory_of).component(ours).build().unwrap();
    (telemetry, memory)
}

/// Whether a span that starts now is kept.
fn keeps(telemetry: &Telemetry) -> bool {
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    tracer.start("span").span_context().is_sampled()
}

#[test]
fn a_new_sampler_holds_at_once() {
    let file = Written::new(&with_sampler("{always_off: }"));
    let (telemetry, _) = start(&file);
    assert!(!keeps(&telemetry));
    assert_eq!(telemetry.reload().unwrap(), Vec::<String>::new());
    file.write(&with_sampler("{ours: {ratio: 1}}"));
    let changes = telemetry.reload().unwrap();
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert!(changes[0].starts_with("OTEL_TRACES_SAMPLER: AlwaysOff → "), "{changes:?}");
    assert!(keeps(&telemetry));
    assert!(telemetry.plan().to_string().contains("Probability"), "{}", telemetry.plan());
    // Without a sampler, the default.
    file.write(&with_sampler("{always_off: }"));
    assert_eq!(telemetry.reload().unwrap().len(), 1);
    file.write("tracer_provider:\n  processors:\n    - batch: {exporter: {memory: }}\n");
    assert_eq!(telemetry.reload().unwrap().len(), 1);
    assert!(keeps(&telemetry));
}

#[test]
fn what_was_read_before_stays_whatever_is_wrong() {
    let good = with_sampler("{always_off: }") + "log_level: info\n";
    let file = Written::new(&good);
    let (telemetry, _) = start(&file);
    let plan = telemetry.plan().to_string();
    let huge = "# ".to_owned() + &"x".repeat(2 << 20);
    for (bad, why) in [
        ("disabled: maybe".to_owned(), "otel.yaml:2:11: disabled: "),
        (good[..good.len() / 2].to_owned(), "otel.yaml:"),
        (with_sampler("{always_on: }") + "disabled: true", "this needs a restart: disabled;"),
        (with_sampler("{always_on: }") + "resource: {schema_url: u}", "a restart: resource;"),
        (with_sampler("{ours: {ratio: 7}}"), "sampler.ours: it cannot be made: "),
        (
            with_sampler("{always_on: }").replace("batch", "simple") + "propagator: {}",
            "propagator, tracer_provider.processors; nothing was changed",
        ),
        (huge, "the file has more than 1 MiB"),
    ] {
        file.write(&bad);
        let error = telemetry.reload().unwrap_err();
        assert!(error.is_configuration() && error.to_string().contains(why), "{error}");
        assert!(!keeps(&telemetry));
        assert_eq!(telemetry.plan().to_string(), plan);
    }
    std::fs::remove_file(&file.path).unwrap();
    assert!(telemetry.reload().unwrap_err().to_string().contains("cannot be read"));
    std::fs::create_dir(&file.path).unwrap();
    assert!(telemetry.reload().unwrap_err().to_string().contains("this is no file"));
    std::fs::remove_dir(&file.path).unwrap();
    file.write(&with_sampler("{always_on: }"));
    assert_eq!(telemetry.reload().unwrap().len(), 1);
    assert!(keeps(&telemetry));
}

#[test]
fn what_code_says_is_not_changed_by_the_file() {
    let file = Written::new(&with_sampler("{always_on: }"));
    let memory =
        Component::span_exporter("memory", |_| Ok::<_, String>(InMemorySpanExporter::default()));
    let off = opentelemetry_sdk::trace::Sampler::AlwaysOff;
    let traces = crate::Traces::new().sampler(off);
    let telemetry = file.builder(&[]).component(memory).traces(traces).build().unwrap();
    file.write(&with_sampler("{trace_id_ratio_based: }"));
    assert_eq!(telemetry.reload().unwrap(), Vec::<String>::new());
    assert!(!keeps(&telemetry));
}

#[test]
fn without_a_file_there_is_nothing_to_read_again() {
    let telemetry = Telemetry::builder().traces([]).metrics([]).logs([]).build().unwrap();
    let error = telemetry.reload().unwrap_err();
    assert!(error.to_string().contains("OTEL_CONFIG_FILE"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_file_that_is_watched_is_read_when_its_link_moves() {
    let watched = "distribution: {tracewire: {reload: true}}\n";
    let old = Written::new(&(with_sampler("{always_off: }") + watched));
    let new = Written::new(&(with_sampler("{always_on: }") + watched));
    // As Kubernetes mounts a ConfigMap: the file is a link through a link to a folder.
    let folder = Written::new("");
    let root = folder.path.parent().unwrap();
    let data = root.join("..data");
    std::os::unix::fs::symlink(old.path.parent().unwrap(), &data).unwrap();
    let mounted = root.join("mounted.yaml");
    std::os::unix::fs::symlink("..data/otel.yaml", &mounted).unwrap();

    let mut file = Written::new("");
    let _ = std::mem::replace(&mut file.path, mounted);
    let (telemetry, _) = start(&file);
    let reloader = telemetry.running().unwrap().reloader.clone().unwrap();
    reloader.watch_every(Duration::from_millis(1));
    assert!(!keeps(&telemetry));
    let next = root.join("..data_tmp");
    std::os::unix::fs::symlink(new.path.parent().unwrap(), &next).unwrap();
    std::fs::rename(next, data).unwrap();
    wait_until(|| keeps(&telemetry));
    assert_eq!(reloader.counts()[0], ("changed", 1));
    // A broken one is read once and changes nothing.
    new.write("disabled: maybe");
    wait_until(|| reloader.counts()[2] == ("failed", 1));
    assert!(keeps(&telemetry));
    telemetry.shutdown();
}

fn wait_until(holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "it never holds");
        std::thread::yield_now();
    }
}

#[test]
fn no_span_is_lost_or_half_decided_while_samplers_change() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 100;
    const SPANS: usize = 50;
    let trees = ["{ours: {ratio: 1}}", "{composite/development: {probability: {ratio: 0.5}}}"];
    let file = Written::new(&with_sampler(trees[0]));
    let (telemetry, _memory) = start(&file);
    let provider = telemetry.tracer_provider().unwrap().clone();
    let reloads = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (provider, reloads) = (provider.clone(), Arc::clone(&reloads));
            std::thread::spawn(move || {
                let (tracer, mut kept) = (provider.tracer("test"), 0);
                for round in 0..ROUNDS {
                    wait_until(|| reloads.load(Ordering::Relaxed) >= round);
                    for _ in 0..SPANS {
                        let mut span = tracer.start("span");
                        let state = span.span_context().trace_state().header();
                        let is_kept = span.span_context().is_sampled();
                        // Of exactly one of the two trees.
                        let expected: &[&str] =
                            if is_kept { &["ot=th:0", "ot=th:8"] } else { &[""] };
                        assert!(expected.contains(&&*state), "{is_kept} {state}");
                        kept += u64::from(is_kept);
                        span.end();
                    }
                }
                kept
            })
        })
        .collect();
    while !threads.iter().all(std::thread::JoinHandle::is_finished) {
        let number = reloads.fetch_add(1, Ordering::Relaxed);
        if number % 10 == 9 {
            file.write("disabled: maybe");
            assert!(telemetry.reload().is_err());
        } else {
            file.write(&with_sampler(trees[(number + 1) % 2]));
            telemetry.reload().unwrap();
        }
    }
    let kept: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    let report = telemetry.shutdown_timeout(Duration::from_secs(60));
    assert!(report.is_complete(), "{report}");
    let exported: u64 = report.signals().iter().map(|signal| signal.exported()).sum();
    assert_eq!(exported, kept, "{report}");
}

#[test]
fn a_default_of_code_holds_again_when_the_file_names_no_sampler() {
    let none = "tracer_provider:\n  processors:\n    - batch: {exporter: {memory: }}\n";
    let off = opentelemetry_sdk::trace::Sampler::AlwaysOff;
    let file = Written::new(none);
    let memory =
        Component::span_exporter("memory", |_| Ok::<_, String>(InMemorySpanExporter::default()));
    let builder = file.builder(&[]).component(memory);
    let builder = builder.defaults(|defaults| defaults.traces(crate::Traces::new().sampler(off)));
    let telemetry = builder.build().unwrap();
    for _ in 0..2 {
        assert!(!keeps(&telemetry));
        file.write(&with_sampler("{always_on: }"));
        assert_eq!(telemetry.reload().unwrap().len(), 1);
        assert!(keeps(&telemetry));
        file.write(none);
        assert_eq!(telemetry.reload().unwrap().len(), 1);
    }
    assert!(!keeps(&telemetry));
}

#[test]
fn reloads_at_once_come_one_after_the_other() {
    let file = Written::new(&with_sampler("{always_off: }"));
    let (telemetry, _) = start(&file);
    let next = file.path.with_extension("next");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (telemetry, file, next) =
                (&telemetry, &file, next.with_extension(thread.to_string()));
            scope.spawn(move || {
                for round in 0..25 {
                    // Replaced at once, so that none of them reads half a file.
                    let sampler = if round % 2 == 0 { "{always_on: }" } else { "{always_off: }" };
                    let text = format!("file_format: '1.1'\n{}", with_sampler(sampler));
                    std::fs::write(&next, text).unwrap();
                    std::fs::rename(&next, &file.path).unwrap();
                    telemetry.reload().unwrap();
                    let _ = keeps(telemetry);
                }
            });
        }
    });
    file.write(&with_sampler("{always_on: }"));
    telemetry.reload().unwrap();
    assert!(keeps(&telemetry));
    let counts = telemetry.running().unwrap().reloader.clone().unwrap().counts();
    assert_eq!(counts.iter().map(|(_, count)| count).sum::<u64>(), 101, "{counts:?}");
    assert_eq!(counts[2].1, 0, "{counts:?}");
}

#[test]
fn rules_that_change_are_said_from_what_to_what() {
    let rules = |text: &str| with_sampler(&format!("{{rules: {{rules: '{text}'}}}}"));
    let file = Written::new(&rules("GET /a: off; 0.5"));
    let (telemetry, _) = start(&file);
    file.write(&rules("GET /a: off; 0.25"));
    let changes = telemetry.reload().unwrap();
    let line = "OTEL_TRACES_SAMPLER: rules \"GET /a: off; 0.5\" → rules \"GET /a: off; 0.25\"";
    assert_eq!(changes, [line]);
    // What is the same as far as a plan shows it is a change nevertheless.
    let long = |end: &str| rules(&("/same: off; ".repeat(30) + end));
    file.write(&long("on"));
    telemetry.reload().unwrap();
    file.write(&long("off"));
    assert_eq!(telemetry.reload().unwrap(), ["OTEL_TRACES_SAMPLER: changed"]);
    assert!(!keeps(&telemetry));
}

/// Telemetry whose file names a sampler of the program, which asks for a reload while it is made.
fn asks_for_a_reload(ask: fn(&Arc<Telemetry>) -> Option<String>) -> Option<String> {
    let file = Written::new(&with_sampler("{always_off: }"));
    let telemetry: Arc<std::sync::OnceLock<Arc<Telemetry>>> = Arc::default();
    let (shared, answer) = (Arc::clone(&telemetry), Arc::new(std::sync::Mutex::new(None)));
    let answered = Arc::clone(&answer);
    let asking = Component::sampler("asking", move |_| {
        *answered.lock().unwrap() =
            ask(shared.get().expect("it is set before the file is read again"));
        Ok::<_, String>(opentelemetry_sdk::trace::Sampler::AlwaysOn)
    });
    let memory =
        Component::span_exporter("memory", |_| Ok::<_, String>(InMemorySpanExporter::default()));
    let built = file.builder(&[]).component(memory).component(asking).build().unwrap();
    let built = telemetry.get_or_init(|| Arc::new(built));
    file.write(&with_sampler("{asking: }"));
    assert_eq!(built.reload().unwrap().len(), 1);
    assert!(keeps(built));
    // And later it can be read again.
    assert_eq!(built.reload().unwrap(), Vec::<String>::new());
    answer.lock().unwrap().take()
}

#[test]
fn a_reload_within_a_reload_is_refused_at_once() {
    let answer = asks_for_a_reload(|telemetry| Some(telemetry.reload().unwrap_err().to_string()));
    let answer = answer.unwrap();
    assert!(answer.contains("otel.yaml: a function that is called while"), "{answer}");
    assert!(answer.ends_with("nothing was changed"), "{answer}");
}

#[test]
fn a_component_may_let_another_thread_read_the_file_later() {
    let answer = asks_for_a_reload(|telemetry| {
        let telemetry = Arc::clone(telemetry);
        // It waits until this reload is over, and nobody waits for it here.
        std::thread::spawn(move || telemetry.reload().unwrap());
        None
    });
    assert_eq!(answer, None);
}

#[test]
fn a_component_that_replaces_the_sampler_itself_hinders_nothing() {
    let answer = asks_for_a_reload(|telemetry| {
        telemetry.replace_sampler(Sampler::wrap(opentelemetry_sdk::trace::Sampler::AlwaysOff));
        Some(telemetry.plan().to_string())
    });
    assert!(answer.unwrap().contains("OTEL_TRACES_SAMPLER = AlwaysOff"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_read_is_tried_again_and_counted_once() {
    let watched = "distribution: {tracewire: {reload: true}}\n";
    let file = Written::new(&(with_sampler("{always_off: }") + watched));
    let (telemetry, _) = start(&file);
    let reloader = telemetry.running().unwrap().reloader.clone().unwrap();
    let link = file.path.with_extension("link");
    // A file by its looks, of which the system gives nothing.
    std::os::unix::fs::symlink("/proc/self/mem", &link).unwrap();
    std::fs::rename(&link, &file.path).unwrap();
    reloader.watch_every(Duration::from_millis(1));
    wait_until(|| reloader.counts()[2].1 == 1);
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(reloader.counts(), [("changed", 0), ("unchanged", 0), ("failed", 1)]);
    std::fs::remove_file(&file.path).unwrap();
    file.write(&(with_sampler("{always_on: }") + watched));
    wait_until(|| keeps(&telemetry));
    telemetry.shutdown();
}

#[test]
fn a_file_that_is_read_after_the_end_changes_nothing_of_the_process() {
    let file = Written::new(&with_sampler("{always_off: }"));
    let (telemetry, _) = start(&file);
    let reloader = telemetry.running().unwrap().reloader.clone().unwrap();
    telemetry.running().unwrap().layers.claim();
    let before = tracewire_propagation::http_settings();
    telemetry.shutdown();
    let excluded = "distribution: {tracewire: {excluded_paths: [/after-the-end]}}\n";
    file.write(&(with_sampler("{always_on: }") + excluded));
    assert_eq!(reloader.reload().unwrap().len(), 2);
    assert_eq!(tracewire_propagation::http_settings(), before);
}

#[cfg(unix)]
#[test]
fn a_file_that_becomes_something_else_is_not_used_and_not_waited_for() {
    use std::os::unix::fs::symlink;
    let file = Written::new(&with_sampler("{always_off: }"));
    let (telemetry, _) = start(&file);
    let path = &file.path;
    let error = || {
        let error = telemetry.reload().unwrap_err().to_string();
        assert!(!keeps(&telemetry));
        std::fs::remove_file(path).unwrap();
        error
    };
    // A disk that was full when the file was written.
    std::fs::write(path, "").unwrap();
    assert!(error().contains("the file is empty"));
    let made = std::process::Command::new("mkfifo").arg(path).status();
    if made.is_ok_and(|status| status.success()) {
        assert!(error().contains("this is no file"));
    }
    for (target, why) in [
        ("otel.yaml", "cannot be read"), // to itself
        ("nowhere.yaml", "cannot be read"),
        ("/dev/zero", "this is no file"),
        ("/dev/null", "this is no file"),
        ("/proc/self/mem", ""),
    ] {
        symlink(target, path).unwrap();
        let error = error();
        assert!(error.contains(why), "{target}: {error}");
    }
    file.write(&with_sampler("{always_on: }"));
    assert_eq!(telemetry.reload().unwrap().len(), 1);
    assert!(keeps(&telemetry));
}

#[test]
fn a_sampler_that_panics_drops_spans_and_can_be_replaced() {
    #[derive(Debug)]
    struct Broken;
    impl tracewire_sampling::Composable for Broken {
        fn intent<'a>(
            &'a self,
            _: &tracewire_sampling::SamplingParameters<'a>,
        ) -> tracewire_sampling::Intent<'a> {
            panic!("a sampler of the program")
        }
    }
    let file = Written::new(&with_sampler("{composite/development: {broken: }}"));
    let memory =
        Component::span_exporter("memory", |_| Ok::<_, String>(InMemorySpanExporter::default()));
    let broken = Component::composable_sampler("broken", |_| Ok::<_, String>(Broken));
    let telemetry = file.builder(&[]).component(memory).component(broken).build().unwrap();
    assert!(!keeps(&telemetry));
    file.write(&with_sampler("{always_on: }"));
    telemetry.reload().unwrap();
    assert!(keeps(&telemetry));
}
