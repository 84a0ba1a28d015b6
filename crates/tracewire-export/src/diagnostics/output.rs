//! Writes to stdout, stderr or a writer of the program, on a thread of its own.
//!
//! A paused terminal, a pipe that nobody reads and a full disk must not stop a request, and no write
//! may panic. So text waits in a bounded queue for the one thread that writes it, and the sender
//! learns from a callback what became of it.

use opentelemetry::Context;
use std::{
    cell::Cell,
    collections::VecDeque,
    fmt,
    io::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// How much text may wait for a stream that is read slowly.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// How much is written with one call, if so much waits: a call for each line would fall behind.
const MOST_WRITTEN: usize = 64 * 1024;
/// How long a line that must not be lost holds up the thread that sent it.
const BRIEFLY: Duration = Duration::from_millis(100);
/// The pause before a stream in non-blocking mode is tried again.
const RETRY: Duration = Duration::from_millis(10);

type Writer = Box<dyn Write + Send>;
/// Hears that a text was written, or why it was not.
type Done = Box<dyn FnOnce(Result<(), String>) + Send>;

/// A stream to write to. Its thread starts with the first text and ends with the last clone.
#[derive(Clone)]
pub struct Output(Arc<Owner>);

impl Output {
    /// The stdout of this process.
    pub fn stdout() -> Self {
        static STDOUT: LazyLock<Output> =
            LazyLock::new(|| Output::new("tracewire-stdout", Box::new(io::stdout())));
        STDOUT.clone()
    }

    /// The stderr of this process.
    pub fn stderr() -> Self {
        static STDERR: LazyLock<Output> =
            LazyLock::new(|| Output::new("tracewire-stderr", Box::new(io::stderr())));
        STDERR.clone()
    }

    /// A writer that the program gave.
    pub fn to(writer: Writer) -> Self {
        Self::new("tracewire-console", writer)
    }

    fn new(thread: &'static str, writer: Writer) -> Self {
        Self(Arc::new(Owner(Arc::new(Shared {
            thread,
            writer: Mutex::new(writer),
            state: Mutex::default(),
            work: Condvar::new(),
            progress: Condvar::new(),
        }))))
    }

    /// Sends `text` on its way. It never blocks; what cannot be written is lost.
    pub fn send(&self, text: String) {
        self.send_then(text, |_| ());
    }

    /// Sends `text` on its way and calls `done` once it is written or lost, mostly on another
    /// thread. It never blocks.
    pub fn send_then(&self, text: String, done: impl FnOnce(Result<(), String>) + Send + 'static) {
        self.0.0.push(Text { text, done: Box::new(done) });
    }

    /// Waits until everything that was sent before is written or lost, at most for `limit`; says
    /// whether it is.
    pub fn wait(&self, limit: Duration) -> bool {
        self.0.0.wait(limit)
    }

    /// Waits like [`wait`](Self::wait) for a moment, unless somebody did in vain and nothing was
    /// written since.
    pub fn wait_briefly(&self) {
        if !self.0.0.lock().stuck {
            self.wait(BRIEFLY);
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("thread", &self.0.0.thread).finish_non_exhaustive()
    }
}

/// Ends the thread when the last output is dropped.
struct Owner(Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.work.notify_all();
    }
}

struct Text {
    text: String,
    done: Done,
}

struct Shared {
    thread: &'static str,
    /// Locked by the thread for as long as it lives.
    writer: Mutex<Writer>,
    state: Mutex<State>,
    work: Condvar,
    progress: Condvar,
}

#[derive(Default)]
struct State {
    started: bool,
    waiting: VecDeque<Text>,
    /// Of what waits and of what is being written.
    bytes: usize,
    /// How many texts ever entered the queue, and the outcome of how many is known.
    sent: u64,
    settled: u64,
    /// Whether somebody waited in vain and nothing was written since.
    stuck: bool,
    closed: bool,
}

thread_local! {
    /// Whether this thread writes an output: it must not wait for one.
    static WRITES: Cell<bool> = const { Cell::new(false) };
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(self: &Arc<Self>, text: Text) {
        let mut state = self.lock();
        let refused = if state.bytes > 0 && state.bytes + text.text.len() > MOST_BYTES {
            Err("it is not being read, and 4 MiB of text are waiting".to_owned())
        } else {
            self.start(&mut state).map_err(|error| reason(&error))
        };
        if let Err(reason) = refused {
            drop(state);
            return (text.done)(Err(reason));
        }
        state.bytes += text.text.len();
        state.sent += 1;
        state.waiting.push_back(text);
        drop(state);
        self.work.notify_one();
    }

    fn start(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        if !state.started {
            let shared = Arc::clone(self);
            thread::Builder::new().name(self.thread.to_owned()).spawn(move || shared.run())?;
            state.started = true;
        }
        Ok(())
    }

    fn wait(&self, limit: Duration) -> bool {
        if WRITES.get() {
            return false;
        }
        let state = self.lock();
        let sent = state.sent;
        let (mut state, waited) = self
            .progress
            .wait_timeout_while(state, limit, |state| state.settled < sent)
            .unwrap_or_else(PoisonError::into_inner);
        state.stuck |= waited.timed_out();
        !waited.timed_out()
    }

    /// The thread's life.
    fn run(&self) {
        WRITES.set(true);
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((text, done)) = self.next() {
            // A panic must not end the thread: nothing would be written after it.
            let result =
                catch_unwind(AssertUnwindSafe(|| write_all(&mut **writer, text.as_bytes())))
                    .unwrap_or_else(|_| Err(io::Error::other("its writer panicked")))
                    .map_err(|error| reason(&error));
            let settled = done.len() as u64;
            for done in done {
                done(result.clone());
            }
            let mut state = self.lock();
            state.bytes -= text.len();
            state.settled += settled;
            state.stuck = false;
            drop(state);
            self.progress.notify_all();
        }
    }

    /// Waits for the next text, which is several if more wait; `None` at the end.
    fn next(&self) -> Option<(String, Vec<Done>)> {
        let state = self.lock();
        let mut state = self
            .work
            .wait_while(state, |state| state.waiting.is_empty() && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        let Text { mut text, done } = state.waiting.pop_front()?;
        let mut all = vec![done];
        while let Some(next) = state.waiting.front()
            && text.len() + next.text.len() <= MOST_WRITTEN
            && let Some(Text { text: next, done }) = state.waiting.pop_front()
        {
            text.push_str(&next);
            all.push(done);
        }
        Some((text, all))
    }
}

/// The error in words, without the system's number for it.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

/// Writes all of `bytes`, also to a stream that another program has put into non-blocking mode.
fn write_all(writer: &mut dyn Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match again(|| writer.write(bytes))? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => bytes = bytes.get(written..).unwrap_or_default(),
        }
    }
    again(|| writer.flush())
}

