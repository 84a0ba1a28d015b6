//! `OTEL_EXPORTER_OTLP_PROTOCOL`: how OTLP is spoken.

use std::borrow::Cow;

use tracewire_export::Protocol;
use tracewire_export::wiring::Shown;

use super::Signal;
use crate::env::{self, Env, Origin};
use crate::error::InitError;

/// Each protocol by its name.
fn words() -> [(&'static str, Protocol); 3] {
    [Protocol::HttpProtobuf, Protocol::HttpJson, Protocol::Grpc]
        .map(|protocol| (protocol.name(), protocol))
}

/// Code's protocol, else the signal's variable, else the general one, else protobuf over HTTP.
///
/// # Errors
///
/// It is not compiled in.
pub(super) fn decide(
    env: &Env,
    code: Option<Protocol>,
    signal: Signal,
) -> Result<Protocol, InitError> {
    let [special, general] = signal.variables("PROTOCOL");
    let (protocol, setting, origin) = match code {
        Some(protocol) => {
            env.overridden(&[&special, &general]);
            (protocol, "protocol".to_owned(), Origin::Code)
        }
        None => match env.read(&[&special, &general], env::choice(&words())) {
            Some(found) => (found.value, found.variable.clone(), Origin::Variable(found.variable)),
            None => (Protocol::default(), String::new(), Origin::Default),
        },
    };
    if let Some(feature) = protocol.missing_feature() {
        let allowed =
            format!("it needs the cargo feature `{feature}`; without it, http/protobuf works");
        let value = Shown::value(protocol.name());
        return Err(InitError::not_compiled_in(&setting, &value, &allowed));
    }
    env.decide(&special, protocol.name(), origin);
    Ok(protocol)
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
    env: &Env,
    text: &'a str,
    signal: Signal,
    setting: &str,
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
    let [special, general] = signal.variables("INSECURE");
    let insecure = env.pick(&[&special, &general], None, env::boolean, false);
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

    #[test]
    fn words_name_protocols_or_the_feature_that_is_missing() {
        const GENERAL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
        const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL";
        for (word, protocol) in words() {
            for variable in [GENERAL, TRACES] {
                let env = Env::of(&[(variable, word)]);
                match (decide(&env, None, Signal::Traces), protocol.missing_feature()) {
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
        let env = Env::of(&[(GENERAL, "smoke signals")]);
        assert_eq!(decide(&env, None, Signal::Traces).unwrap(), Protocol::HttpProtobuf);
        assert_eq!(env.take_warnings().len(), 1);
    }

    #[test]
    fn an_endpoint_of_grpc_may_have_no_scheme() {
        for (variables, text, expected) in [
            (&[][..], "collector:4317", "https://collector:4317"),
            (&[("OTEL_EXPORTER_OTLP_INSECURE", "true")], "collector:4317", "http://collector:4317"),
            (&[("OTEL_EXPORTER_OTLP_INSECURE", "true")], "https://c:1", "https://c:1"),
        ] {
            let env = Env::of(variables);
            let found = with_scheme(Protocol::Grpc, &env, text, Signal::Traces, "X");
            assert_eq!(found.unwrap(), expected);
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
            let env = Env::of(&[]);
            let error = with_scheme(Protocol::Grpc, &env, text, Signal::Traces, "X").unwrap_err();
            let message = error.to_string();
            assert!(error.is_configuration());
            assert!(message.starts_with(&format!("X=\"{scheme}:\"")), "{message}");
            assert!(message.contains("https://host:4317"), "{message}");
        }
        for text in
            ["unix", "unix:4317", "[::1]:4317", "10.0.0.1:4317", "u:p@host:4317", "host/a:b"]
        {
            let env = Env::of(&[]);
            assert!(with_scheme(Protocol::Grpc, &env, text, Signal::Traces, "X").is_ok(), "{text}");
        }
    }
}
