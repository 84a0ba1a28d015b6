//! How the memory is divided.

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// The least memory that the page works with.
pub(crate) const LEAST: usize = 4 * MIB;
/// The default.
pub(crate) const DEFAULT: usize = 16 * MIB;
/// For running requests: 4,096 entries of 128 bytes, and 53 for finding each and what belongs to it.
const RUNNING: usize = 3 * MIB / 4;
/// For 201 routes of 6.1 KiB.
const ROUTES: usize = 11 * MIB / 8;
/// For the ids of traces that were let go, or not kept.
const GONE: usize = 512 * KIB;

/// One part of so many is left to the allocator, which loses memory between allocations.
const UNUSED: usize = 16;

/// The memory of the page, divided.
///
/// ```
/// use tracewire_live::Live;
///
/// let memory = Live::new().memory_mib(16).build().memory();
/// assert_eq!(memory.total, 16 * 1024 * 1024);
/// assert!(memory.queue + memory.held + memory.traces <= memory.total);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// All of it, in bytes.
    pub total: usize,
    /// For spans on their way to the store. The store does not hold them; their queue should be limited
    /// to this.
    pub queue: usize,
    /// For spans that wait with their running request.
    pub held: usize,
    /// For traces, waiting and kept, with their resources and scopes.
    pub traces: usize,
}

impl Memory {
    pub(crate) fn new(total: usize) -> Self {
        let total = total.max(LEAST);
        let queue = (total / 16).min(MIB);
        let held = queue;
        let fixed = total / UNUSED + RUNNING + ROUTES + GONE;
        Self { total, queue, held, traces: total - fixed - queue - held }
    }

    /// Returns the most bytes that one trace may take.
    pub(crate) fn trace(&self) -> usize {
        (self.traces / 3).min(4 * MIB)
    }

    /// Returns the most bytes for traces that wait for their root.
    pub(crate) fn waiting(&self) -> usize {
        self.traces / 4
    }
}
