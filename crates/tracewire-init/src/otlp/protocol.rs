//! `OTEL_EXPORTER_OTLP_PROTOCOL`: how OTLP is spoken.

use std::borrow::Cow;

use super::Signal;
use crate::env::{self, Env, Found, Origin};
use crate::error::InitError;
use crate::shown::Shown;

/// How OTLP is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// Protobuf over HTTP.
    HttpProtobuf,
    /// JSON over HTTP.
    #[cfg(feature = "otlp-json")]
    HttpJson,
    /// gRPC, over HTTP/2.
    #[cfg(feature = "otlp-grpc")]
    Grpc,
}

/// Each word of the specification, and what it takes to speak it.
const WORDS: [(&str, Result<Protocol, &str>); 3] = [
    ("http/protobuf", Ok(Protocol::HttpProtobuf)),
    #[cfg(feature = "otlp-json")]
    ("http/json", Ok(Protocol::HttpJson)),
    #[cfg(not(feature = "otlp-json"))]
    ("http/json", Err("otlp-json")),
    #[cfg(feature = "otlp-grpc")]
    ("grpc", Ok(Protocol::Grpc)),
    #[cfg(not(feature = "otlp-grpc"))]
    ("grpc", Err("otlp-grpc")),
];

impl Protocol {
    /// Code's protocol, else the signal's variable, else the general one, else protobuf over HTTP.
    ///
    /// # Errors
    ///
    /// A variable names a protocol that exists but is not compiled in.
    pub(super) fn decide(env: &Env, code: Option<Self>, signal: Signal) -> Result<Self, InitError> {
        let [special, general] = signal.variables("PROTOCOL");
        let (protocol, origin) = match code {
            Some(protocol) => {
                env.overridden(&[&special, &general]);
                (protocol, Origin::Code)
            }
            None => match env.read(&[&special, &general], env::choice(&WORDS)) {
                Some(Found { value: Ok(protocol), variable }) => {
                    (protocol, Origin::Variable(variable))
                }
                Some(Found { value: Err(feature), variable }) => {
                    let word = env.text(&variable).unwrap_or_default();
                    let allowed = format!(
                        "it needs the cargo feature `{feature}`; without it, http/protobuf works"
                    );
                    return Err(InitError::not_compiled_in(
                        &variable,
                        &Shown::value(word.trim()),
                        &allowed,
                    ));
                }
                None => (Self::HttpProtobuf, Origin::Default),
            },
        };
        env.decide(&special, protocol.word(), origin);
        Ok(protocol)
    }

    pub(crate) fn word(self) -> &'static str {
        let word = WORDS.iter().find(|(_, protocol)| *protocol == Ok(self));
        word.expect("each protocol has its word").0
    }

    /// The default.
    pub(super) fn endpoint(self) -> &'static str {
        match self {
            #[cfg(feature = "otlp-grpc")]
            Self::Grpc => "http://localhost:4317",
            _ => "http://localhost:4318",
        }
    }

    /// Whether each signal has a path below the general endpoint.
    pub(super) fn has_paths(self) -> bool {
        match self {
            #[cfg(feature = "otlp-grpc")]
            Self::Grpc => false,
            _ => true,
        }
    }

    /// An endpoint of gRPC may do without a scheme; `OTEL_EXPORTER_OTLP_INSECURE` says which it is.
    ///
    /// # Errors
    ///
    /// It names a socket or a resolver in gRPC's own way, which would be taken for a host.
    pub(super) fn with_scheme<'a>(
        self,
        env: &Env,
        text: &'a str,
        signal: Signal,
        setting: &str,
    ) -> Result<Cow<'a, str>, InitError> {
        if self.has_paths() || text.contains("://") {
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
        for (word, known) in WORDS {
            for variable in [GENERAL, TRACES] {
                let env = Env::of(&[(variable, word)]);
                match (Protocol::decide(&env, None, Signal::Traces), known) {
                    (Ok(protocol), Ok(expected)) => assert_eq!(protocol, expected),
                    (Err(error), Err(feature)) => {
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
        assert_eq!(Protocol::decide(&env, None, Signal::Traces).unwrap(), Protocol::HttpProtobuf);
        assert_eq!(env.take_warnings().len(), 1);
    }

    #[cfg(feature = "otlp-grpc")]
    #[test]
    fn an_endpoint_of_grpc_may_have_no_scheme() {
        for (variables, text, expected) in [
            (&[][..], "collector:4317", "https://collector:4317"),
            (&[("OTEL_EXPORTER_OTLP_INSECURE", "true")], "collector:4317", "http://collector:4317"),
            (&[("OTEL_EXPORTER_OTLP_INSECURE", "true")], "https://c:1", "https://c:1"),
        ] {
            let env = Env::of(variables);
            let found = Protocol::Grpc.with_scheme(&env, text, Signal::Traces, "X");
            assert_eq!(found.unwrap(), expected);
        }
    }

    #[cfg(feature = "otlp-grpc")]
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
            let error = Protocol::Grpc.with_scheme(&env, text, Signal::Traces, "X").unwrap_err();
            let message = error.to_string();
            assert!(error.is_configuration());
            assert!(message.starts_with(&format!("X=\"{scheme}:\"")), "{message}");
            assert!(message.contains("https://host:4317"), "{message}");
        }
        for text in
            ["unix", "unix:4317", "[::1]:4317", "10.0.0.1:4317", "u:p@host:4317", "host/a:b"]
        {
            let env = Env::of(&[]);
            assert!(Protocol::Grpc.with_scheme(&env, text, Signal::Traces, "X").is_ok(), "{text}");
        }
    }
}
