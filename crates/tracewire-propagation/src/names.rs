//! Propagators by name, as `OTEL_PROPAGATORS` lists them.

use crate::{
    composite::Composite,
    formats::{HeaderFormat, default_set},
    propagator::Propagator,
    register::{NONE, registered, registered_names},
};
use std::{env, fmt, sync::Arc};

const VARIABLE: &str = "OTEL_PROPAGATORS";

/// Reads `OTEL_PROPAGATORS`. See [`from_names`].
///
/// # Errors
///
/// A name belongs to a format that is known but not compiled in.
///
/// ```
/// use tracewire_propagation::{NotCompiledIn, from_env, set_default};
///
/// fn choose() -> Result<(), NotCompiledIn> {
///     let chosen = from_env()?;
///     for name in chosen.unknown() {
///         eprintln!("OTEL_PROPAGATORS: {name:?} is no known propagator");
///     }
///     set_default(chosen.propagator());
///     Ok(())
/// }
/// ```
pub fn from_env() -> Result<NamedPropagators, NotCompiledIn> {
    let names = env::var_os(VARIABLE).unwrap_or_default();
    from_names(&names.to_string_lossy())
}

/// Chooses propagators by a comma-separated list of names, as `OTEL_PROPAGATORS` holds it.
///
/// Names are trimmed, are compared without case, and count once. They are the formats' names (see
/// [`HeaderFormat::name`]) and those that were [`register`](crate::register)ed. `none` chooses no
/// propagator, even if other names are listed. Unknown names are ignored and returned by
/// [`NamedPropagators::unknown`]. A list without any known name is treated as an empty one: it
/// chooses the formats that are compiled in, in the order of [`HeaderFormat::ALL`].
///
/// # Errors
///
/// A name belongs to a format that is known but not compiled in.
///
/// # Examples
///
/// ```
/// # #[cfg(all(feature = "tracecontext", feature = "baggage"))] {
/// let selection = tracewire_propagation::from_names("tracecontext, baggage, acme")?;
/// assert_eq!(selection.names(), ["tracecontext", "baggage"]);
/// assert_eq!(selection.unknown(), ["acme"]);
/// # }
/// # Ok::<(), tracewire_propagation::NotCompiledIn>(())
/// ```
pub fn from_names(names: &str) -> Result<NamedPropagators, NotCompiledIn> {
    let mut chosen: Vec<Named> = Vec::new();
    let mut unknown: Vec<String> = Vec::new();
    let mut none = false;
    for word in names.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        if word.eq_ignore_ascii_case(NONE) {
            none = true;
        } else if let Some(named) = find(word)? {
            if chosen.iter().all(|(name, _)| *name != named.0) {
                chosen.push(named);
            }
        } else if unknown.iter().all(|other| other != word) {
            unknown.push(word.to_owned());
        }
    }
    if none {
        chosen.clear();
    } else if chosen.is_empty() {
        chosen = compiled_in();
    }
    Ok(NamedPropagators::new(chosen, unknown))
}

/// Propagators that were chosen by name.
///
/// ```
/// use tracewire_propagation::{NotCompiledIn, from_names};
///
/// let chosen = from_names("none")?;
/// assert!(chosen.propagator().header_names().is_empty());
/// assert!(chosen.unknown().is_empty());
/// # Ok::<(), NotCompiledIn>(())
/// ```
#[derive(Clone, Debug)]
pub struct NamedPropagators {
    propagator: Arc<dyn Propagator>,
    names: Vec<String>,
    unknown: Vec<String>,
}

impl NamedPropagators {
    /// The formats that are compiled in, W3C's last.
    pub(crate) fn compiled_in() -> Self {
        Self::new(compiled_in(), Vec::new())
    }

    fn new(chosen: Vec<Named>, unknown: Vec<String>) -> Self {
        let (names, mut propagators): (Vec<_>, Vec<_>) = chosen.into_iter().unzip();
        let propagator = match propagators.len() {
            1 => propagators.remove(0),
            _ => together(&names, Composite::from_iter(propagators)),
        };
        Self { propagator, names, unknown }
    }

    /// Returns the chosen propagators as one.
    pub fn propagator(&self) -> Arc<dyn Propagator> {
        self.propagator.clone()
    }

    /// Returns the chosen names in the order in which they are read; empty for `none`.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the names that match no known propagator. They were ignored; warn about them.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }
}

