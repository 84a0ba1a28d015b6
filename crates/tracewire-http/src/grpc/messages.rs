//! The messages in a gRPC body.

use bytes::Buf;
use std::io::IoSlice;

/// How long the prefix of a message is: a flag, and the message's length in four bytes.
const PREFIX: u8 = 5;

/// How many pieces of one frame are looked at.
const PIECES: usize = 16;

/// Counts the messages that begin in a gRPC body, whose frames may cut them anywhere.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Messages {
    begun: u8,
    /// How many bytes of the prefix have come.
    prefix: u8,
    /// The message's length, as far as it has come.
    length: u32,
    /// How many bytes of the message are still to come.
    left: u32,
    /// What came cannot be read on.
    lost: bool,
}

impl Messages {
    /// Reads on, without taking anything from `data`.
    pub(crate) fn read(&mut self, data: &impl Buf) {
        if self.are_several() || self.lost {
            return;
        }
        let mut pieces = [IoSlice::new(&[]); PIECES];
        let filled = data.chunks_vectored(&mut pieces);
        let pieces = &pieces[..filled];
        pieces.iter().for_each(|piece| self.read_bytes(piece));
        self.lost = pieces.iter().map(|piece| piece.len()).sum::<usize>() != data.remaining();
    }

    /// Whether a second message has begun.
    pub(crate) fn are_several(&self) -> bool {
        self.begun > 1
    }

    fn read_bytes(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.are_several() {
            let skipped = bytes.len().min(self.left as usize);
            bytes = &bytes[skipped..];
            self.left -= skipped as u32; // no more than `left`
            let Some((first, rest)) = bytes.split_first() else { return };
            bytes = rest;
            self.prefix += 1;
            match self.prefix {
                1 => (self.begun, self.length) = (self.begun + 1, 0),
                _ => self.length = self.length << 8 | u32::from(*first),
            }
            if self.prefix == PREFIX {
                (self.prefix, self.left) = (0, self.length);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(length: usize) -> Vec<u8> {
        let mut message = vec![0];
        message.extend((length as u32).to_be_bytes());
        message.resize(5 + length, b'm');
        message
    }

    fn several(frames: &[&[u8]]) -> bool {
        let mut messages = Messages::default();
        frames.iter().for_each(|frame| messages.read(frame));
        messages.are_several()
    }

    #[test]
    fn a_second_message_is_noticed_at_its_first_byte() {
        let one = message(70_000);
        assert!(!several(&[]));
        assert!(!several(&[&one]));
        assert!(several(&[&one, &[0]]));
        assert!(several(&[&message(0), &message(0)]));
    }

    #[test]
    fn pieces_of_one_frame_are_read_in_order() {
        let (one, two) = (message(300), message(3));
        let mut messages = Messages::default();
        messages.read(&one[..100].chain(&one[100..]));
        assert!(!messages.are_several());
        messages.read(&two[..].chain(&b""[..]));
        assert!(messages.are_several());
    }

    proptest! {
        #[test]
        fn messages_are_counted_however_they_are_cut(
            lengths in proptest::collection::vec(0_usize..40, 0..4),
            cut in 1_usize..20,
        ) {
            let bytes: Vec<u8> = lengths.iter().flat_map(|length| message(*length)).collect();
            let frames: Vec<&[u8]> = bytes.chunks(cut).collect();
            prop_assert_eq!(several(&frames), lengths.len() > 1);
        }
    }
}
