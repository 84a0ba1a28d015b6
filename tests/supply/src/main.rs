//! Prints how often `unsafe` stands in each package below the published crates, the most first, with a
//! sum. Those without are only counted.

use std::io::{self, Write};
use supply::{count::in_folder, dependencies::below_published};

fn main() -> io::Result<()> {
    let packages = below_published();
    let mut counted = Vec::new();
    for package in &packages {
        let folder = package.manifest_path.parent().map(|folder| folder.join("src"));
        let folder = folder.filter(|folder| folder.exists());
        let count = folder.map_or(Ok(0), |folder| in_folder(folder.as_std_path()))?;
        counted.push((count, format!("{} {}", package.name, package.version)));
    }
    counted.sort_by(|a, b| b.cmp(a));
    let (with, sum) = counted
        .iter()
        .fold((0, 0), |(with, sum), (count, _)| (with + usize::from(*count > 0), sum + count));
    let mut out = io::stdout().lock();
    for (count, package) in counted.iter().filter(|(count, _)| *count > 0) {
        writeln!(out, "{count:>6}  {package}")?;
    }
    let without = packages.len() - with;
    writeln!(out, "{sum:>6}  in {with} of {} packages, none in the other {without}", packages.len())
}