/// Several propagators of these names as one.
fn together(names: &[String], all: Composite) -> Arc<dyn Propagator> {
    #[cfg(all(feature = "tracecontext", feature = "baggage"))]
    {
        let is = |name: &String, format| HeaderFormat::from_name(name) == Some(format);
        if let [first, second] = names
            && is(first, HeaderFormat::TraceContext)
            && is(second, HeaderFormat::Baggage)
        {
            return Arc::new(crate::formats::W3c::new());
        }
    }
    let _ = names;
    Arc::new(all)
}

/// The error for a format that is known but not compiled in.
///
/// ```
/// use tracewire_propagation::from_names;
///
/// if let Err(error) = from_names("jaeger") {
///     println!("{error}"); // says which feature to enable
///     assert_eq!(error.format().name(), "jaeger");
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotCompiledIn {
    word: String,
    format: HeaderFormat,
    allowed: Vec<String>,
}

impl NotCompiledIn {
    /// Returns the format that was named.
    pub fn format(&self) -> HeaderFormat {
        self.format
    }
}

impl fmt::Display for NotCompiledIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{VARIABLE}: {:?} is not compiled in; enable the cargo feature `{}`, or use one of {}",
            self.word,
            self.format.feature(),
            self.allowed.join(", "),
        )
    }
}

impl std::error::Error for NotCompiledIn {}

/// A propagator with the name that it goes by.
type Named = (String, Arc<dyn Propagator>);

fn compiled_in() -> Vec<Named> {
    let enabled: Vec<_> = HeaderFormat::enabled().collect();
    let set = default_set(&enabled).into_iter();
    set.filter_map(|format| Some((format.name().to_owned(), format.propagator()?))).collect()
}

fn find(word: &str) -> Result<Option<Named>, NotCompiledIn> {
    let Some(format) = HeaderFormat::from_name(word) else {
        return Ok(registered(word));
    };
    match format.propagator() {
        Some(propagator) => Ok(Some((format.name().to_owned(), propagator))),
        None => Err(NotCompiledIn { word: word.to_owned(), format, allowed: allowed_names() }),
    }
}

/// Lists the names that this build accepts: its formats, the [registered](crate::register)
/// propagators, and `none`.
///
/// ```
/// assert!(tracewire_propagation::allowed_names().contains(&"none".to_owned()));
/// ```
pub fn allowed_names() -> Vec<String> {
    let formats = HeaderFormat::enabled().map(|format| format.name().to_owned());
    formats.chain(registered_names()).chain([NONE.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::register::register;

    fn compiled_in_names() -> Vec<String> {
        super::compiled_in().into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn no_known_name_means_the_compiled_formats() {
        for names in ["", " ", ",", "acme", "acme,,other"] {
            assert_eq!(from_names(names).unwrap().names(), compiled_in_names(), "{names:?}");
        }
    }

    #[test]
    fn none_chooses_nothing() {
        for names in ["none", " None ", "none,acme"] {
            let selection = from_names(names).unwrap();
            assert!(selection.names().is_empty(), "{names:?}");
            assert!(selection.propagator().header_names().is_empty());
        }
    }

    #[test]
    fn unknown_words_are_reported_once_and_as_written() {
        let selection = from_names("acme,Acme,acme").unwrap();
        assert_eq!(selection.unknown(), ["acme", "Acme"]);
    }

    #[test]
    fn names_are_trimmed_and_count_once_in_their_order() {
        for format in HeaderFormat::enabled() {
            let name = format.name();
            let names = format!(" {}\t, {name},{name}", name.to_uppercase());
            assert_eq!(from_names(&names).unwrap().names(), [name]);
        }
    }

    #[test]
    fn a_format_that_is_not_compiled_in_is_an_error_that_helps() {
        for &format in HeaderFormat::ALL.iter().filter(|format| !format.is_enabled()) {
            let error = from_names(format.name()).unwrap_err();
            assert_eq!(error.format(), format);
            let text = error.to_string();
            assert!(text.starts_with(&format!("OTEL_PROPAGATORS: {:?}", format.name())), "{text}");
            assert!(text.contains(&format!("feature `{}`", format.feature())), "{text}");
            assert!(text.ends_with("none"), "{text}");
        }
    }

    #[test]
    fn a_registered_name_is_found() {
        register("names-test", Arc::new(Composite::default())).unwrap();
        let selection = from_names("Names-Test").unwrap();
        assert_eq!(selection.names(), ["names-test"]);
        assert!(selection.unknown().is_empty());
    }

    #[cfg(all(feature = "tracecontext", feature = "b3"))]
    #[test]
    fn the_order_of_the_list_is_kept() {
        let selection = from_names("tracecontext,b3multi,b3").unwrap();
        assert_eq!(selection.names(), ["tracecontext", "b3multi", "b3"]);
        assert_eq!(selection.propagator().header_names()[0], "traceparent");
    }
}
