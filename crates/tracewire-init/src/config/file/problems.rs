//! What is wrong with a file: everything at once, in the order of its lines.

use std::error::Error;
use std::fmt;

use tracewire_text::shortened;

use super::position::Position;

/// How many problems of one file are shown.
const MOST: usize = 20;
/// The longest text of one problem, in characters.
const MOST_TEXT: usize = 600;

/// Why a configuration file cannot be used.
///
/// It lists all problems of the file in the order of its lines, at most 20, one on each line:
/// `otel.yaml:14:9: tracer_provider.processors[0].batch.max_queue_size: 0 is not allowed; expected a
/// whole number from 1 to 2147483647`. Values of headers, of keys and of TLS settings are never part of
/// it. `Debug` shows the same.
///
/// ```
/// use tracewire_init::ConfigFile;
///
/// let error = ConfigFile::parse("otel.yaml", b"file_format: 7", |_| None).unwrap_err();
/// for line in error.lines() {
///     println!("{line}");
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigFileError {
    file: String,
    problems: Vec<Problem>,
    omitted: usize,
    is_unreadable: bool,
}

impl ConfigFileError {
    /// A problem with the file as a whole.
    pub(super) fn of_file(file: &str, what: impl Into<String>) -> Self {
        let problem = Problem { at: None, path: String::new(), what: what.into() };
        let file = shortened(file, MOST_TEXT);
        Self { file, problems: vec![problem], omitted: 0, is_unreadable: false }
    }

    /// What the system says of a file that it does not give.
    pub(super) fn unreadable(file: &str, error: &std::io::Error) -> Self {
        let error = Self::of_file(file, format!("the file cannot be read: {error}"));
        Self { is_unreadable: true, ..error }
    }

    /// Whether the system did not give the file, which may be over without a change of the file.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.is_unreadable
    }

    /// Whether the file as a whole is the problem, and nothing in it.
    pub(crate) fn is_of_file(&self) -> bool {
        self.problems.iter().all(|problem| problem.at.is_none())
    }

    pub(super) fn of_problems(file: &str, problems: Problems) -> Self {
        let (file, omitted) = (shortened(file, MOST_TEXT), problems.omitted());
        Self { file, problems: problems.into_sorted(), omitted, is_unreadable: false }
    }

    /// One line for each problem that is shown.
    pub fn lines(&self) -> impl Iterator<Item = String> + '_ {
        self.problems.iter().map(|problem| problem.line(&self.file))
    }

    /// How many problems there are, including those beyond the 20 that are shown.
    #[must_use]
    pub fn count(&self) -> usize {
        self.problems.len() + self.omitted
    }
}

impl fmt::Display for ConfigFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.lines().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{line}")?;
        }
        if self.omitted > 0 {
            write!(f, "\n{}: and {} more", self.file, self.omitted)?;
        }
        Ok(())
    }
}

impl fmt::Debug for ConfigFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for ConfigFileError {}

/// One thing that is wrong or odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// `None` for the file as a whole.
    at: Option<Position>,
    path: String,
    what: String,
}

impl Problem {
    /// `file:line:column: path: what`
    pub(super) fn line(&self, file: &str) -> String {
        let mut line = file.to_owned();
        if let Some(at) = self.at {
            line.push_str(&format!(":{at}"));
        }
        if !self.path.is_empty() {
            line.push_str(&format!(": {}", self.path));
        }
        format!("{line}: {}", self.what)
    }
}

/// Problems as they are found. It keeps the first of them by line, so its size is bounded.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    kept: Vec<Problem>,
    /// Where the last of them is, once there are enough.
    last: Option<Position>,
    count: usize,
}

impl Problems {
    /// Adds one. Its texts are made only if it may be among those that are shown.
    pub(crate) fn add(&mut self, at: Position, path: impl fmt::Display, what: impl fmt::Display) {
        self.count += 1;
        if self.last.is_some_and(|last| at >= last) {
            return;
        }
        let what = shortened(&what.to_string(), MOST_TEXT);
        self.kept.push(Problem { at: Some(at), path: path.to_string(), what });
        if self.kept.len() > 4 * MOST {
            self.trim();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn into_sorted(mut self) -> Vec<Problem> {
        self.trim();
        self.kept
    }

    fn omitted(&self) -> usize {
        self.count.saturating_sub(MOST)
    }

    fn trim(&mut self) {
        // Stable, so that those of one position stay in the order in which they were found.
        self.kept.sort_by_key(|problem| problem.at);
        self.kept.truncate(MOST);
        self.last = self.kept.get(MOST - 1).and_then(|problem| problem.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32) -> Position {
        Position { line, column: 3 }
    }

    #[test]
    fn problems_are_shown_in_the_order_of_their_lines() {
        let mut problems = Problems::default();
        problems.add(at(9), "b", "is wrong");
        problems.add(at(2), "a", "is wrong too");
        problems.add(at(2), "", "again");
        let error = ConfigFileError::of_problems("otel.yaml", problems);
        assert_eq!(
            error.to_string(),
            "otel.yaml:2:3: a: is wrong too\notel.yaml:2:3: again\notel.yaml:9:3: b: is wrong"
        );
        assert_eq!(format!("{error:?}"), error.to_string());
    }

    #[test]
    fn the_first_twenty_are_shown_and_the_others_counted() {
        let mut problems = Problems::default();
        for line in (1..=1000).rev() {
            problems.add(at(line), "a", "is wrong");
        }
        let error = ConfigFileError::of_problems("otel.yaml", problems);
        assert_eq!((error.count(), error.lines().count()), (1000, 20));
        assert!(error.lines().next().unwrap().starts_with("otel.yaml:1:3: "));
        assert!(error.to_string().ends_with("\notel.yaml: and 980 more"));
    }

    #[test]
    fn long_and_unprintable_texts_are_cut_and_escaped() {
        let mut problems = Problems::default();
        problems.add(at(1), "a", "x\n".repeat(1000));
        let error = ConfigFileError::of_problems("otel.yaml", problems);
        assert_eq!(error.to_string().lines().count(), 1);
        assert!(error.to_string().len() < 1300);
    }
}
