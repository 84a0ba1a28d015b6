//! Settings in the words of vendors.

mod datadog;
mod elastic;
mod uptrace;

pub use self::{datadog::Datadog, elastic::Elastic, uptrace::Uptrace};
