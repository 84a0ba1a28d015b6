//! Whether a full trace has room for more, as far as the thread that ends a span needs to know.

/// What a full trace still takes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    takes: Takes,
    beyond: Beyond,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Takes {
    #[default]
    Everything,
    Errors,
    Nothing,
}

/// Spans of a full trace that were dropped where they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Beyond {
    pub(super) spans: u32,
    /// Errors among them, as far as they are told apart: those of one request count as one.
    pub(super) errors: u32,
    /// When the last of them ended.
    pub(super) end: u64,
}

impl Room {
    pub(super) fn has_none(&self, is_error: bool) -> bool {
        match self.takes {
            Takes::Everything => false,
            Takes::Errors => !is_error,
            Takes::Nothing => true,
        }
    }

    /// Counts spans that find no room. Returns whether they are the first since [`take`](Self::take).
    pub(super) fn count(&mut self, spans: usize, is_error: bool, end: u64) -> bool {
        let beyond = &mut self.beyond;
        let are_first = beyond.spans == 0;
        beyond.spans = beyond.spans.saturating_add(u32::try_from(spans).unwrap_or(u32::MAX));
        beyond.errors = beyond.errors.saturating_add(u32::from(is_error));
        beyond.end = beyond.end.max(end);
        are_first
    }

    /// A span found no room.
    pub(super) fn fill(&mut self, was_error: bool) {
        if was_error {
            self.takes = Takes::Nothing;
        } else if self.takes == Takes::Everything {
            self.takes = Takes::Errors;
        }
    }

    pub(super) fn take(&mut self) -> Beyond {
        std::mem::take(&mut self.beyond)
    }
}
