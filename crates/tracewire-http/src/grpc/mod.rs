//! gRPC over HTTP: which calls are recorded as remote procedure calls, and how they end.

mod messages;

pub(crate) use self::messages::Messages;

use crate::{
    conventions as c,
    outcome::ErrorType,
    values::{OTHER, Side, after_grpc, limited, media_type},
};
use http::HeaderMap;
use opentelemetry::{KeyValue, StringValue};
use std::sync::Arc;

/// The value of `rpc.system.name`, and the name of spans whose method is not recognized.
pub(crate) const GRPC: &str = "grpc";

/// The longest method that is recorded by name without being listed, in bytes.
const LONGEST: usize = 256;

/// The gRPC methods that are recorded by name; every other one is recorded as `_OTHER`.
///
/// Default: none. A server cannot tell a method that exists from one that a caller made up, and a
/// name becomes the span's name and a metric attribute.
///
/// ```
/// use tracewire_http::RpcMethods;
///
/// let methods = RpcMethods::new(["shop.v1.Shop/GetItem", "shop.v1.Shop/ListItems"]);
/// # let _ = methods;
/// ```
#[derive(Clone, Debug)]
pub struct RpcMethods(Known);

#[derive(Clone, Debug)]
enum Known {
    Listed(Arc<[StringValue]>),
    Any,
}

impl RpcMethods {
    /// Recognizes these methods, written `package.Service/Method`.
    pub fn new<I, T>(methods: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: Into<Arc<str>>,
    {
        let methods = methods.into_iter().map(|method| StringValue::from(method.into()));
        Self(Known::Listed(methods.collect()))
    }

    /// Recognizes every method of the form `package.Service/Method`, in at most 256 bytes.
    ///
    /// # Risk
    ///
    /// On a server, and on a client that passes on the calls of others, the caller then chooses
    /// span names and metric attributes: each made-up method is a time series. Use it only where
    /// your own code is the caller.
    pub fn any() -> Self {
        Self(Known::Any)
    }

    fn recognize(&self, method: &str) -> Option<StringValue> {
        match &self.0 {
            Known::Listed(list) => list.iter().find(|known| known.as_str() == method).cloned(),
            Known::Any => is_method(method).then(|| StringValue::from(Arc::<str>::from(method))),
        }
    }
}

impl Default for RpcMethods {
    fn default() -> Self {
        Self::new::<_, &str>([])
    }
}

/// `package.Service/Method`, as gRPC's libraries name methods.
fn is_method(text: &str) -> bool {
    let is_name = |name: &str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !name.is_empty() && name.bytes().all(is_part)
    };
    text.len() <= LONGEST
        && text.split_once('/').is_some_and(|(service, method)| is_name(service) && is_name(method))
}

/// The method in a path: what follows its slash.
fn method_of(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or(path)
}

/// A call over gRPC.
#[derive(Debug)]
pub(crate) struct RpcCall {
    /// The recognized method, or `_OTHER`.
    pub(crate) method: StringValue,
    pub(crate) status: Option<GrpcStatus>,
}

impl RpcCall {
    /// The call that a request to `path` with these headers is, if it is gRPC.
    pub(crate) fn of(methods: &RpcMethods, headers: &HeaderMap, path: &str) -> Option<Self> {
        let rest = after_grpc(media_type(headers)?)?;
        if !matches!(rest.first(), None | Some(b'+')) {
            return None;
        }
        let method = methods.recognize(method_of(path));
        Some(Self { method: method.unwrap_or_else(|| OTHER.into()), status: None })
    }

    /// Adds what is known of the call when its span starts.
    pub(crate) fn describe(&self, path: &str, limit: usize, attributes: &mut Vec<KeyValue>) {
        attributes.push(KeyValue::new(c::RPC_SYSTEM_NAME, GRPC));
        attributes.push(KeyValue::new(c::RPC_METHOD, self.method.clone()));
        if self.method.as_str() == OTHER {
            let original = limited(method_of(path).into(), limit);
            attributes.push(KeyValue::new(c::RPC_METHOD_ORIGINAL, original));
        }
    }

