//! The examples of the schema's repository, for those who have them: the variable
//! `CONFIGURATION_EXAMPLES` is a folder with YAML files, or with folders `examples` and `snippets`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// Every example that does not load in a build with all features: the lines and nodes that it names.
const REFUSED: &[(&str, &[&str])] = &[
    (
        "ExperimentalInstrumentation_kitchen_sink",
        &[
            "9:23: instrumentation/development.general.http.semconv.experimental",
            "10:20: instrumentation/development.general.http.semconv.dual_emit",
            "68:28: instrumentation/development.general.stability_opt_in_list",
        ],
    ),
    (
        "ExperimentalPrometheusMetricExporter_kitchen_sink",
        &[
            "13:13: meter_provider.readers[0].pull.exporter.prometheus/development.resource_constant_labels",
        ],
    ),
    (
        "ExperimentalTracerConfigurator_kitchen_sink",
        &["8:3: tracer_provider.tracer_configurator/development"],
    ),
    ("IdGenerator_custom", &["11:5: tracer_provider.id_generator.my_custom_id_generator"]),
    ("LogRecordLimits_kitchen_sink", &[DEPTH]),
    ("SpanLimits_kitchen_sink", &[DEPTH]),
    (
        "View_kitchen_sink",
        &[
            "43:15: meter_provider.views[0].stream.attribute_keys.included[0]",
            "44:11: meter_provider.views[0].stream.attribute_keys.excluded",
        ],
    ),
];

const DEPTH: &str = "5:32: attribute_limits.attribute_value_depth_limit";

#[test]
#[ignore = "reads the folder CONFIGURATION_EXAMPLES"]
fn examples_load_or_name_what_is_not_supported() {
    let folder = std::env::var("CONFIGURATION_EXAMPLES").expect("CONFIGURATION_EXAMPLES is set");
    let files = files(Path::new(&folder));
    assert!(!files.is_empty(), "there are no files");
    let expected: BTreeMap<_, _> = REFUSED.iter().copied().collect();
    for path in &files {
        let text = fs::read(path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy();
        let lines: Vec<String> = match ConfigFile::parse(&name, &text, |_| None) {
            Ok(_) => Vec::new(),
            Err(error) => error.lines().collect(),
        };
        // What is missing in this build only.
        let lines: Vec<_> =
            lines.iter().filter(|line| !line.contains("needs the cargo feature")).collect();
        let expected = expected.get(&*name).copied().unwrap_or_default();
        assert_eq!(lines.len(), expected.len(), "{lines:?}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(&format!("{name}:{expected}: ")), "{line}");
        }
    }
    println!("{} files", files.len());
}

/// The YAML files of the folder, and of its folders of examples.
fn files(folder: &Path) -> Vec<PathBuf> {
    let folders = [folder.to_owned(), folder.join("examples"), folder.join("snippets")];
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let is_yaml = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "yaml");
    entries.map(|entry| entry.unwrap().path()).filter(is_yaml).collect()
}
