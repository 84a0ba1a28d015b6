//! The exporter `prometheus` for metrics.

use std::net::IpAddr;

use tracewire_export::wiring::Shown;
use tracewire_text::host;

use crate::builder;
use crate::error::InitError;
use crate::features;
use crate::plan::Plan;

pub(crate) const HOST: &str = "OTEL_EXPORTER_PROMETHEUS_HOST";
pub(crate) const PORT: &str = "OTEL_EXPORTER_PROMETHEUS_PORT";

/// The page for Prometheus, as decided.
pub(crate) struct Prometheus {
    /// Where it is served; `None` if the program mounts it.
    pub(crate) address: Option<(String, u16)>,
}

/// # Errors
///
/// It is not compiled in.
pub(crate) fn decide(given: builder::Prometheus, plan: &mut Plan) -> Result<Prometheus, InitError> {
    if !features::PROMETHEUS {
        return Err(InitError::not_compiled_in(
            "MetricsExporter",
            &Shown::value("prometheus"),
            "it needs the cargo feature `prometheus`",
        ));
    }
    if given.is_mounted.is_some_and(|given| given.value) {
        plan.has_no_effect(&given.host, "the program mounts the page itself");
        plan.has_no_effect(&given.port, "the program mounts the page itself");
        return Ok(Prometheus { address: None });
    }
    let host = plan.pick_shown(HOST, given.host, "localhost".to_owned(), |host| {
        Shown::value(host).text().to_owned()
    });
    let port = plan.pick(PORT, given.port, 9464);
    Ok(Prometheus { address: Some((host, port)) })
}

/// The name or the address of a host.
pub(crate) fn host_name(text: &str) -> Result<String, String> {
    let bare = host::without_brackets(text);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if bare.parse::<IpAddr>().is_ok() || !text.is_empty() && text.chars().all(is_name) {
        return Ok(text.to_owned());
    }
    Err("it must be a host name or an IP address, without scheme and port".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Merge, in_code};
    use crate::variables::{Env, Reader, parse};

    #[test]
    fn code_wins_over_environment_and_environment_over_default() {
        let found = |variables: &[(&str, &str)], code: Option<(&str, u16)>| {
            let (env, mut plan) = (Env::of(variables), Plan::default());
            let mut reader = Reader::new(&env, &mut plan);
            let read = builder::Prometheus {
                host: reader.read(HOST, host_name),
                port: reader.read(PORT, parse::port),
                is_mounted: None,
            };
            let mut given = builder::Prometheus::default();
            if let Some((host, port)) = code {
                given = given.address(host, port);
            }
            given.complete(read, &mut plan);
            let decided = decide(given, &mut plan);
            (decided.map(|decided| decided.address.unwrap()), plan.warnings().count())
        };
        if !features::PROMETHEUS {
            assert!(found(&[], None).0.unwrap_err().is_not_compiled_in());
            return;
        }
        let found = |variables: &[(&str, &str)], code| {
            let (address, warnings) = found(variables, code);
            (address.unwrap(), warnings)
        };
        let variables = [(HOST, "0.0.0.0"), (PORT, "9000")];
        assert_eq!(found(&[], None), (("localhost".to_owned(), 9464), 0));
        assert_eq!(found(&variables, None), (("0.0.0.0".to_owned(), 9000), 0));
        assert_eq!(found(&variables, Some(("::1", 1))), (("::1".to_owned(), 1), 2));
        assert_eq!(found(&[], Some(("::1", 1))), (("::1".to_owned(), 1), 0));
        for bad in ["http://h", "u:p@h", "h:9464"] {
            assert_eq!(found(&[(HOST, bad)], None), (("localhost".to_owned(), 9464), 1), "{bad}");
        }
        for bad in ["-1", "70000", "http"] {
            assert_eq!(found(&[(PORT, bad)], None), (("localhost".to_owned(), 9464), 1), "{bad}");
        }
        let mounted = builder::Prometheus { is_mounted: in_code(true), ..Default::default() };
        assert_eq!(decide(mounted, &mut Plan::default()).unwrap().address, None);
    }
}
