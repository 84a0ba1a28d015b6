//! Names from the OpenTelemetry semantic conventions, as this suite uses them.
//!
//! Spelled out here rather than taken from a generated crate: there are few of them, and the
//! schema URL beside them says which version they are.
//!
//! ```
//! use tracewire_http::conventions;
//!
//! assert_eq!(conventions::HTTP_REQUEST_METHOD, "http.request.method");
//! ```

/// The version of the conventions that spans and metrics follow, as their schema URL says it.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

/// `client.address`: the client behind all trusted proxies, else the peer of the connection.
pub const CLIENT_ADDRESS: &str = "client.address";
/// `client.port`, an integer; opt-in.
pub const CLIENT_PORT: &str = "client.port";
/// `dns.answers`: the addresses that a name was resolved to.
pub const DNS_ANSWERS: &str = "dns.answers";
/// `dns.question.name`: the name that was looked up.
pub const DNS_QUESTION_NAME: &str = "dns.question.name";
/// `error.type`: the status code, or one of the names in [`ErrorType`](crate::ErrorType).
pub const ERROR_TYPE: &str = "error.type";
/// `exception.message`: what an error and its causes say.
pub const EXCEPTION_MESSAGE: &str = "exception.message";
/// `exception.type`: the path of an error's type, or one of the names in [`ErrorType`](crate::ErrorType).
pub const EXCEPTION_TYPE: &str = "exception.type";
/// `http.connection.state`: `active` or `idle`.
pub const HTTP_CONNECTION_STATE: &str = "http.connection.state";
/// `http.request.method`: a known method, or `_OTHER`.
pub const HTTP_REQUEST_METHOD: &str = "http.request.method";
/// `http.request.method_original`: the method as sent, when it is not a known one.
pub const HTTP_REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
/// `http.request.body.size`, bytes as transferred; opt-in.
pub const HTTP_REQUEST_BODY_SIZE: &str = "http.request.body.size";
/// `http.request.header.`: the beginning of the names of captured request headers.
pub const HTTP_REQUEST_HEADER: &str = "http.request.header.";
/// `http.request.resend_count`: how many times this request was sent before.
pub const HTTP_REQUEST_RESEND_COUNT: &str = "http.request.resend_count";
/// `http.response.body.size`, bytes as transferred; opt-in.
pub const HTTP_RESPONSE_BODY_SIZE: &str = "http.response.body.size";
/// `http.response.header.`: the beginning of the names of captured response headers.
pub const HTTP_RESPONSE_HEADER: &str = "http.response.header.";
/// `http.response.status_code`, an integer.
pub const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
/// `http.route`: the matched route template, never the path.
pub const HTTP_ROUTE: &str = "http.route";
/// `network.peer.address`: the other end of the socket.
pub const NETWORK_PEER_ADDRESS: &str = "network.peer.address";
/// `network.peer.port`, an integer.
pub const NETWORK_PEER_PORT: &str = "network.peer.port";
/// `network.protocol.version`: `1.0`, `1.1`, `2` or `3`.
pub const NETWORK_PROTOCOL_VERSION: &str = "network.protocol.version";
/// `rpc.method`: `package.Service/Method`, or `_OTHER`.
pub const RPC_METHOD: &str = "rpc.method";
/// `rpc.method_original`: the method as sent, when it is not a recognized one.
pub const RPC_METHOD_ORIGINAL: &str = "rpc.method_original";
/// `rpc.request.metadata.`: the beginning of the names of captured request metadata.
pub const RPC_REQUEST_METADATA: &str = "rpc.request.metadata.";
/// `rpc.response.metadata.`: the beginning of the names of captured response metadata.
pub const RPC_RESPONSE_METADATA: &str = "rpc.response.metadata.";
/// `rpc.response.status_code`: the name of a gRPC status code.
pub const RPC_RESPONSE_STATUS_CODE: &str = "rpc.response.status_code";
/// `rpc.system.name`: `grpc`.
pub const RPC_SYSTEM_NAME: &str = "rpc.system.name";
/// `server.address`: the host that was asked for.
pub const SERVER_ADDRESS: &str = "server.address";
/// `server.port`, an integer.
pub const SERVER_PORT: &str = "server.port";
/// `service.peer.name`: the service behind the host of a call, as a list names it.
pub const SERVICE_PEER_NAME: &str = "service.peer.name";
/// `url.full`: the absolute URL, without credentials and without its fragment.
pub const URL_FULL: &str = "url.full";
/// `url.path`: the path alone, sensitive parameters redacted.
pub const URL_PATH: &str = "url.path";
/// `url.query`: the query without its question mark, sensitive values redacted.
pub const URL_QUERY: &str = "url.query";
/// `url.scheme`: `http` or `https`.
pub const URL_SCHEME: &str = "url.scheme";
/// `url.template`: the low-cardinality form of a client's URL path.
pub const URL_TEMPLATE: &str = "url.template";
/// `user_agent.original`: the `User-Agent` header.
pub const USER_AGENT_ORIGINAL: &str = "user_agent.original";
/// `user_agent.synthetic.type`: `bot` or `test`; opt-in.
pub const USER_AGENT_SYNTHETIC_TYPE: &str = "user_agent.synthetic.type";

