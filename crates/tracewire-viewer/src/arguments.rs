//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};

const HELP: &str = "\
Receives OTLP and shows traces in the browser.

Usage: tracewire-viewer [OPTIONS]
       tracewire-viewer [OPTIONS] FILE...   shows downloaded traces (OTLP JSON)

Options:
      --host HOST        Where to listen [default: localhost]
      --grpc-port PORT   OTLP, gRPC and HTTP [default: 4317]
      --http-port PORT   OTLP, gRPC and HTTP [default: 4318]
      --page-port PORT   The page; the next free port if it is taken [default: 4319]
      --memory MIB       Memory for traces, at least 4 [default: 128]
      --token TOKEN      What every request has to send; needed to listen on other hosts than this
                         one. TRACEWIRE_LIVE_TOKEN keeps it out of the list of processes
      --allow-host NAME  A further name of this host, such as host.docker.internal
  -h, --help             Prints this
  -V, --version          Prints the version

Port 0 is any free port.";

/// What to do.
#[derive(Debug)]
pub(crate) enum Command {
    Print(String),
    Run(Arguments),
}

#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) host: String,
    pub(crate) grpc_port: u16,
    pub(crate) http_port: u16,
    pub(crate) page_port: u16,
    pub(crate) memory_mib: usize,
    pub(crate) token: Option<String>,
    pub(crate) hosts: Vec<String>,
    pub(crate) files: Vec<PathBuf>,
}

impl Arguments {
    pub(crate) fn parse(
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Command, lexopt::Error> {
        let mut parser = Parser::from_args(arguments);
        let mut parsed = Self {
            host: "localhost".to_owned(),
            grpc_port: 4317,
            http_port: 4318,
            page_port: 4319,
            memory_mib: 128,
            token: std::env::var("TRACEWIRE_LIVE_TOKEN").ok().filter(|token| !token.is_empty()),
            hosts: Vec::new(),
            files: Vec::new(),
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("host") => parsed.host = parser.value()?.string()?,
                Arg::Long("grpc-port") => parsed.grpc_port = parser.value()?.parse()?,
                Arg::Long("http-port") => parsed.http_port = parser.value()?.parse()?,
                Arg::Long("page-port") => parsed.page_port = parser.value()?.parse()?,
                Arg::Long("memory") => parsed.memory_mib = parser.value()?.parse_with(memory)?,
                Arg::Long("token") => parsed.token = Some(parser.value()?.string()?),
                Arg::Long("allow-host") => parsed.hosts.push(parser.value()?.string()?),
                Arg::Short('h') | Arg::Long("help") => {
                    return Ok(Command::Print(HELP.to_owned()));
                }
                Arg::Short('V') | Arg::Long("version") => {
                    let version = concat!("tracewire-viewer ", env!("CARGO_PKG_VERSION"));
                    return Ok(Command::Print(version.to_owned()));
                }
                Arg::Value(file) => parsed.files.push(file.into()),
                _ => return Err(argument.unexpected()),
            }
        }
        Ok(Command::Run(parsed))
    }
}

fn memory(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(mib @ 4..=65_536) => Ok(mib),
        _ => Err("expected 4 to 65536 MiB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Command, String> {
        let arguments = arguments.iter().map(OsString::from);
        Arguments::parse(arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn every_option_is_read() {
        let line = "--host ::1 --grpc-port 1 --http-port=2 --page-port 3 --memory 64 \
                    --token secret --allow-host docker a.json b.json";
        let line: Vec<_> = line.split_whitespace().collect();
        let Ok(Command::Run(parsed)) = parse(&line) else { panic!("it is right") };
        assert_eq!((&*parsed.host, parsed.grpc_port, parsed.http_port), ("::1", 1, 2));
        assert_eq!((parsed.page_port, parsed.memory_mib), (3, 64));
        assert_eq!(parsed.token.as_deref(), Some("secret"));
        assert_eq!(parsed.hosts, ["docker"]);
        assert_eq!(parsed.files, ["a.json", "b.json"].map(PathBuf::from));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, named) in [
            (["--memory", "3"], "4 to 65536"),
            (["--page-port", "99999"], "99999"),
            (["--colour", "red"], "--colour"),
            (["-x", "1"], "-x"),
        ] {
            let error = parse(&line).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
        assert!(parse(&["--host"]).is_err());
    }

    #[test]
    fn help_names_every_option() {
        let Ok(Command::Print(help)) = parse(&["--help"]) else { panic!("it prints") };
        for option in [
            "--host",
            "--grpc-port",
            "--http-port",
            "--page-port",
            "--memory",
            "--token",
            "--allow-host",
        ] {
            assert!(help.contains(option), "{option}");
        }
        assert!(matches!(parse(&["-V"]), Ok(Command::Print(_))));
    }
}
