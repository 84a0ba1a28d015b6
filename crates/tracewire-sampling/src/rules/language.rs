//! Rules as one line of text.

use super::{
    conditions::Conditions,
    error::RuleError,
    mistakes,
    pattern::Pattern,
    rule_based::RuleBased,
    scan::Scan,
    splunk,
    words::{KINDS, PARENTS},
};
use crate::composable::{AlwaysOff, AlwaysOn, Composable, Probability, RateTarget};
use std::{collections::HashMap, ops::Range};

/// Rules that one text may have.
const MAX_RULES: usize = 1_000;
const ACTION: &str = "expected on, off or a number from 0 to 1, and after it, if wanted, a rate \
                      such as 100/s or 100/s/route";
const NO_RATE: &str = "expected a rate above 0; off drops everything";
const QUOTED: &str = "the quotes around all of it are part of the value; leave them out";
const TOTAL: &str = "total";
const TOTAL_RATE: &str = "expected one rate after total, such as 100/s";
const CONDITION: &str = "expected a method in capitals, a /path, or attribute=pattern (or kind=, \
                         parent=, name=, service=)";

impl RuleBased {
    /// Reads rules from a line of text, such as `OTEL_TRACES_SAMPLER_ARG`.
    ///
    /// ```text
    /// GET /healthz*: off; POST /orders/{id}: on; kind=client db.operation.name=PING: off; /api/*: 0.1 100/s; 0.01
    /// ```
    ///
    /// Rules are separated by `;` or a line break, and the first one that applies decides. Conditions are separated
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
    /// `total 100/s` in place of a rule aims at 100 traces a second at most for all rules together: see
    /// [`total_rate`](Self::total_rate).
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
        if scan.is_one_quote() {
            // As files of variables leave them, which are read without a shell.
            return Err(scan.error(1, 0, QUOTED.to_owned()));
        }
        let mut rules = Self::new();
        let mut seen = HashMap::new();
        let (mut has_fallback, mut has_total) = (false, false);
        for (number, rule) in scan.rules().enumerate() {
            let at = |column: usize, message: String| scan.error(number + 1, column, message);
            if number >= MAX_RULES {
                return Err(at(rule.start, format!("expected at most {MAX_RULES} rules")));
            }
            if let Some(limit) = total(&scan, number + 1, &rule)? {
                if has_total {
                    return Err(at(rule.start, "expected one total".to_owned()));
                }
                has_total = true;
                rules = rules.total_rate(limit);
                continue;
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
            let place = rule.start..colon;
            let conditions = conditions(&scan, number + 1, place.clone(), service_name)?;
            if let Some(conditions) = conditions {
                let mut warnings = mistakes::of(&scan, number + 1, &place);
                let first = *seen.entry(conditions.to_string()).or_insert(number + 1);
                if first != number + 1 {
                    let what = format!("the conditions are those of rule {first}, which decides");
                    warnings.push(at(place.start, what).to_string());
                }
                rules = rules.warned(warnings).rule(conditions, action);
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

/// The rate that all rules together aim at, if that is what this one says.
fn total(scan: &Scan<'_>, rule: usize, range: &Range<usize>) -> Result<Option<f64>, RuleError> {
    let mut words = scan.words(range);
    let first = words.next().filter(|word| scan.text[word.clone()] == *TOTAL);
    if first.is_none() || scan.last_colon(range).is_some() {
        return Ok(None);
    }
    let rate = words.next().unwrap_or(range.end..range.end);
    let error = |at: usize, message: &str| scan.error(rule, at, message.to_owned());
    if let Some(word) = words.next() {
        return Err(error(word.start, TOTAL_RATE));
    }
    match target(&scan.text[rate.clone()]) {
        Some(Target { limit, per_route: false }) if limit > 0.0 => Ok(Some(limit)),
        Some(Target { per_route: false, .. }) => Err(error(rate.start, NO_RATE)),
        _ => Err(error(rate.start, TOTAL_RATE)),
    }
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
    let (probability, mut rate) = match text {
        "on" => (Probability::ALWAYS, None),
        "off" => return ended(&mut words, AlwaysOff).map_err(error),
        _ => match (text.parse::<Probability>(), target(text)) {
            (Ok(probability), _) => (probability, None),
            (Err(_), Some(_)) => (Probability::ALWAYS, Some(first)),
            (Err(_), None) => return Err(error(first.start)),
        },
    };
    rate = rate.or_else(|| words.next());
    let action = match rate {
        None => ended(&mut words, probability),
        Some(word) => {
            let target = target(&scan.text[word.clone()]).ok_or_else(|| error(word.start))?;
            if target.limit <= 0.0 {
                return Err(scan.error(rule, word.start, NO_RATE.to_owned()));
            }
            let sampler = RateTarget::new(probability, target.limit);
            ended(&mut words, if target.per_route { sampler.per_route() } else { sampler })
        }
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

/// A rate, and whether it is one for each route.
struct Target {
    limit: f64,
    per_route: bool,
}

/// Reads a rate: `100/s`, `0.5/s/route`.
fn target(text: &str) -> Option<Target> {
    let (text, per_route) = match text.strip_suffix("/route") {
        Some(text) => (text, true),
        None => (text, false),
    };
    let limit = text.strip_suffix("/s")?;
    let is_number = limit.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.'));
    let limit: f64 = limit.parse().ok().filter(|limit: &f64| is_number && limit.is_finite())?;
    Some(Target { limit, per_route })
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
