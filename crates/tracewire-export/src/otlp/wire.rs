//! The wire format of protobuf: fields appended to a body.

/// Appends fields to a body.
pub(crate) struct Buffer<'a>(pub(super) &'a mut Vec<u8>);

/// Where the content of a message begins, after one byte for its length.
#[derive(Clone, Copy)]
pub(crate) struct Start(usize);

impl Start {
    /// Of the message in which all others are.
    pub(super) const OF_ALL: Self = Self(2);
}

/// How a field is written.
#[derive(Clone, Copy)]
pub(super) enum Wire {
    Varint = 0,
    Fixed64 = 1,
    Length = 2,
    Fixed32 = 5,
}

/// How many bytes [`Buffer::varint`] writes.
pub(super) fn size_of_varint(number: u64) -> usize {
    // Seven bits a byte, and one byte at least.
    ((64 - (number | 1).leading_zeros()) as usize).div_ceil(7)
}

/// Fields.
impl Buffer<'_> {
    /// A message, written even if it is empty.
    pub(super) fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        let start = self.begin(field);
        write(self);
        self.end(start);
    }

    /// Begins a message. One byte is kept for its length, which is enough for most.
    pub(super) fn begin(&mut self, field: u32) -> Start {
        self.key(field, Wire::Length);
        self.0.push(0);
        Start(self.0.len())
    }

    /// Ends a message. The content makes room for a length of more than one byte.
    pub(super) fn end(&mut self, Start(start): Start) {
        let end = self.0.len();
        let mut length = end - start;
        let more = size_of_varint(length as u64) - 1;
        if more > 0 {
            self.0.resize(end + more, 0);
            self.0.copy_within(start..end, start + more);
        }
        for byte in &mut self.0[start - 1..start - 1 + more] {
            *byte = length as u8 | 0x80;
            length >>= 7;
        }
        self.0[start - 1 + more] = length as u8;
    }

    pub(super) fn text(&mut self, field: u32, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    pub(super) fn bytes(&mut self, field: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.head(field, bytes.len());
            self.0.extend_from_slice(bytes);
        }
    }

    /// The head of a field whose length is known.
    #[inline(always)] // the field is a constant, so that only the length is looked at
    pub(super) fn head(&mut self, field: u32, length: usize) {
        if field < 0x10 && length < 0x80 {
            let key = (field << 3 | Wire::Length as u32) as u8;
            // One look at the room for both bytes.
            self.0.extend_from_slice(&[key, length as u8]);
        } else {
            self.key(field, Wire::Length);
            self.varint(length as u64);
        }
    }

    pub(super) fn number(&mut self, field: u32, number: u64) {
        if number != 0 {
            self.key(field, Wire::Varint);
            self.varint(number);
        }
    }

    pub(super) fn fixed64(&mut self, field: u32, number: u64) {
        if number != 0 {
            self.key(field, Wire::Fixed64);
            self.0.extend_from_slice(&number.to_le_bytes());
        }
    }

    pub(super) fn fixed32(&mut self, field: u32, number: u32) {
        if number != 0 {
            self.key(field, Wire::Fixed32);
            self.0.extend_from_slice(&number.to_le_bytes());
        }
    }

    pub(super) fn key(&mut self, field: u32, wire: Wire) {
        self.varint(u64::from(field << 3 | wire as u32));
    }

    pub(super) fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }
}