/// `dns.lookup.duration`, a histogram of seconds.
pub const DNS_LOOKUP_DURATION: &str = "dns.lookup.duration";
/// `http.client.active_requests`, an up-down counter of `{request}`.
pub const HTTP_CLIENT_ACTIVE_REQUESTS: &str = "http.client.active_requests";
/// `http.client.connection.duration`, a histogram of seconds.
pub const HTTP_CLIENT_CONNECTION_DURATION: &str = "http.client.connection.duration";
/// `http.client.open_connections`, an up-down counter of `{connection}`.
pub const HTTP_CLIENT_OPEN_CONNECTIONS: &str = "http.client.open_connections";
/// `http.client.request.body.size`, a histogram of bytes.
pub const HTTP_CLIENT_REQUEST_BODY_SIZE: &str = "http.client.request.body.size";
/// `http.client.request.duration`, a histogram of seconds.
pub const HTTP_CLIENT_REQUEST_DURATION: &str = "http.client.request.duration";
/// `http.client.request.time_in_queue`, a histogram of seconds.
pub const HTTP_CLIENT_REQUEST_TIME_IN_QUEUE: &str = "http.client.request.time_in_queue";
/// `http.client.response.body.size`, a histogram of bytes.
pub const HTTP_CLIENT_RESPONSE_BODY_SIZE: &str = "http.client.response.body.size";
/// `http.server.active_requests`, an up-down counter of `{request}`.
pub const HTTP_SERVER_ACTIVE_REQUESTS: &str = "http.server.active_requests";
/// `http.server.request.body.size`, a histogram of bytes.
pub const HTTP_SERVER_REQUEST_BODY_SIZE: &str = "http.server.request.body.size";
/// `http.server.request.duration`, a histogram of seconds.
pub const HTTP_SERVER_REQUEST_DURATION: &str = "http.server.request.duration";
/// `http.server.response.body.size`, a histogram of bytes.
pub const HTTP_SERVER_RESPONSE_BODY_SIZE: &str = "http.server.response.body.size";
/// `rpc.client.call.duration`, a histogram of seconds.
pub const RPC_CLIENT_CALL_DURATION: &str = "rpc.client.call.duration";
/// `rpc.server.call.duration`, a histogram of seconds.
pub const RPC_SERVER_CALL_DURATION: &str = "rpc.server.call.duration";

/// `tracewire.connection.failed_phase`, our own: the phase in which a call was left without a
/// connection, which is `dns`, `connect`, `tls` or `wait`.
pub const CONNECTION_FAILED_PHASE: &str = "tracewire.connection.failed_phase";
/// `tracewire.connection.phase`, our own: `connect` or `tls`.
pub const CONNECTION_PHASE: &str = "tracewire.connection.phase";
/// `tracewire.connection.dns.duration`, our own: what a call spent on lookups, in seconds.
pub const CONNECTION_DNS_DURATION: &str = "tracewire.connection.dns.duration";
/// `tracewire.connection.connect.duration`, our own: what a call spent on connecting, in seconds.
pub const CONNECTION_CONNECT_DURATION: &str = "tracewire.connection.connect.duration";
/// `tracewire.connection.tls.duration`, our own: what a call spent on TLS handshakes, in seconds.
pub const CONNECTION_TLS_DURATION: &str = "tracewire.connection.tls.duration";
/// `tracewire.connection.wait.duration`, our own: how long a call had no connection, in seconds.
pub const CONNECTION_WAIT_DURATION: &str = "tracewire.connection.wait.duration";
/// `tracewire.connection.phase.duration`, our own: a histogram of seconds.
pub const CONNECTION_PHASE_DURATION: &str = "tracewire.connection.phase.duration";

/// The bucket boundaries of all duration histograms, in seconds.
pub const DURATION_BOUNDARIES: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
