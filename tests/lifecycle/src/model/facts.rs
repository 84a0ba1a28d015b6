//! What must be recorded, as lines.

use crate::observe::{duration, size};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Facts {
    pub(super) lines: Vec<String>,
    durations: BTreeMap<[String; 6], u64>,
    /// How often and how much in all, by what was measured of whose body.
    sizes: BTreeMap<(&'static str, [String; 6]), (u64, u64)>,
}

/// What a span and its measurements have in common.
#[derive(Clone)]
pub(super) struct Told {
    pub(super) side: &'static str,
    pub(super) method: &'static str,
    pub(super) is_grpc: bool,
    pub(super) route: Option<&'static str>,
    pub(super) status: Option<String>,
    pub(super) error: Option<String>,
}

/// The sizes of the bodies of a request and its response, as far as they are known.
pub(super) type Sizes = [Option<u64>; 2];

fn or_none(text: Option<impl ToString>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| text.to_string())
}

impl Told {
    /// The name of the span.
    fn name(&self) -> String {
        let method = match (self.method, self.is_grpc) {
            ("_OTHER", true) => "grpc",
            ("_OTHER", false) => "HTTP",
            (method, _) => method,
        };
        self.route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"))
    }

    fn key(&self, plan: Option<&str>) -> [String; 6] {
        [
            if self.is_grpc { format!("{} call", self.side) } else { self.side.to_owned() },
            self.method.to_owned(),
            or_none(self.route),
            or_none(self.status.as_ref()),
            or_none(self.error.as_ref()),
            or_none(plan),
        ]
    }
}

impl Facts {
    pub(super) fn span(
        &mut self,
        id: &str,
        told: &Told,
        resent: usize,
        parent: &str,
        sizes: Sizes,
    ) {
        let (side, name) = (told.side, told.name());
        let marked = if told.error.is_some() { " Error" } else { "" };
        let (status, error) = (or_none(told.status.as_ref()), or_none(told.error.as_ref()));
        let resent = or_none(Some(resent).filter(|count| *count > 0 && !told.is_grpc));
        let [request, response] = sizes.map(or_none);
        self.lines.push(format!(
            "{side} span {id}: {name}, status={status}, error={error}{marked}, resent={resent}, parent={parent}, sizes={request}/{response}"
        ));
    }

    pub(super) fn duration(&mut self, told: &Told, plan: Option<&str>) {
        *self.durations.entry(told.key(plan)).or_default() += 1;
    }

    /// Those of calls over gRPC are not measured.
    pub(super) fn sizes(&mut self, told: &Told, plan: Option<&str>, sizes: Sizes) {
        for (of, bytes) in ["request", "response"].into_iter().zip(sizes) {
            if let Some(bytes) = bytes.filter(|_| !told.is_grpc) {
                let (count, sum) = self.sizes.entry((of, told.key(plan))).or_default();
                (*count, *sum) = (*count + 1, *sum + bytes);
            }
        }
    }

    pub(super) fn sorted(self) -> Vec<String> {
        let Self { mut lines, durations, sizes } = self;
        lines.extend(durations.iter().map(|(key, count)| duration(key, *count)));
        lines.extend(sizes.iter().map(|((of, key), (count, sum))| size(of, key, *count, *sum)));
        lines.sort();
        lines
    }
}
