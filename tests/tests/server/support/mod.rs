//! The application, the servers, the callers, and what is to be expected.

pub(crate) mod app;
pub(crate) mod bodies;
mod client;
mod expected;
mod raw;
mod running;
pub(crate) mod servers;

pub(crate) use self::{
    client::{Call, Client},
    running::Running,
    servers::{
        Around, AxumAround, AxumHttp1, AxumHttp2, HyperHttp1, HyperHttp2, Plain, Protocol,
        ServerUnderTest, TonicHttp2, plain,
    },
};

/// Makes a test of each scenario for every server, or for those that speak one protocol.
macro_rules! contract {
    (
        $(every { $($every:ident)* })?
        $(http1 { $($http1:ident)* })?
        $(http2 { $($http2:ident)* })?
    ) => {
        contract!(@ axum_http1 AxumHttp1 $($($every)*)? $($($http1)*)?);
        contract!(@ axum_around AxumAround $($($every)*)? $($($http1)*)?);
        contract!(@ axum_http2 AxumHttp2 $($($every)*)? $($($http2)*)?);
        contract!(@ hyper_http1 HyperHttp1 $($($every)*)? $($($http1)*)?);
        contract!(@ hyper_http2 HyperHttp2 $($($every)*)? $($($http2)*)?);
        contract!(@ tonic_http2 TonicHttp2 $($($every)*)? $($($http2)*)?);
    };
    (@ $module:ident $server:ident $($scenario:ident)*) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $scenario() {
                    super::$scenario::<crate::support::$server>().await;
                }
            )*
        }
    };
}
pub(crate) use contract;
