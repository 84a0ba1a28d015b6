//! Requests as most are, some of which have the service call itself.

use super::{
    caller::{Caller, chain, empty, full},
    expect,
};
use http::HeaderMap;

pub(super) async fn perform(caller: &mut Caller, number: usize) -> Result<(), String> {
    let none = HeaderMap::new();
    let (target, status, body): (_, u16, &[u8]) = match number % 10 {
        0..=2 => ("/users/ada", 200, b"user ada"),
        3 => ("/nowhere", 404, b""),
        4 => ("/fail", 500, b""),
        5 => ("/relay/1", 200, b"user 1"),
        6 => ("/relay/2", 200, b"user 2"),
        7 => return echo(caller).await,
        8 => return head(caller).await,
        _ => {
            let headers = traced(number);
            let answer = caller.get("/users/traced", &headers).await?;
            return expect(answer.status == 200, || format!("a traced request: {answer:?}"));
        }
    };
    let answer = caller.get(target, &none).await?;
    expect(answer.status == status && answer.body == body, || format!("{target}: {answer:?}"))
}

async fn echo(caller: &mut Caller) -> Result<(), String> {
    let request = caller.request("POST", "/echo").body(full("what I said"));
    let answer = caller.ask(request.map_err(|error| chain(&error))?).await?;
    expect(answer.status == 200 && answer.body == "what I said", || format!("echo: {answer:?}"))
}

async fn head(caller: &mut Caller) -> Result<(), String> {
    let request = caller.request("HEAD", "/users/ada").body(empty());
    let answer = caller.ask(request.map_err(|error| chain(&error))?).await?;
    expect(answer.status == 200 && answer.body.is_empty(), || format!("HEAD: {answer:?}"))
}

/// The headers of a caller that is traced, sampled every other time.
fn traced(number: usize) -> HeaderMap {
    let flags = if number % 20 == 9 { "01" } else { "00" };
    let parent = format!("00-{:032x}-00000000000000b7-{flags}", 0xabc_0000 + number);
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("traceparent", parent.as_str()),
        ("tracestate", "vendor=value,ot=rv:abcdef01234567"),
        ("baggage", "tenant=acme,plan=free"),
    ] {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    headers
}
