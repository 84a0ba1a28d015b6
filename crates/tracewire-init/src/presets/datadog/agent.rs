//! Where the Agent is.

use tracewire_export::wiring::Shown;
use tracewire_text::host::LONGEST_NAME;
use url::{Host, Url};

use crate::builder::Datadog;
use crate::error::InitError;
use crate::settings::{Given, Setting};
use crate::variables::Reader;

pub(super) const URL: &str = "DD_TRACE_AGENT_URL";
pub(super) const HOST: &str = "DD_AGENT_HOST";

/// The Agent's host, in brackets if it is an IPv6 address, and who names it.
///
/// # Errors
///
/// It is no host.
pub(super) fn host(given: &Datadog, reader: &mut Reader<'_>) -> Result<Setting<String>, InitError> {
    match (&given.agent_url, &given.agent_host) {
        (None, None) => Ok(None),
        (None, Some(host)) => of_host(host).map(Some),
        (Some(url), host) if is_socket(&url.value) => match host {
            Some(host) => of_host(host).map(Some),
            None => {
                reader.warn(format!(
                    "{}: the Agent's socket takes Datadog's own protocol only, so OTLP goes to localhost; \
                     set {HOST} if the Agent is not on this host",
                    url.origin.name("Datadog::agent_url")
                ));
                Ok(Some(Given { value: "localhost".to_owned(), origin: url.origin.clone() }))
            }
        },
        (Some(url), _) => of_url(url).map(Some),
    }
}

fn is_socket(url: &str) -> bool {
    url.starts_with("unix:")
}

/// The port is that of Datadog's own protocol.
fn of_url(given: &Given<String>) -> Result<Given<String>, InitError> {
    let Given { value: text, origin } = given;
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    match url.as_ref().and_then(Url::host_str) {
        Some(host) => Ok(Given { value: host.to_owned(), origin: origin.clone() }),
        None => Err(InitError::configuration(
            origin.name("Datadog::agent_url"),
            &Shown::endpoint(text),
            "it must be a URL such as http://localhost:8126 or unix:///var/run/datadog/apm.socket",
        )),
    }
}

fn of_host(given: &Given<String>) -> Result<Given<String>, InitError> {
    let Given { value: host, origin } = given;
    let bracketed =
        if host.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.clone() };
    if bracketed.len() > LONGEST_NAME || Host::parse(&bracketed).is_err() {
        return Err(InitError::configuration(
            origin.name("Datadog::agent_host"),
            &Shown::endpoint(&bracketed),
            "it must be a host name or an IP address, without scheme and port",
        ));
    }
    Ok(Given { value: bracketed, origin: origin.clone() })
}
