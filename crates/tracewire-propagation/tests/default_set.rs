//! What is compiled in is what is used, feature by feature.
//!
//! A build of the whole workspace unifies features, so this file says most when it is run on this
//! crate alone, once for each feature.

use std::sync::Arc;
use tracewire_propagation::{
    Composite, HeaderFormat, default_propagator, default_version, from_names, set_default,
};

fn names(propagator: &dyn tracewire_propagation::Propagator) -> Vec<String> {
    propagator.header_names().iter().map(ToString::to_string).collect()
}

/// A row of the README's table of formats.
struct Row {
    feature: String,
    is_default: bool,
    name: String,
    headers: Vec<String>,
}

fn documented() -> Vec<Row> {
    let quoted = |cell: &str| {
        let texts = cell.split('`').skip(1).step_by(2);
        texts.map(str::to_owned).collect::<Vec<_>>()
    };
    let rows = include_str!("../README.md").lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [feature, default, name, _, headers] = cells[..] else { panic!("five cells: {row}") };
        Row {
            feature: quoted(feature).remove(0),
            is_default: default == "yes",
            name: quoted(name).remove(0),
            headers: quoted(headers),
        }
    })
    .collect()
}

/// The headers of the formats that are compiled in, in the order of the README's table, which is
/// that of the default set. Of two names of one feature the first is in the set.
fn expected() -> Vec<String> {
    let mut headers: Vec<String> = Vec::new();
    let mut features = Vec::new();
    for (row, format) in documented().into_iter().zip(HeaderFormat::ALL) {
        if format.propagator().is_some() && !features.contains(&row.feature) {
            let names = row.headers.into_iter().filter(|name| !name.ends_with('*'));
            let new: Vec<_> = names.filter(|name| !headers.contains(name)).collect();
            headers.extend(new);
            features.push(row.feature);
        }
    }
    headers
}

#[test]
fn the_readme_lists_the_formats_as_they_are() {
    let manifest = include_str!("../Cargo.toml");
    let default = manifest.lines().find(|line| line.starts_with("default = ")).unwrap();
    let documented = documented();
    assert_eq!(documented.len(), HeaderFormat::ALL.len());
    for (row, format) in documented.iter().zip(HeaderFormat::ALL) {
        assert_eq!((&*row.name, &*row.feature), (format.name(), format.feature()));
        assert_eq!(row.is_default, default.contains(&format!("\"{}\"", row.feature)), "{format}");
        if let Some(propagator) = format.propagator() {
            let written: Vec<_> = row.headers.iter().filter(|name| !name.ends_with('*')).collect();
            assert_eq!(names(&propagator).iter().collect::<Vec<_>>(), written, "{format}");
        }
    }
}

#[test]
fn the_enabled_formats_are_the_default_set() {
    let selection = from_names("").unwrap();
    assert_eq!(names(&selection.propagator()), expected());
    for format in HeaderFormat::ALL {
        assert_eq!(format.is_enabled(), format.propagator().is_some(), "{format}");
        assert_eq!(format.is_enabled(), from_names(format.name()).is_ok(), "{format}");
    }
}

// The process's default is one for all tests of this file, so one test alone touches it.
#[test]
fn the_default_can_be_replaced_again_and_again() {
    assert_eq!(names(&default_propagator()), expected());
    let before = default_version();
    set_default(Arc::new(Composite::default()));
    assert_eq!(names(&default_propagator()), Vec::<String>::new());
    assert_ne!(default_version(), before);
    set_default(from_names("").unwrap().propagator());
    assert_eq!(names(&default_propagator()), expected());
}
