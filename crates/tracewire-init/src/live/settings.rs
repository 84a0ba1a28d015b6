//! What is decided about the live page.

use tracewire_export::wiring::Shown;

use super::SharedPage;
use crate::builder;
use crate::features;
use crate::plan::{Origin, Plan};

const LISTEN: &str = "TRACEWIRE_LIVE";
const MEMORY: &str = "TRACEWIRE_LIVE_MEMORY";
const TOKEN: &str = "TRACEWIRE_LIVE_TOKEN";
const LEAST_MEMORY: u32 = 4;

/// The live page, as decided.
#[cfg_attr(not(feature = "live"), expect(dead_code, reason = "nothing makes a page of it"))]
pub(crate) struct Live {
    /// Where it is served: `None` if the program mounts it.
    pub(crate) listen: Option<String>,
    pub(crate) memory_mib: u32,
    pub(crate) token: Option<String>,
    pub(crate) hosts: Vec<String>,
    /// Where it is shown instead: on the page of another telemetry.
    pub(crate) shared: Option<SharedPage>,
}

/// Decides whether there is a page. A page to look at never stops a service from starting, so what
/// cannot work is warned of.
pub(crate) fn decide(given: builder::Live, plan: &mut Plan) -> Option<Live> {
    let by_code = given.is_on.as_ref().is_some_and(|given| given.origin == Origin::Code);
    let is_on = given.is_on.is_some_and(|given| given.value);
    let is_off = |text: &str| text.trim().is_empty() || text.trim().eq_ignore_ascii_case("false");
    let refused = given.listen.as_ref().is_some_and(|given| is_off(&given.value));
    let shared = given.shared.map(|given| given.value);
    let listen = given.listen.filter(|given| shared.is_none() && !is_off(&given.value));
    if listen.is_none() && (!is_on || (refused && !by_code)) {
        let why = "TRACEWIRE_LIVE is not set";
        plan.has_no_effect(&given.memory_mib, why);
        plan.has_no_effect(&given.token, why);
        return None;
    }
    if !features::LIVE {
        plan.warn("there is no live page: it needs the cargo feature `live`".to_owned());
        return None;
    }
    let listen = plan.pick_shown(LISTEN, listen.map(|given| given.map(Some)), None, |listen| {
        let listen = listen.as_ref();
        listen.map_or("mounted".to_owned(), |text: &String| Shown::value(text).text().to_owned())
    });
    Some(Live {
        listen,
        memory_mib: plan.pick(MEMORY, given.memory_mib, 16).max(LEAST_MEMORY),
        token: given.token.map(|token| {
            plan.decide(TOKEN, "(not shown)", token.origin);
            token.value
        }),
        hosts: given.hosts,
        shared,
    })
}

#[cfg(all(test, feature = "live"))]
mod tests {
    use super::*;
    use crate::builder::Live as Given;
    use crate::settings::{Merge, from_variable};

    fn listens(code: Given, variable: Option<&str>, defaults: Given) -> Option<Option<String>> {
        let mut plan = Plan::default();
        let mut given = code;
        let listen = variable.and_then(|text| from_variable(LISTEN, text.to_owned()));
        given.complete(Given { listen, ..Given::default() }, &mut plan);
        let mut defaults = defaults;
        defaults.make_default();
        given.complete(defaults, &mut plan);
        decide(given, &mut plan).map(|live| live.listen)
    }

    fn on() -> Given {
        Given { is_on: crate::settings::in_code(true), ..Given::default() }
    }

    #[test]
    fn code_wins_over_the_variable_and_the_variable_over_defaults() {
        let port = |port: &str| Some(Some(port.to_owned()));
        let none = Given::default;
        for (code, variable, defaults, expected) in [
            (none(), None, none(), None),
            (none(), Some("true"), none(), port("true")),
            (none(), Some("false"), none(), None),
            (none(), None, on().listen("true"), port("true")),
            (none(), Some("5000"), on().listen("true"), port("5000")),
            (none(), Some("false"), on().listen("true"), None),
            (on(), None, none(), Some(None)),
            (on(), Some("true"), none(), port("true")),
            (on(), Some("false"), none(), Some(None)),
            (on().listen("5000"), Some("false"), none(), port("5000")),
        ] {
            assert_eq!(listens(code, variable, defaults), expected, "{variable:?}");
        }
    }
}