    /// The span's name.
    pub(crate) fn name(&self) -> &str {
        if self.method.as_str() == OTHER { GRPC } else { self.method.as_str() }
    }
}

/// A gRPC status code, 0 to 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GrpcStatus(u8);

const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The codes that are a server's own fault.
const SERVER_ERRORS: [&str; 6] =
    ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"];

impl GrpcStatus {
    /// Reads `grpc-status` from trailers, or from a head that stands for them. A code that gRPC
    /// does not know is `UNKNOWN`.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let code = match headers.get("grpc-status")?.as_bytes() {
            [ones @ b'0'..=b'9'] => ones - b'0',
            [b'1', ones @ b'0'..=b'6'] => 10 + ones - b'0',
            _ => 2,
        };
        Some(Self(code))
    }

    pub(crate) fn name(self) -> &'static str {
        NAMES[usize::from(self.0)]
    }

    /// The error that this code is on one side: on clients all but `OK`, on servers those that
    /// are not the caller's fault.
    pub(crate) fn error(self, side: Side) -> Option<ErrorType> {
        let error = match side {
            Side::Client => self.0 != 0,
            Side::Server => SERVER_ERRORS.contains(&self.name()),
        };
        error.then(|| ErrorType::Named(self.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn grpc_is_told_by_its_content_type() {
        for (content_type, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc;charset=utf-8", true),
            ("Application/gRPC+proto ; charset=utf-8", true),
            ("application/grpcx", false),
            ("application/grpc-web", false),
            ("application/json", false),
        ] {
            let headers = headers("content-type", content_type);
            let call = RpcCall::of(&RpcMethods::any(), &headers, "/s.S/M");
            assert_eq!(call.is_some(), expected, "{content_type}");
        }
    }

    #[test]
    fn methods_that_are_not_listed_are_other() {
        let methods = RpcMethods::new(["s.S/M"]);
        let headers = headers("content-type", "application/grpc");
        let name = |path| RpcCall::of(&methods, &headers, path).unwrap().name().to_owned();
        assert_eq!(name("/s.S/M"), "s.S/M");
        assert_eq!(name("/s.S/Made_Up"), "grpc");
    }

    #[test]
    fn nothing_is_recognized_by_default() {
        let headers = headers("content-type", "application/grpc");
        let call = RpcCall::of(&RpcMethods::default(), &headers, "/s.S/M").unwrap();
        assert_eq!(call.method.as_str(), OTHER);
    }

    #[test]
    fn any_method_is_recognized_by_its_form() {
        let long = format!("s.S/{}", "M".repeat(LONGEST));
        for (path, expected) in [
            ("/s.S/M", true),
            ("/grpc.health.v1.Health/Check", true),
            ("/s.S", false),
            ("/s.S/", false),
            ("//s.S/M", false),
            ("/s.S/M/x", false),
            ("/s.S/M x", false),
            ("/s.S/%4d", false),
            (&long, false),
        ] {
            let headers = headers("content-type", "application/grpc");
            let call = RpcCall::of(&RpcMethods::any(), &headers, path).unwrap();
            assert_eq!(call.method.as_str() != OTHER, expected, "{path}");
        }
    }

    #[test]
    fn codes_are_errors_by_side() {
        for (code, name, server, client) in [
            ("0", "OK", false, false),
            ("1", "CANCELLED", false, true),
            ("5", "NOT_FOUND", false, true),
            ("12", "UNIMPLEMENTED", true, true),
            ("14", "UNAVAILABLE", true, true),
            ("16", "UNAUTHENTICATED", false, true),
            ("17", "UNKNOWN", true, true),
            ("256", "UNKNOWN", true, true),
            ("00", "UNKNOWN", true, true),
            ("+5", "UNKNOWN", true, true),
            ("-1", "UNKNOWN", true, true),
            ("x", "UNKNOWN", true, true),
        ] {
            let status = GrpcStatus::of(&headers("grpc-status", code)).unwrap();
            assert_eq!(status.name(), name);
            assert_eq!(status.error(Side::Server).is_some(), server, "{code}");
            assert_eq!(status.error(Side::Client).is_some(), client, "{code}");
        }
        assert_eq!(GrpcStatus::of(&HeaderMap::new()), None);
    }
}
