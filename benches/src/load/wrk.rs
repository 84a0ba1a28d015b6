//! The load: `wrk`, which asks over each of its connections as soon as it is answered.

use super::{HEADERS, LISTS, PATH};
use std::{
    env, fs, io,
    net::SocketAddr,
    process::{self, Command},
};

const CONNECTIONS: &str = "-c32";
/// Gives each request a `traceparent` of its own, in a text that is otherwise made once.
const TRACES: &str = r#"
local before, after, made = nil, nil, 0
function init()
    math.randomseed(os.time())
    wrk.headers["traceparent"] = "TRACEPARENT"
    local text = wrk.format()
    local first, last = text:find("TRACEPARENT", 1, true)
    before, after = text:sub(1, first - 1), text:sub(last + 1)
    run = string.format("%08x%08x", math.random(1, 2 ^ 31 - 1), math.random(1, 2 ^ 31 - 1))
end
function request()
    made = made + 1
    return before .. string.format("00-%s%016x-%016x-01", run, made, made) .. after
end
"#;

/// The traces that requests belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traces {
    /// All to one, whose id each request sends.
    One,
    /// Each to one of its own.
    Each,
}

/// What was answered.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    /// How many requests.
    pub requests: u64,
    /// How many a second.
    pub rate: f64,
}

/// Asks for so many seconds, over 32 connections, with lists in the headers or without. All requests are of
/// one trace.
///
/// # Errors
///
/// `wrk` cannot be run, most likely because it is not installed.
///
/// # Panics
///
/// If a request failed, or was not answered well.
pub fn wrk(address: SocketAddr, seconds: u32, lists: bool) -> io::Result<Answered> {
    wrk_with(address, seconds, lists, Traces::One)
}

/// The same, with a choice of traces.
///
/// # Errors
///
/// `wrk` cannot be run, most likely because it is not installed.
///
/// # Panics
///
/// If a request failed, or was not answered well.
pub fn wrk_with(
    address: SocketAddr,
    seconds: u32,
    lists: bool,
    traces: Traces,
) -> io::Result<Answered> {
    let mut command = Command::new("wrk");
    let script = env::temp_dir().join(format!("traces-{}.lua", process::id()));
    if traces == Traces::Each {
        fs::write(&script, TRACES)?;
        command.arg("-s").arg(&script);
    }
    command.args(["-t1", CONNECTIONS, &format!("-d{seconds}s")]);
    let lists = if lists { &LISTS[..] } else { &[] };
    for (name, value) in HEADERS.iter().take(HEADERS.len() - lists.len()).chain(lists) {
        command.arg("-H").arg(format!("{name}: {value}"));
    }
    let output = command.arg(format!("http://{address}{PATH}")).output();
    let _ = fs::remove_file(script);
    let output = output?;
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
