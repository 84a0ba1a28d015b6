//! The variables of the exporter `prometheus`.

use std::net::IpAddr;

use tracewire_export::wiring::Shown;
use tracewire_text::host;

use crate::env::{self, Env, Origin};

/// What to set if nothing can listen there.
pub(crate) const VARIABLES: &str = "OTEL_EXPORTER_PROMETHEUS_HOST, OTEL_EXPORTER_PROMETHEUS_PORT";

const HOST: &str = "OTEL_EXPORTER_PROMETHEUS_HOST";
const PORT: &str = "OTEL_EXPORTER_PROMETHEUS_PORT";

/// What code says about Prometheus: where to listen.
pub(crate) type Settings = Option<(String, u16)>;

/// Where the page is served.
pub(crate) fn address(env: &Env, code: Settings) -> (String, u16) {
    let (host, port) = code.unzip();
    let (host, origin) = match (host, env.read(&[HOST], host_name)) {
        (Some(host), _) => {
            env.overridden(&[HOST]);
            (host, Origin::Code)
        }
        (None, Some(found)) => (found.value, Origin::Variable(found.variable)),
        (None, None) => ("localhost".to_owned(), Origin::Default),
    };
    env.decide(HOST, Shown::value(&host).text(), origin);
    let port = env.pick(&[PORT], port.map(u32::from), env::integer(0), 9464);
    let port = u16::try_from(port).unwrap_or_else(|_| {
        env.warn(format!("{PORT}={port} is ignored: it must be at most 65535"));
        9464
    });
    (host, port)
}

fn host_name(text: &str) -> Result<String, String> {
    let bare = host::without_brackets(text);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if bare.parse::<IpAddr>().is_ok() || !text.is_empty() && text.chars().all(is_name) {
        return Ok(text.to_owned());
    }
    Err("it must be the name or the address of a host, without scheme and port".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_wins_over_environment_and_environment_over_default() {
        let found = |variables: &[(&str, &str)], code: Settings| {
            let env = Env::of(variables);
            (address(&env, code), env.take_warnings().len())
        };
        let variables = [(HOST, "0.0.0.0"), (PORT, "9000")];
        assert_eq!(found(&[], None), (("localhost".to_owned(), 9464), 0));
        assert_eq!(found(&variables, None), (("0.0.0.0".to_owned(), 9000), 0));
        assert_eq!(found(&variables, Some(("::1".to_owned(), 1))), (("::1".to_owned(), 1), 2));
        assert_eq!(found(&[], Some(("::1".to_owned(), 1))), (("::1".to_owned(), 1), 0));
        for bad in ["http://h", "u:p@h", "h:9464"] {
            assert_eq!(found(&[(HOST, bad)], None), (("localhost".to_owned(), 9464), 1), "{bad}");
        }
        for bad in ["-1", "70000", "http"] {
            assert_eq!(found(&[(PORT, bad)], None), (("localhost".to_owned(), 9464), 1), "{bad}");
        }
    }
}
