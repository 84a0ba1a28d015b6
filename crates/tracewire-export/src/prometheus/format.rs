//! Which of two formats a scraper wants.

/// How the page is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Format {
    /// Prometheus' text format, which everybody reads.
    Text,
    /// [OpenMetrics], which also tells units, and that `target_info` is one.
    ///
    /// [OpenMetrics]: https://prometheus.io/docs/specs/om/open_metrics_spec/
    OpenMetrics,
}

impl Format {
    /// The one that is accepted; between equals OpenMetrics, which is only asked for by name.
    pub(super) fn accepted(accept: &str) -> Self {
        let (mut text, mut open) = (0.0_f32, 0.0_f32);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            let (mut quality, mut version) = (1.0, None);
            for parameter in parts {
                match parameter.split_once('=') {
                    Some(("q", own)) => quality = own.trim().parse().unwrap_or(0.0),
                    Some(("version", own)) => version = Some(own.trim().trim_matches('"')),
                    _ => {}
                }
            }
            if media.eq_ignore_ascii_case("application/openmetrics-text") {
                if matches!(version, None | Some("1.0.0")) {
                    open = open.max(quality);
                }
            } else if media.eq_ignore_ascii_case("text/plain") {
                text = text.max(quality);
            }
        }
        if open > 0.0 && open >= text { Self::OpenMetrics } else { Self::Text }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn openmetrics_is_for_those_who_ask_for_it() {
        use Format::{OpenMetrics, Text};
        for (accept, format) in [
            ("", Text),
            ("*/*", Text),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Text),
            ("application/openmetrics-text", OpenMetrics),
            ("Application/OpenMetrics-Text; version=1.0.0; charset=utf-8", OpenMetrics),
            ("application/openmetrics-text;version=0.0.1", Text),
            ("application/openmetrics-text;q=0, text/plain", Text),
            ("application/openmetrics-text;q=0.2,text/plain;q=0.5", Text),
            ("application/openmetrics-text;q=x", Text),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                 application/openmetrics-text;version=0.0.1;q=0.5,\
                 text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                OpenMetrics,
            ),
        ] {
            assert_eq!(Format::accepted(accept), format, "{accept}");
        }
    }

    proptest! {
        #[test]
        fn nothing_asked_for_panics(accept in any::<String>()) {
            let _ = Format::accepted(&accept);
        }
    }
}
