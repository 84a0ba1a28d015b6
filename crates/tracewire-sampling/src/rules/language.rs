//! Rules as one line of text.

use super::{
    conditions::Conditions,
    error::RuleError,
    pattern::Pattern,
    rule_based::RuleBased,
    scan::Scan,
    splunk,
    words::{KINDS, PARENTS},
};
use crate::composable::{AlwaysOff, AlwaysOn, Composable, Probability, RateTarget};
use std::ops::Range;

/// Rules that one text may have.
const MAX_RULES: usize = 1_000;
const ACTION: &str = "expected on, off or a number from 0 to 1, and after it, if wanted, a rate \
                      such as 100/s or 100/s/route";
const CONDITION: &str = "expected a method in capitals, a /path, or attribute=pattern (or kind=, \
                         parent=, name=, service=)";

impl RuleBased {
    /// Reads rules from a line of text, such as `OTEL_TRACES_SAMPLER_ARG`.
    ///
    /// ```text
    /// GET /healthz*: off; POST /orders/{id}: on; kind=client db.operation.name=PING: off; /api/*: 0.1 100/s; 0.01
    /// ```
    ///
    /// Rules are separated by `;`, and the first one that applies decides. Conditions are separated
    /// by spaces, and all have to hold. The action follows the last `:`. An action without
    /// conditions is for all other spans; without one, they are kept.
    ///
    /// | condition | holds if |
    /// |---|---|
    /// | `GET` | `http.request.method` is that |
    /// | `/path` | `http.route` or `url.path` matches |
    /// | `name=pattern` | the span's name matches |
    /// | `kind=client,producer` | the span is of one of these kinds: `client`, `consumer`, `internal`, `producer`, `server` |
    /// | `parent=none` | the span has no parent, a `remote` or a `local` one |
    /// | `service=pattern` | `service_name` matches; decided once, here |
    /// | `attribute=pattern` | the attribute is there when the span starts, and its value matches |
    ///
    /// See [`Pattern`] for patterns. A value with spaces, `;` or `:` stands between quotes.
    ///
    /// | action | meaning |
    /// |---|---|
    /// | `on`, `off` | keeps or drops all |
    /// | `0.1` | keeps each trace with this probability |
    /// | `0.1 100/s` | the same, but aims at 100 traces a second at most: see [`RateTarget`] |
    /// | `0.1 100/s/route` | the same for each route |
    ///
    /// Splunk's form, `drop=/healthz;fallback=parentbased_always_on`, is read too: it drops server
    /// spans whose path contains the text.
    ///
    /// # Errors
    ///
    /// The first thing that cannot be read, with the number of its rule and its column.
    ///
    /// ```
    /// use tracewire_sampling::RuleBased;
    ///
    /// let rules = RuleBased::parse("GET /healthz*: off; 0.01 100/s", "shop")?;
    /// let error = RuleBased::parse("GET /healthz*: off; /api/*: maybe", "shop").unwrap_err();
    /// assert!(error.to_string().starts_with("rule 2, column 29: "));
    /// # Ok::<(), tracewire_sampling::RuleError>(())
    /// ```
    pub fn parse(text: &str, service_name: &str) -> Result<Self, RuleError> {
        if splunk::is_splunk(text) {
            return splunk::parse(text);
        }
        let scan = Scan::new(text)?;
        let mut rules = Self::new();
        let mut has_fallback = false;
        for (number, rule) in scan.rules().enumerate() {
            let at = |column: usize, message: String| scan.error(number + 1, column, message);
            if number >= MAX_RULES {
                return Err(at(rule.start, format!("expected at most {MAX_RULES} rules")));
            }
            if has_fallback {
                let message = "the previous rule has no conditions, so no rule can follow it";
                return Err(at(rule.start, message.to_owned()));
            }
            let colon = scan.last_colon(&rule);
            let action = colon.map_or(rule.start, |colon| colon + 1)..rule.end;
            let action = self::action(&scan, number + 1, action)?;
            let Some(colon) = colon else {
                has_fallback = true;
                rules = rules.fallback(action);
                continue;
            };
            let conditions = conditions(&scan, number + 1, rule.start..colon, service_name)?;
            if let Some(conditions) = conditions {
                rules = rules.rule(conditions, action);
            }
        }
        Ok(if has_fallback { rules } else { rules.fallback(AlwaysOn) })
    }
}

