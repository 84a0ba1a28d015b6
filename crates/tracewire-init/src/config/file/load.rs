//! A file in place of the variables: read, checked, and made settings of.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tracewire_export::wiring::shown::Shown;

use super::components::Registered;
use super::layer::{self, Mapper};
use super::schema::Configuration;
use super::watch::Stat;
use super::{ConfigFile, ConfigFileError};
use crate::builder::Component;
use crate::error::InitError;
use crate::plan::Plan;
use crate::settings::{Given, Layer};
use crate::variables::Env;

/// A file that has no problems.
pub(crate) struct Loaded {
    pub(crate) layer: Layer,
    pub(crate) source: Source,
    /// The variables that the file refers to.
    pub(crate) used: BTreeSet<String>,
}

/// What it takes to read a file again, and what it said last.
pub(crate) struct Source {
    /// Absolute, because the process may go to another folder.
    pub(super) path: PathBuf,
    /// The file as it was named, for messages.
    pub(super) name: String,
    /// The variable or the method that chose it.
    pub(super) set_by: String,
    pub(super) env: Env,
    pub(super) components: Vec<Component>,
    pub(super) configuration: Configuration,
    /// Who sends, for rules of samplers.
    pub(super) service: String,
    /// How the file was before it was read.
    pub(super) stat: Stat,
}

/// Reads a file. Its warnings go into the plan.
///
/// # Errors
///
/// It cannot be read, says something that is wrong or not supported, or names a component that cannot be made.
pub(crate) fn load(
    chosen: &Given<PathBuf>,
    env: &Env,
    code: &mut Layer,
    plan: &mut Plan,
) -> Result<Loaded, InitError> {
    let name = shown(&chosen.value);
    let path = std::path::absolute(&chosen.value).unwrap_or_else(|_| chosen.value.clone());
    let set_by = chosen.origin.name("Builder::config_file");
    let components = std::mem::take(&mut code.components);
    let used = RefCell::default();
    let variables = recording(env, &used);
    let stat = Stat::of(&path);
    let file = read(set_by, &path, &name, &components, &variables)?;
    file.warnings().iter().for_each(|warning| plan.warn(warning.clone()));
    let mut mapper = Mapper {
        file: &name,
        components: &components,
        variables: &variables,
        service: String::new(),
        problems: RefCell::default(),
    };
    let named = code.resource.service_name.as_ref().map(|given| given.value.as_str());
    let layer = layer::layer(&file.configuration, named, &mut mapper);
    let Mapper { service, problems, .. } = mapper;
    refuse(set_by, &name, problems)?;
    let used = used.take();
    let source = Source {
        path,
        name,
        set_by: set_by.to_owned(),
        env: env.clone(),
        components,
        configuration: file.configuration,
        service,
        stat,
    };
    Ok(Loaded { layer, source, used })
}

/// Reads and checks the file.
pub(super) fn read(
    set_by: &str,
    path: &Path,
    name: &str,
    components: &[Component],
    variables: &dyn Fn(&str) -> Option<OsString>,
) -> Result<ConfigFile, InitError> {
    let mut registered = Registered::default();
    components.iter().for_each(|component| registered.add(component.kind, &component.name));
    ConfigFile::read_with(path, name, &registered, variables)
        .map_err(|error| InitError::configuration_file(set_by, error))
}

/// The file's name, for messages.
pub(super) fn shown(path: &Path) -> String {
    Shown::path(&path.to_string_lossy()).text().to_owned()
}

/// # Errors
///
/// There are problems.
pub(super) fn refuse(
    set_by: &str,
    name: &str,
    problems: RefCell<super::problems::Problems>,
) -> Result<(), InitError> {
    let problems = problems.into_inner();
    if problems.is_empty() {
        return Ok(());
    }
    let error = ConfigFileError::of_problems(name, problems);
    Err(InitError::configuration_file(set_by, error))
}

/// The variables, with a note of those that are asked for.
fn recording<'a>(
    env: &'a Env,
    used: &'a RefCell<BTreeSet<String>>,
) -> impl Fn(&str) -> Option<OsString> + 'a {
    |name| {
        used.borrow_mut().insert(name.to_owned());
        env.value(name)
    }
}
