//! The load: `wrk`, which asks over each of its connections as soon as it is answered.

use super::{HEADERS, LISTS, PATH};
use std::{io, net::SocketAddr, process::Command};

const CONNECTIONS: &str = "-c32";

/// What was answered.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    /// How many requests.
    pub requests: u64,
    /// How many a second.
    pub rate: f64,
}

/// Asks for so many seconds, over 32 connections, with lists in the headers or without.
///
/// # Errors
///
/// `wrk` cannot be run, most likely because it is not installed.
///
/// # Panics
///
/// If a request failed, or was not answered well.
pub fn wrk(address: SocketAddr, seconds: u32, lists: bool) -> io::Result<Answered> {
    let mut command = Command::new("wrk");
    command.args(["-t1", CONNECTIONS, &format!("-d{seconds}s")]);
    let lists = if lists { &LISTS[..] } else { &[] };
    for (name, value) in HEADERS.iter().take(HEADERS.len() - lists.len()).chain(lists) {
        command.arg("-H").arg(format!("{name}: {value}"));
    }
    let output = command.arg(format!("http://{address}{PATH}")).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let is_well = output.status.success() && !text.contains("Non-2xx") && !text.contains("errors");
    assert!(is_well, "{text}{}", String::from_utf8_lossy(&output.stderr));
    Ok(parse(&text).expect("wrk prints requests and rate"))
}

fn parse(text: &str) -> Option<Answered> {
    let word_before = |mark: &str| text.split(mark).next()?.split_whitespace().next_back();
    let rate = text.split("Requests/sec:").nth(1)?.split_whitespace().next()?;
    Some(Answered {
        requests: word_before(" requests in ")?.parse().ok()?,
        rate: rate.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_rate_are_read() {
        let text = "  1 threads and 32 connections\n  15123 requests in 1.00s, 2.02MB read\n\
                    Requests/sec:  15042.11\nTransfer/sec:      2.01MB\n";
        let answered = parse(text).unwrap();
        assert_eq!((answered.requests, answered.rate), (15_123, 15_042.11));
        assert!(parse("unable to connect").is_none());
    }
}