/// The conditions of one rule, `None` if the service is another one.
fn conditions(
    scan: &Scan<'_>,
    rule: usize,
    range: Range<usize>,
    service_name: &str,
) -> Result<Option<Conditions>, RuleError> {
    let mut conditions = Conditions::new();
    let mut is_ours = true;
    let mut any = false;
    for word in scan.words(&range) {
        any = true;
        let text = &scan.text[word.clone()];
        let bare = unquoted(text);
        let error = |message: String| scan.error(rule, word.start, message);
        if bare.starts_with(['/', '*']) {
            conditions = conditions.path(bare);
        } else if let Some((key, value)) = text.split_once('=') {
            let value = unquoted(value);
            if key.is_empty() || (value.is_empty() && !text.ends_with(['"', '\''])) {
                return Err(error(CONDITION.to_owned()));
            }
            match key {
                "service" => is_ours &= Pattern::new(value).matches(service_name),
                "name" => conditions = conditions.name(value),
                "kind" => conditions = conditions.kinds(of(&KINDS, value).map_err(error)?),
                "parent" => conditions = conditions.parents(of(&PARENTS, value).map_err(error)?),
                _ => conditions = conditions.attribute(key, [value]),
            }
        } else if is_method(text) {
            conditions = conditions.method(text);
        } else {
            return Err(error(CONDITION.to_owned()));
        }
    }
    if !any {
        return Err(scan.error(rule, range.end, format!("{CONDITION} before the colon")));
    }
    Ok(is_ours.then_some(conditions))
}

/// What to do where the conditions hold.
fn action(
    scan: &Scan<'_>,
    rule: usize,
    range: Range<usize>,
) -> Result<Box<dyn Composable>, RuleError> {
    let mut words = scan.words(&range);
    let error = |at: usize| scan.error(rule, at, ACTION.to_owned());
    let Some(first) = words.next() else { return Err(error(range.end)) };
    let text = &scan.text[first.clone()];
    let (probability, mut target) = match text {
        "on" => (Probability::ALWAYS, None),
        "off" => return ended(&mut words, AlwaysOff).map_err(error),
        _ => match (text.parse::<Probability>(), target(text)) {
            (Ok(probability), _) => (probability, None),
            (Err(_), Some(target)) => (Probability::ALWAYS, Some(target)),
            (Err(_), None) => return Err(error(first.start)),
        },
    };
    if target.is_none()
        && let Some(second) = words.next()
    {
        let start = second.start;
        target = Some(self::target(&scan.text[second]).ok_or_else(|| error(start))?);
    }
    let action = match target {
        None => ended(&mut words, probability),
        Some((limit, false)) => ended(&mut words, RateTarget::new(probability, limit)),
        Some((limit, true)) => ended(&mut words, RateTarget::new(probability, limit).per_route()),
    };
    action.map_err(error)
}

/// The sampler, or where a further word begins.
fn ended(
    words: &mut impl Iterator<Item = Range<usize>>,
    sampler: impl Composable + 'static,
) -> Result<Box<dyn Composable>, usize> {
    match words.next() {
        None => Ok(Box::new(sampler)),
        Some(word) => Err(word.start),
    }
}

/// A rate, and whether it is one for each route: `100/s`, `0.5/s/route`.
fn target(text: &str) -> Option<(f64, bool)> {
    let (text, per_route) = match text.strip_suffix("/route") {
        Some(text) => (text, true),
        None => (text, false),
    };
    let limit = text.strip_suffix("/s")?;
    let is_number = limit.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.'));
    let limit: f64 = limit.parse().ok().filter(|_| is_number)?;
    (limit > 0.0 && limit.is_finite()).then_some((limit, per_route))
}

/// The values with these names, of which a comma-separated list is made.
fn of<T: Clone>(known: &[(&str, T)], list: &str) -> Result<Vec<T>, String> {
    let one = |word: &str| {
        let found = known.iter().find(|(name, _)| *name == word);
        found.map(|(_, value)| value.clone()).ok_or_else(|| {
            let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
            format!("expected one of {}", names.join(", "))
        })
    };
    list.split(',').map(one).collect()
}

fn is_method(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_uppercase())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"-_".contains(&b))
}

fn unquoted(text: &str) -> &str {
    let inner = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}
