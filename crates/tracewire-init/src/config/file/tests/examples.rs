//! The examples of the schema's repository, for those who have them: a folder of YAML files in the
//! variable `CONFIGURATION_EXAMPLES`.

use std::collections::BTreeMap;
use std::fs;

use super::*;

/// Every file of the folder that does not load, with its error.
#[test]
#[ignore = "reads the folder CONFIGURATION_EXAMPLES"]
fn examples_load_or_name_what_is_not_supported() {
    let folder = std::env::var("CONFIGURATION_EXAMPLES").expect("CONFIGURATION_EXAMPLES is set");
    let mut refused = BTreeMap::new();
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !matches!(path.extension().and_then(|e| e.to_str()), Some("yaml" | "yml")) {
            continue;
        }
        count += 1;
        let text = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if let Err(error) = ConfigFile::parse(&name, &text, |_| None) {
            println!("{error}");
            refused.insert(name, error);
        }
    }
    assert!(count > 0, "there are no files");
    println!("{count} files, of which {} are refused", refused.len());
    for error in refused.values() {
        for line in error.lines() {
            let is_refusal =
                ["is not supported; ", "no id generator has this name", "needs the cargo feature"];
            assert!(is_refusal.iter().any(|words| line.contains(words)), "{line}");
        }
    }
    // These are files that every implementation should take.
    for name in ["otel-getting-started", "otel-sdk-config", "otel-sdk-migration-config"] {
        assert!(!refused.contains_key(&format!("{name}.yaml")), "{name}");
    }
}
