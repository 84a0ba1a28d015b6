//! `OTEL_EXPORTER_OTLP_PROTOCOL`: how OTLP is spoken.

use std::borrow::Cow;

use tracewire_export::Protocol;
use tracewire_export::wiring::Shown;

use super::Signal;
use crate::builder::Otlp;
use crate::error::InitError;
use crate::plan::Plan;
use crate::settings::Setting;

/// What is given, else protobuf over HTTP.
///
/// # Errors
///
/// It is not compiled in.
pub(super) fn decide(
    given: Setting<Protocol>,
    signal: Signal,
    plan: &mut Plan,
) -> Result<Protocol, InitError> {
    if let Some(given) = &given
        && let Some(feature) = given.value.missing_feature()
    {
        let allowed =
            format!("it needs the cargo feature `{feature}`; without it, http/protobuf works");
        let name = given.origin.name("Otlp::protocol");
        return Err(InitError::not_compiled_in(name, &Shown::value(given.value.name()), &allowed));
    }
    let setting = signal.variable("PROTOCOL");
    let shown = |protocol: &Protocol| protocol.name().to_owned();
    Ok(plan.pick_shown(&setting, given, Protocol::default(), shown))
}

/// The default, to which the path of a signal is added.
pub(super) fn default_endpoint(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Grpc => "http://localhost:4317",
        _ => "http://localhost:4318",
    }
}

/// Whether each signal has a path below the general endpoint.
pub(super) fn has_paths(protocol: Protocol) -> bool {
    protocol != Protocol::Grpc
}

/// An endpoint of gRPC may do without a scheme; `OTEL_EXPORTER_OTLP_INSECURE` says which it is.
///
/// # Errors
///
/// It names a socket or a resolver in gRPC's own way, which would be taken for a host.
pub(super) fn with_scheme<'a>(
    protocol: Protocol,
    text: &'a str,
    given: &Otlp,
    signal: Signal,
    setting: &str,
    plan: &mut Plan,
) -> Result<Cow<'a, str>, InitError> {
    if has_paths(protocol) || text.contains("://") {
        return Ok(Cow::Borrowed(text));
    }
    if let Some(scheme) = grpc_scheme(text) {
        // What follows may be secret.
        return Err(InitError::configuration(
            setting,
            &Shown::value(&format!("{scheme}:")),
            "gRPC goes to a host: it must be http://host:4317, https://host:4317 or host:4317",
        ));
    }
    let insecure = plan.pick(&signal.variable("INSECURE"), given.insecure.clone(), false);
    Ok(Cow::Owned(format!("{}://{text}", if insecure { "http" } else { "https" })))
}

/// The scheme of a name that gRPC knows beside hosts, such as `unix:/run/x.sock` or `dns:host:4317`.
fn grpc_scheme(text: &str) -> Option<&str> {
    let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
    let (scheme, rest) = authority.split_once(':')?;
    let is_scheme =
        scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            && scheme.starts_with(|first: char| first.is_ascii_alphabetic());
    let is_port = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
    (is_scheme && !is_port && !rest.contains('@')).then_some(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::from_variable;
    use crate::variables::otlp::protocols;
    use crate::variables::parse::choice;
    use crate::variables::{Env, Reader};

    fn with_scheme_of(text: &str, insecure: bool) -> Result<String, InitError> {
        let insecure = from_variable("OTEL_EXPORTER_OTLP_INSECURE", insecure);
        let given = Otlp { insecure, ..Otlp::default() };
        let mut plan = Plan::default();
        with_scheme(Protocol::Grpc, text, &given, Signal::Traces, "X", &mut plan)
            .map(Cow::into_owned)
    }

    #[test]
    fn words_name_protocols_or_the_feature_that_is_missing() {
        for variable in ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] {
            for (word, protocol) in protocols() {
                let (env, mut plan) = (Env::of(&[(variable, word)]), Plan::default());
                let given = Reader::new(&env, &mut plan).read(variable, choice(&protocols()));
                let decided = decide(given, Signal::Traces, &mut plan);
                match (decided, protocol.missing_feature()) {
                    (Ok(found), None) => assert_eq!(found, protocol),
                    (Err(error), Some(feature)) => {
                        let message = error.to_string();
                        assert!(error.is_not_compiled_in());
                        for part in [variable, word, feature] {
                            assert!(message.contains(part), "{message}");
                        }
                    }
                    (found, _) => panic!("{word}: {found:?}"),
                }
            }
        }
        let (env, mut plan) = (Env::of(&[("X", "smoke signals")]), Plan::default());
        let given = Reader::new(&env, &mut plan).read("X", choice(&protocols()));
        let decided = decide(given, Signal::Traces, &mut plan).unwrap();
        assert_eq!((decided, plan.warnings().count()), (Protocol::HttpProtobuf, 1));
    }

    #[test]
    fn an_endpoint_of_grpc_may_have_no_scheme() {
        for (insecure, text, expected) in [
            (false, "collector:4317", "https://collector:4317"),
            (true, "collector:4317", "http://collector:4317"),
            (true, "https://c:1", "https://c:1"),
        ] {
            assert_eq!(with_scheme_of(text, insecure).unwrap(), expected);
        }
    }

    #[test]
    fn a_socket_or_resolver_of_grpc_is_an_error_and_no_host() {
        for (text, scheme) in [
            ("unix:/x.sock", "unix"),
            ("unix:x.sock", "unix"),
            ("unix-abstract:x", "unix-abstract"),
            ("dns:collector:4317", "dns"),
            ("ipv4:10.0.0.1:4317", "ipv4"),
            ("vsock:2:4317", "vsock"),
            ("unix:/x.sock?token=secret", "unix"),
        ] {
            let error = with_scheme_of(text, false).unwrap_err();
            let message = error.to_string();
            assert!(error.is_configuration());
            assert!(message.starts_with(&format!("X=\"{scheme}:\"")), "{message}");
            assert!(message.contains("https://host:4317"), "{message}");
        }
        for text in
            ["unix", "unix:4317", "[::1]:4317", "10.0.0.1:4317", "u:p@host:4317", "host/a:b"]
        {
            assert!(with_scheme_of(text, false).is_ok(), "{text}");
        }
    }
}
