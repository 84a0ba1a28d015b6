//! The current context, even while a thread ends.
//!
//! OpenTelemetry keeps the current context in a thread-local. Once a thread has ended so far that
//! this thread-local is destroyed, `Context::current` and `Context::attach` panic, and a panic in
//! the destructor of another thread-local aborts the process. A request that is still under way in
//! a runtime that lives in a thread-local is dropped exactly there. These functions work there too.
//!
//! ```
//! use opentelemetry::Context;
//! use tracewire_propagation::current;
//!
//! struct Job(Context);
//!
//! impl Drop for Job {
//!     fn drop(&mut self) {
//!         let _attached = current::attach(self.0.clone());
//!         // … what happens here belongs to the job's trace, unless the thread is ending …
//!     }
//! }
//! # drop(Job(current::get()));
//! ```

use opentelemetry::{Context, ContextGuard};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

thread_local! {
    /// Whether the current context can be reached on this thread.
    ///
    /// Thread-locals are destroyed in the reverse order of their first use. This one uses
    /// OpenTelemetry's before it exists itself, so it is destroyed earlier: as long as it is there,
    /// OpenTelemetry's is.
    static REACHABLE: Reachable = Reachable::find();
}

struct Reachable(bool);

impl Reachable {
    /// Uses the current context. That panics only if this thread ran nothing of ours before and its
    /// context is gone already.
    fn find() -> Self {
        Self(catch_unwind(|| Context::map_current(|_| ())).is_ok())
    }
}

/// A thread-local is destroyed in order only if there is something to drop.
impl Drop for Reachable {
    fn drop(&mut self) {}
}

/// Returns whether the current context can be reached, which it cannot while the thread ends.
///
/// ```
/// assert!(tracewire_propagation::current::is_reachable()); // this thread is not ending
/// ```
pub fn is_reachable() -> bool {
    REACHABLE.try_with(|reachable| reachable.0).unwrap_or(false)
}

/// Returns the current context, or an empty one while the thread ends.
///
/// ```
/// use opentelemetry::trace::TraceContextExt;
/// use tracewire_propagation::current;
///
/// assert!(!current::get().span().span_context().is_valid()); // no span is current
/// ```
pub fn get() -> Context {
    with(Context::clone)
}

/// Calls `look` with the current context, or with an empty one while the thread ends.
///
/// ```
/// use opentelemetry::trace::TraceContextExt;
/// use tracewire_propagation::current;
///
/// let trace_id = current::with(|context| context.span().span_context().trace_id());
/// ```
pub fn with<T>(look: impl FnOnce(&Context) -> T) -> T {
    if is_reachable() { Context::map_current(look) } else { look(&Context::new()) }
}

/// Makes `context` current until the guard is dropped. Does nothing while the thread ends.
///
/// ```
/// use opentelemetry::{Context, baggage::BaggageExt, KeyValue};
/// use tracewire_propagation::current;
///
/// let context = Context::new().with_baggage([KeyValue::new("tenant", "acme")]);
/// let attached = current::attach(context);
/// assert!(current::with(|context| context.baggage().get("tenant").is_some()));
/// drop(attached);
/// ```
#[must_use = "the context is current for as long as the guard lives"]
pub fn attach(context: Context) -> Option<ContextGuard> {
    is_reachable().then(|| context.attach())
}

/// Runs `work`, which ends a span, where span processors and metric readers can run.
///
/// That is this thread, or a new one while this one ends, because they may use thread-locals too. A
/// panic in `work` is caught: a destructor must not panic.
///
/// ```
/// use opentelemetry::{Context, trace::TraceContextExt};
/// use tracewire_propagation::current;
///
/// struct Job(Context);
///
/// impl Drop for Job {
///     fn drop(&mut self) {
///         current::finish(|| self.0.span().end());
///     }
/// }
/// ```
pub fn finish(work: impl Fn() + Sync) {
    // Windows holds a lock during these destructors which every new thread waits for.
    if !is_reachable() && !cfg!(windows) && finish_elsewhere(&work) {
        return;
    }
    let _ = catch_unwind(AssertUnwindSafe(work));
}

fn finish_elsewhere(work: &(impl Fn() + Sync)) -> bool {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("tracewire-finish".into());
        // A join that fails says that `work` panicked.
        thread.spawn_scoped(scope, work).map(|thread| drop(thread.join())).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        cell::RefCell,
        sync::mpsc::{Sender, channel},
        thread::{ThreadId, current},
    };

    #[derive(Debug, PartialEq)]
    struct Value(u8);

    /// What a destructor saw: the value that is current, before and after it attached another, and
    /// the thread that `finish` used.
    type Seen = (Option<u8>, Option<u8>, ThreadId);

    struct Looks(Sender<Seen>);

    impl Drop for Looks {
        fn drop(&mut self) {
            let value = || with(|context| context.get::<Value>().map(|value| value.0));
            let before = value();
            let attached = attach(Context::new().with_value(Value(2)));
            let inside = value();
            drop(attached);
            let sender = self.0.clone();
            finish(|| sender.send((before, inside, current().id())).unwrap());
        }
    }

    thread_local! {
        static KEPT: RefCell<Option<Looks>> = const { RefCell::new(None) };
    }

    /// What a destructor sees at the end of a thread that first does `before`.
    fn at_thread_exit(before: fn(&Sender<Seen>)) -> (Seen, ThreadId) {
        let (sender, seen) = channel();
        let thread = thread::spawn(move || {
            before(&sender);
            KEPT.set(Some(Looks(sender)));
        });
        let id = thread.thread().id();
        thread.join().unwrap();
        (seen.recv().unwrap(), id)
    }

    #[test]
    fn a_destructor_on_a_living_thread_sees_the_current_context() {
        let (sender, seen) = channel();
        let _attached = attach(Context::new().with_value(Value(1)));
        drop(Looks(sender));
        assert_eq!(seen.recv().unwrap(), (Some(1), Some(2), current().id()));
    }

    #[test]
    fn a_thread_local_used_after_the_context_still_reaches_it() {
        let ((before, inside, finished), thread) = at_thread_exit(|_| drop(get()));
        assert_eq!((before, inside, finished), (None, Some(2), thread));
    }

    #[test]
    fn a_thread_local_used_before_the_context_does_without() {
        let ((before, inside, finished), thread) = at_thread_exit(|_| {
            KEPT.set(None);
            drop(get());
        });
        assert_eq!((before, inside), (None, None));
        assert_ne!(finished, thread);
    }

    #[test]
    fn a_thread_that_ran_nothing_of_ours_before_does_not_abort() {
        let ((before, inside, finished), thread) = at_thread_exit(|_| {
            KEPT.set(None);
            drop(Context::current());
        });
        assert_eq!((before, inside), (None, None));
        assert_ne!(finished, thread);
    }

    #[test]
    fn a_panic_while_finishing_goes_no_further() {
        finish(|| panic!("on purpose"));
        struct Finishes;
        impl Drop for Finishes {
            fn drop(&mut self) {
                finish(|| panic!("on purpose, while unwinding"));
            }
        }
        let outcome = catch_unwind(|| {
            let _finishes = Finishes;
            panic!("on purpose");
        });
        assert!(outcome.is_err());
    }
}