fn again<T>(mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match attempt() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    const LONG: Duration = Duration::from_secs(30);
    const SHORT: Duration = Duration::from_millis(1);

    /// What became of each text, in their order.
    fn outcomes(output: &Output, texts: &[&str]) -> Receiver<Result<(), String>> {
        let (tell, outcomes) = channel();
        for text in texts {
            let tell = tell.clone();
            output.send_then((*text).to_owned(), move |result| tell.send(result).unwrap());
        }
        outcomes
    }

    /// The outcome of each text, each sent when the one before it was written or lost.
    fn one_by_one(output: &Output, texts: &[&str]) -> Vec<bool> {
        texts.iter().map(|text| outcomes(output, &[text]).recv().unwrap().is_ok()).collect()
    }

    /// How one write ends.
    type Step = fn(&[u8]) -> io::Result<usize>;

    /// Ends its writes as a script says, from the last step to the first, and then well.
    struct Scripted(Vec<Step>, Sender<Vec<u8>>);

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let written = self.0.pop().map_or(Ok(bytes.len()), |next| next(bytes))?;
            let _ = self.1.send(bytes[..written].to_vec());
            Ok(written)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A writer whose writes end as `script` says, from the last to the first.
    fn scripted(script: Vec<Step>) -> (Output, Receiver<Vec<u8>>) {
        let (tell, written) = channel();
        (Output::to(Box::new(Scripted(script, tell))), written)
    }

    /// Blocks until the sender is gone.
    struct Blocked(Receiver<()>);

    impl Write for Blocked {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn blocked() -> (Output, Sender<()>) {
        let (open, wait) = channel();
        (Output::to(Box::new(Blocked(wait))), open)
    }

    #[test]
    fn text_is_written_in_order_and_each_outcome_is_told() {
        let (output, written) =
            scripted(vec![|_| Ok(1), |_| Err(io::ErrorKind::BrokenPipe.into())]);
        assert_eq!(one_by_one(&output, &["lost\n", "ab\n", "c\n"]), [false, true, true]);
        assert_eq!(written.try_iter().flatten().collect::<Vec<_>>(), b"ab\nc\n");
    }

    #[test]
    fn streams_in_non_blocking_mode_are_tried_again() {
        let busy = |_: &[u8]| Err(io::ErrorKind::WouldBlock.into());
        let interrupted = |_: &[u8]| Err(io::ErrorKind::Interrupted.into());
        let (output, written) = scripted(vec![interrupted, |_| Ok(1), busy]);
        assert_eq!(outcomes(&output, &["abc\n"]).recv(), Ok(Ok(())));
        assert_eq!(written.try_iter().flatten().collect::<Vec<_>>(), b"abc\n");
    }

    #[test]
    fn writers_that_panic_or_write_nothing_lose_only_that_text() {
        let (output, _written) = scripted(vec![|_| Ok(0), |_| panic!("on purpose")]);
        assert_eq!(one_by_one(&output, &["a", "b", "c"]), [false, false, true]);
    }

    #[test]
    fn what_nobody_reads_holds_up_nobody_and_takes_bounded_memory() {
        let (output, open) = blocked();
        let large = "x".repeat(MOST_BYTES / 4);
        let outcomes = outcomes(&output, &[large.as_str(); 6]);
        // Those that found no room are known to be lost at once.
        assert_eq!(
            outcomes.try_iter().map(|outcome| outcome.is_err()).collect::<Vec<_>>(),
            [true, true]
        );
        assert!(!output.wait(SHORT));
        drop(open);
        assert!(output.wait(LONG));
        assert_eq!(outcomes.iter().filter(Result::is_ok).count(), 4);
    }

    #[test]
    fn text_larger_than_the_queue_is_written_if_nothing_waits() {
        let (output, _written) = scripted(Vec::new());
        let outcomes = outcomes(&output, &["x".repeat(MOST_BYTES + 1).as_str()]);
        assert_eq!(outcomes.recv(), Ok(Ok(())));
    }

    #[test]
    fn what_piled_up_is_written_with_few_calls() {
        let (open, paused) = channel::<()>();
        let (tell, written) = channel();
        let output = Output::to(Box::new(Gated { paused, tell }));
        for line in 0..10_000 {
            output.send(format!("{line}\n"));
        }
        drop(open);
        assert!(output.wait(LONG));
        let calls: Vec<Vec<u8>> = written.try_iter().collect();
        let expected: String = (0..10_000).map(|line| format!("{line}\n")).collect();
        assert!(calls.len() < 10 && calls.concat() == expected.as_bytes(), "{}", calls.len());
    }

    /// Writes once `paused` is disconnected.
    struct Gated {
        paused: Receiver<()>,
        tell: Sender<Vec<u8>>,
    }

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.paused.recv();
            self.tell.send(bytes.to_vec()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_waits_twice_for_a_stream_that_is_stuck() {
        let (output, open) = blocked();
        output.send("a\n".to_owned());
        assert!(!output.wait(SHORT));
        assert!(output.0.0.lock().stuck);
        output.wait_briefly();
        drop(open);
        assert!(output.wait(LONG));
        assert!(!output.0.0.lock().stuck);
    }

    #[test]
    fn a_callback_that_sends_and_waits_does_not_wait_for_itself() {
        let (output, written) = scripted(Vec::new());
        let again = output.clone();
        output.send_then("a\n".to_owned(), move |_| {
            again.send("b\n".to_owned());
            assert!(!again.wait(LONG));
        });
        assert!(output.wait(LONG) && output.wait(LONG));
        assert_eq!(written.try_iter().flatten().collect::<Vec<_>>(), b"a\nb\n");
    }

    #[test]
    fn the_thread_writes_what_is_left_and_ends_with_its_last_output() {
        let (output, written) = scripted(Vec::new());
        output.send("a\n".to_owned());
        drop(output);
        assert_eq!(written.iter().flatten().collect::<Vec<_>>(), b"a\n");
    }
}
