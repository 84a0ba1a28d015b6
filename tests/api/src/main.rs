//! Checks what rustdoc makes of the published crates. `just docs` and `just api` run it.
//!
//! ```text
//! api links    FOLDER   each link of the HTML leads to a page and an anchor that exist
//! api examples FOLDER   each public type, trait, function, macro and module has an example
//! api check    FOLDER   the public API of each crate is the one recorded in its api.txt
//! api record   FOLDER   writes these files
//! ```
//!
//! FOLDER is what rustdoc wrote to, `target/doc` as a rule. All but `links` read rustdoc's JSON.

mod examples;
mod links;
mod recorded;

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, process};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [command, folder] = &arguments[..] else {
        return Err("expected: api links|examples|check|record FOLDER".into());
    };
    let folder = Path::new(folder);
    let problems = match command.as_str() {
        "links" => links::dead(folder)?,
        "examples" => libraries()?
            .iter()
            .map(|library| examples::missing(&library.json(folder)))
            .collect::<Result<Vec<_>>>()?
            .concat(),
        "check" => recorded::changed(&libraries()?, folder)?,
        "record" => recorded::record(&libraries()?, folder)?,
        _ => return Err(format!("no command {command:?}").into()),
    };
    let mut out = std::io::stdout().lock();
    for problem in &problems {
        writeln!(out, "{problem}")?;
    }
    writeln!(out, "{command}: {} problems", problems.len())?;
    process::exit(i32::from(!problems.is_empty()));
}

/// A published crate with a library.
struct Library {
    folder: PathBuf,
    name: String,
}

impl Library {
    /// What rustdoc wrote about it.
    fn json(&self, folder: &Path) -> PathBuf {
        folder.join(self.name.replace('-', "_")).with_extension("json")
    }
}

fn libraries() -> Result<Vec<Library>> {
    let crates = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates"));
    let mut libraries = Vec::new();
    for entry in fs::read_dir(crates)? {
        let folder = entry?.path();
        if folder.join("src/lib.rs").exists() {
            let name = folder.file_name().ok_or("a folder has a name")?.to_string_lossy();
            libraries.push(Library { name: name.into_owned(), folder });
        }
    }
    libraries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(libraries)
}
