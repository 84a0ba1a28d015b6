use std::{
    io::{Result, Write},
    sync::{Arc, Mutex},
};

/// Log lines, kept.
#[derive(Clone, Debug, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// All of them.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> Result<usize> {
        self.0.lock().unwrap().write(line)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
