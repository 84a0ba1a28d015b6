//! Who may read the page.

use http::{
    HeaderMap, HeaderValue, StatusCode, Uri,
    header::{AUTHORIZATION, COOKIE, HOST, ORIGIN},
};
use std::borrow::Cow;
use std::net::SocketAddr;
use tracewire_text::{host, percent};

/// Headers that show that a proxy is between us and the caller.
const PROXIES: [&str; 6] =
    ["forwarded", "via", "x-real-ip", "x-client-ip", "cf-connecting-ip", "true-client-ip"];

/// Who may read the page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    pub(crate) is_mounted: bool,
    /// Nobody may.
    pub(crate) is_off: bool,
    pub(crate) token: Option<Box<str>>,
    /// Names beside those of this host, in lower case.
    pub(crate) hosts: Vec<Box<str>>,
}

/// What decides about a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller<'a> {
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) peer: Option<SocketAddr>,
    /// Whether the request is for data.
    pub(crate) is_api: bool,
}

/// A request that is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Permit {
    /// It is answered.
    Granted,
    /// Its token is right, and is moved from the address to a cookie.
    TokenInAddress,
}

impl Access {
    /// Decides about a request. What is refused says no more than a status, and on a mounted page not
    /// even that: there every refusal is 404.
    pub(crate) fn check(&self, caller: &Caller<'_>) -> Result<Permit, StatusCode> {
        if self.is_off {
            return Err(StatusCode::NOT_FOUND);
        }
        let decided = self.decide(caller);
        if self.is_mounted { decided.map_err(|_| StatusCode::NOT_FOUND) } else { decided }
    }

    fn decide(&self, caller: &Caller<'_>) -> Result<Permit, StatusCode> {
        let authority = authority(caller).ok_or(StatusCode::BAD_REQUEST)?;
        let (host, port) = host_and_port(authority).ok_or(StatusCode::MISDIRECTED_REQUEST)?;
        let permit = match self.by_token(caller, port) {
            // A page that rebinds its name to this host has neither the token nor the cookie of another name.
            Some(permit) => permit,
            None if !self.knows(host) => return Err(StatusCode::MISDIRECTED_REQUEST),
            None => self.by_place(caller)?,
        };
        if caller.is_api && !is_same_origin(caller.headers, authority) {
            return Err(StatusCode::FORBIDDEN);
        }
        Ok(permit)
    }

    fn by_token(&self, caller: &Caller<'_>, port: &str) -> Option<Permit> {
        let token = self.token.as_deref()?;
        if bearer(caller.headers).is_some_and(|given| is_equal(given, token))
            || cookie(caller.headers, &cookie_name(port)).any(|given| is_equal(given, token))
        {
            return Some(Permit::Granted);
        }
        let in_address = address_token(caller.uri).filter(|_| !caller.is_api);
        in_address.filter(|given| is_equal(given, token)).map(|_| Permit::TokenInAddress)
    }

    fn by_place(&self, caller: &Caller<'_>) -> Result<Permit, StatusCode> {
        // Who mounts the page decides with a token about others than local callers. A port of its own
        // with a token may be open to the network.
        let is_enough = self.is_mounted || self.token.is_none();
        if is_enough && self.is_local(caller) {
            return Ok(Permit::Granted);
        }
        Err(if self.token.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN })
    }

    fn is_local(&self, caller: &Caller<'_>) -> bool {
        caller.peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback())
            && !is_proxied(caller.headers)
    }

    fn knows(&self, host: &str) -> bool {
        let is_host = |known: &str| host::without_brackets(known).eq_ignore_ascii_case(host);
        host::is_loopback(host)
            || host::is_below(host, "localhost")
            || self.hosts.iter().any(|known| is_host(known))
    }
}

/// Returns whether a proxy says that it passed the request on.
pub(crate) fn is_proxied(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| {
        let name = name.as_str();
        PROXIES.contains(&name) || name.starts_with("x-forwarded-")
    })
}

/// The name of the cookie that holds the token. Cookies are shared by all ports of a host.
pub(crate) fn cookie_name(port: &str) -> String {
    format!("tracewire_live_{}", if port.is_empty() { "80" } else { port })
}

/// The port that the caller named, or an empty text.
pub(crate) fn port<'a>(caller: &Caller<'a>) -> &'a str {
    authority(caller).and_then(host_and_port).map_or("", |(_, port)| port)
}

/// The one authority that the caller named: in `Host`, or over HTTP/2 in the address.
fn authority<'a>(caller: &Caller<'a>) -> Option<&'a str> {
    let mut hosts = caller.headers.get_all(HOST).iter();
    let named = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Some(host.to_str().ok()?),
        (None, _) => None,
        _ => return None,
    };
    let addressed = caller.uri.authority().map(http::uri::Authority::as_str);
    match (named, addressed) {
        (Some(named), Some(addressed)) if named != addressed => None,
        (named, addressed) => named.or(addressed),
    }
}

/// The host and its port, which is empty where none is named.
fn host_and_port(authority: &str) -> Option<(&str, &str)> {
    let (host, port) = host::split(authority)?;
    let port = port.unwrap_or_default();
    // An IPv6 address needs its brackets.
    let is_written_well = !host.contains(':') || authority.starts_with('[');
    let is_port = port.is_empty()
        || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok());
    (is_written_well && is_port).then_some((host, port))
}

/// Browsers say where a request comes from. Other pages on the same host are `same-site`. Browsers that do
/// not know that header still send `Origin` with what goes to another one.
fn is_same_origin(headers: &HeaderMap, authority: &str) -> bool {
    let is_own = |origin: &HeaderValue| {
        let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        origin.is_some_and(|(_, origin)| origin.eq_ignore_ascii_case(authority))
    };
    headers.get_all("sec-fetch-site").iter().all(|site| site == "same-origin" || site == "none")
        && headers.get_all(ORIGIN).iter().all(is_own)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs =
        lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(move |(key, _)| *key == name).map(|(_, value)| value)
}

fn address_token(uri: &Uri) -> Option<Cow<'_, str>> {
    let token = uri.query()?.split('&').find_map(|pair| pair.strip_prefix("token="))?;
    Some(percent::decode_lossy(token).text)
}

/// Compares in a time that depends on the lengths alone.
fn is_equal(given: &str, token: &str) -> bool {
    let differences = given.bytes().zip(token.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    // Keeps the compiler from leaving the loop early.
    given.len() == token.len() && std::hint::black_box(differences) == 0
}
