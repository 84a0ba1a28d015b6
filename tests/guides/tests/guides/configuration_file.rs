//! docs/configuration-file.md

use std::error::Error;

fn check() -> Result<(), Box<dyn Error>> {
    let file = tracewire::setup::ConfigFile::read("otel.yaml")?;
    for warning in file.warnings() {
        eprintln!("{warning}");
    }
    Ok(())
}

#[test]
fn a_file_that_is_not_there_is_named() {
    assert!(check().unwrap_err().to_string().contains("otel.yaml"));
}
