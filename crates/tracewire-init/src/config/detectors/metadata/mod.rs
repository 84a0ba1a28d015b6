//! Facts that only a cloud's metadata server knows. It is asked over the network, for a bounded time.

mod aws;
mod azure;
mod google_cloud;
mod server;

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use tracewire_export::wiring::{MetadataAnswer, quietly};

use self::server::Server;
use super::variables::Variables;
use super::{Answers, Detector, replace};

/// How much longer a thread waits than anybody for it.
const GRACE: Duration = Duration::from_millis(50);

/// What the thread of a detector says.
enum Said {
    Fact(KeyValue),
    /// It has asked all it wanted, or says why it stopped.
    Done(Result<(), String>),
}

/// Asks the metadata servers of these detectors at once, and waits for `timeout` at most.
///
/// A thread that still waits for a server then ends soon after, unless the system's lookup of a name holds it
/// up; nothing waits for it.
pub(super) fn ask(detectors: &[Detector], variables: &Variables, timeout: Duration) -> Answers {
    let until = Instant::now() + timeout;
    let (sender, receiver) = mpsc::channel();
    let mut waiting = Vec::new();
    let mut answers = Answers::default();
    for detector in detectors.iter().copied().filter(|detector| detector.uses_network()) {
        // A little later, so that it is always said in the same words that the time is up.
        match start(detector, variables.clone(), until + GRACE, sender.clone()) {
            Ok(()) => waiting.push(detector),
            Err(error) => answers.troubles.push(trouble(detector, &error.to_string())),
        }
    }
    drop(sender);
    while !waiting.is_empty() {
        match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok((_, Said::Fact(fact))) => replace(&mut answers.facts, fact),
            Ok((detector, Said::Done(done))) => {
                waiting.retain(|other| *other != detector);
                answers.troubles.extend(done.err().map(|why| trouble(detector, &why)));
            }
            Err(error) => {
                let why = match error {
                    RecvTimeoutError::Timeout => format!("no answer within {timeout:?}"),
                    RecvTimeoutError::Disconnected => "it stopped early".to_owned(),
                };
                answers.troubles.extend(waiting.drain(..).map(|name| trouble(name, &why)));
            }
        }
    }
    answers
}

fn start(
    detector: Detector,
    variables: Variables,
    until: Instant,
    sender: Sender<(Detector, Said)>,
) -> std::io::Result<()> {
    let work = move || {
        // Nobody listens any more once the time is up.
        let mut found = |fact| drop(sender.send((detector, Said::Fact(fact))));
        let server = Server::new(until);
        let done = match detector {
            Detector::AwsMetadata => aws::ask(&server, &variables, &mut found),
            Detector::AzureMetadata => azure::ask(&server, &variables, azure::SERVER, &mut found),
            Detector::GoogleCloudMetadata => google_cloud::ask(&server, &variables, &mut found),
            _ => Ok(()),
        };
        drop(sender.send((detector, Said::Done(done))));
    };
    let thread = thread::Builder::new().name("tracewire-metadata".to_owned());
    thread.spawn(|| quietly(work)).map(drop)
}

/// What each of these detectors makes of the answers to its requests, and why it stopped early. For `fuzz/`.
pub(crate) fn of_answers(
    variables: &[(&str, &str)],
    answer: impl Fn(&str, &[(&str, &str)]) -> MetadataAnswer + Clone + 'static,
) -> Vec<(Vec<KeyValue>, Option<String>)> {
    let variables = Variables::of_env(variables);
    type Ask<'a> = &'a dyn Fn(&Server, &mut dyn FnMut(KeyValue)) -> Result<(), String>;
    let facts = |ask: Ask<'_>| {
        let answer = answer.clone();
        let server = Server::answering(move |_, url, headers| Ok(answer(url, headers)));
        let mut facts = Vec::new();
        let done = ask(&server, &mut |fact| facts.push(fact));
        (facts, done.err())
    };
    vec![
        facts(&|server, found| aws::ask(server, &variables, found)),
        facts(&|server, found| azure::ask(server, &variables, azure::SERVER, found)),
        facts(&|server, found| google_cloud::ask(server, &variables, found)),
    ]
}

fn trouble(detector: Detector, why: &str) -> String {
    format!("the resource detector {} is incomplete: {why}", detector.name())
}

#[cfg(test)]
pub(super) mod tests;
