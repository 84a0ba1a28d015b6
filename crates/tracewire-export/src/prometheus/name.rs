//! What metrics and labels are called there: legal characters, units, suffixes.

use super::format::Format;

/// What the short names of units stand for.
const UNITS: [(&str, &str); 27] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tebibytes"),
    ("KBy", "kilobytes"),
    ("kBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("bit", "bits"),
    ("m", "meters"),
    ("g", "grams"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("%", "percent"),
];

/// What the short names of units stand for behind a `/`.
const PER: [(&str, &str); 7] = [
    ("s", "second"),
    ("min", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("wk", "week"),
    ("mo", "month"),
    ("a", "year"),
];

/// A metric's names.
#[derive(Debug, PartialEq)]
pub(super) struct Name {
    /// Of its samples.
    pub(super) sample: String,
    /// In the lines about it.
    pub(super) family: String,
    /// Its unit, with which the family's name ends, or nothing.
    pub(super) unit: String,
}

impl Name {
    pub(super) fn new(name: &str, unit: &str, kind: &str, format: Format) -> Self {
        let unit = self::unit(unit, kind);
        let is_counter = kind == "counter";
        let mut base = legal(name, true);
        if is_counter && let Some(stem) = base.strip_suffix("_total") {
            base.truncate(stem.len());
        }
        let has_unit = base == unit || base.ends_with(&format!("_{unit}"));
        if !unit.is_empty() && !has_unit {
            base.push('_');
            base.push_str(&unit);
        }
        let sample = if is_counter { format!("{base}_total") } else { base.clone() };
        let family = match format {
            Format::Text => sample.clone(),
            Format::OpenMetrics => base,
        };
        Self { sample, family, unit }
    }
}

/// The unit in words. What is in braces is no unit, and 1 is one of gauges only.
fn unit(unit: &str, kind: &str) -> String {
    let mut plain = String::new();
    let mut depth = 0_usize;
    for c in unit.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            c if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    if plain == "1" {
        return if kind == "gauge" { "ratio".to_owned() } else { String::new() };
    }
    let known = |units: &[(&str, &str)], short: &str| {
        let unit = units.iter().find(|(own, _)| *own == short).map(|(_, long)| *long);
        legal(unit.unwrap_or(short), false).trim_matches('_').to_owned()
    };
    match plain.split_once('/') {
        None => known(&UNITS, &plain),
        Some((of, per)) => match (known(&UNITS, of), known(&PER, per)) {
            (of, per) if per.is_empty() => of,
            (of, per) if of.is_empty() || of == "1" => format!("per_{per}"),
            (of, per) => format!("{of}_per_{per}"),
        },
    }
}

/// Labels that the page adds itself.
const ADDED: [&str; 3] = ["le", "otel_scope_name", "otel_scope_version"];

/// The label of an attribute: one that the page adds itself is `exported_…`, as Prometheus names its own
/// in such a case. Two series that differ in it alone would otherwise be one, which refuses the page.
pub(super) fn label(key: &str) -> String {
    let name = legal(key, false);
    match name.as_str() {
        "" => "_".to_owned(), // a label without a name would refuse the page, too
        added if ADDED.contains(&added) => format!("exported_{name}"),
        _ => name,
    }
}

/// With one `_` for the characters that a name may not have.
pub(super) fn legal(name: &str, colons: bool) -> String {
    let mut out = String::with_capacity(name.len());
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        out.push('_');
    }
    for c in name.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || colons && c == ':' => out.push(c),
            _ if out.ends_with('_') => {}
            _ => out.push('_'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(name: &str, unit: &str, kind: &str, format: Format) -> (String, String, String) {
        let Name { sample, family, unit } = Name::new(name, unit, kind, format);
        (sample, family, unit)
    }

    #[test]
    fn names_are_made_legal_and_say_their_unit_once() {
        for (given, unit, kind, sample, shown_unit) in [
            ("http.server.duration", "s", "histogram", "http_server_duration_seconds", "seconds"),
            ("wait.seconds", "s", "gauge", "wait_seconds", "seconds"),
            ("wait.milliseconds", "s", "gauge", "wait_milliseconds_seconds", "seconds"),
            ("sent", "By", "counter", "sent_bytes_total", "bytes"),
            ("beans", "g", "gauge", "beans_grams", "grams"),
            ("speed", "m/s", "gauge", "speed_meters_per_second", "meters_per_second"),
            ("orders", "{order}/min", "gauge", "orders_per_minute", "per_minute"),
            ("load", "1", "gauge", "load_ratio", "ratio"),
            ("load.ratio", "1", "gauge", "load_ratio", "ratio"),
            ("orders", "1", "counter", "orders_total", ""),
            ("orders_total", "", "counter", "orders_total", ""),
            ("area", "m2", "gauge", "area_m2", "m2"),
            ("9lives", "{life}", "gauge", "_9lives", ""),
            ("größe__x", "", "gauge", "gr_e_x", ""),
            ("seconds", "s", "gauge", "seconds", "seconds"),
        ] {
            let (got, family, unit) = name(given, unit, kind, Format::Text);
            assert_eq!((got.as_str(), unit.as_str()), (sample, shown_unit), "{given}");
            assert_eq!(got, family, "{given}");
        }
    }

    #[test]
    fn a_counters_family_has_no_suffix_in_openmetrics() {
        let names = |sample: &str, family: &str, unit: &str| {
            (sample.to_owned(), family.to_owned(), unit.to_owned())
        };
        assert_eq!(
            name("sent_total", "By", "counter", Format::OpenMetrics),
            names("sent_bytes_total", "sent_bytes", "bytes")
        );
        assert_eq!(
            name("load", "1", "gauge", Format::OpenMetrics),
            names("load_ratio", "load_ratio", "ratio")
        );
    }

    proptest! {
        #[test]
        fn every_name_is_legal_and_ends_with_its_unit(text in ".{1,20}", unit in ".{0,9}") {
            for kind in ["counter", "gauge", "histogram"] {
                let (sample, family, unit) = name(&text, &unit, kind, Format::OpenMetrics);
                prop_assert!(family.ends_with(&unit));
                prop_assert!(!sample.starts_with(|c: char| c.is_ascii_digit()));
                let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
                prop_assert!(sample.chars().all(legal), "{sample}");
            }
        }
    }
}
