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
            Some(protocol) => (protocol, Origin::Code),
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

    fn word(self) -> &'static str {
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
    pub(super) fn with_scheme<'a>(self, env: &Env, text: &'a str, signal: Signal) -> Cow<'a, str> {
        if self.has_paths() || text.contains("://") {
            return Cow::Borrowed(text);
        }
        let [special, general] = signal.variables("INSECURE");
        let insecure = env.pick(&[&special, &general], None, env::boolean, false);
        Cow::Owned(format!("{}://{text}", if insecure { "http" } else { "https" }))
    }
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
            assert_eq!(Protocol::Grpc.with_scheme(&env, text, Signal::Traces), expected);
        }
    }
}
