//! A server's process, as the one who started it sees it.

use super::{Cores, Export};
use crate::http::Variant;
use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

/// A process that serves. It ends when [stopped](Self::stop), or with the process that started it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    address: SocketAddr,
}

/// What a server says of its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The requests it answered, each of which is a span if the variant records any.
    pub served: u64,
    /// The most memory it ever had, where the system tells.
    pub peak_kib: Option<u64>,
    /// The spans it exported, unless to a collector.
    pub spans: Option<u64>,
    /// The names of the attributes of the last of them, in order.
    pub attributes: Vec<String>,
}

impl Server {
    /// Starts `program`, which [serves](super::serve), and waits until it listens.
    ///
    /// # Panics
    ///
    /// If it does not come to that.
    #[must_use]
    pub fn start(
        program: &str,
        cores: Cores,
        variant: &Variant,
        export: Export,
        endpoint: &str,
    ) -> Self {
        Self::start_with(program, cores, variant, export, endpoint, &[])
    }

    /// The same, with further variables.
    ///
    /// # Panics
    ///
    /// If it does not come to that.
    #[must_use]
    pub fn start_with(
        program: &str,
        cores: Cores,
        variant: &Variant,
        export: Export,
        endpoint: &str,
        variables: &[(&str, &str)],
    ) -> Self {
        let mut child = cores
            .server(program)
            .args([variant.name, export.name()])
            .env_remove("OTEL_RESOURCE_ATTRIBUTES")
            .envs([
                ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), // what the sink reads
                ("OTEL_PROPAGATORS", "tracecontext,baggage"),
                ("OTEL_SERVICE_NAME", "load"),
            ])
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program was built");
        let input = child.stdin.take().expect("it is piped");
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        let address = line(&mut output).parse().expect("it prints its address");
        Self { child, input, output, address }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The processor time that all its threads have used, in the system's ticks, where that is told.
    #[must_use]
    pub fn ticks(&self) -> Option<u64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        // The second field is a name in parentheses; the 14th and 15th are user and system time.
        let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
        let (user, system): (u64, u64) =
            (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(user + system)
    }

    /// Lets it export what is left and end.
    ///
    /// # Panics
    ///
    /// If it fails.
    #[must_use]
    pub fn stop(self) -> Report {
        let Self { mut child, input, mut output, .. } = self;
        drop(input);
        let report = line(&mut output);
        assert!(child.wait().expect("it was started").success(), "a server failed");
        Report::parse(&report).expect("it prints four words")
    }
}

impl Report {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        Some(Self {
            served: words.next()?.parse().ok()?,
            peak_kib: words.next()?.parse().ok(),
            spans: words.next()?.parse().ok(),
            attributes: words.next()?.split(',').map(str::to_owned).collect(),
        })
    }
}

fn line(output: &mut impl BufRead) -> String {
    let mut line = String::new();
    output.read_line(&mut line).expect("it prints text");
    line.trim_end_matches('\n').to_owned()
}
