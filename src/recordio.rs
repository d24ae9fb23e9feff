//! RecordIO: `<length in decimal>\n<record>`, repeated; how every Mesos stream is framed.
//!
//! Bytes go in as they come, records come out whole, whatever the chunks' borders. No IO, no JSON. Lengths count bytes;
//! empty lines between records and empty records are passed over, as Mesos's own peers do.
//! (apache/mesos: docs/recordio.md)

use bytes::{BufMut as _, Bytes, BytesMut};

/// The length line of the longest record that can be named: 2^64 - 1.
const LENGTH_DIGITS: usize = 20;

/// The room that a record which came in parts gets at once.
const ROOM: usize = 128 << 10;

/// What is wrong with the framing. The stream can't be read on: nobody knows where the next record starts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// A length line with something other than digits.
    #[error("byte {offset} of the stream is {found:?} where a record's length should stand")]
    NotALength {
        /// Bytes from the stream's start.
        offset: u64,
        /// The byte.
        found: char,
    },
    /// A length line that goes on and on, or a length over the limit.
    #[error("the record at byte {offset} of the stream is longer than the limit of {limit} bytes")]
    TooLong {
        /// Bytes from the stream's start.
        offset: u64,
        /// The decoder's limit in bytes.
        limit: usize,
    },
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// After a whole record.
    Clean,
    /// Inside a length line or a record.
    Cut {
        /// Bytes of it that came.
        have: u64,
        /// Bytes it should have had, where its length was told.
        want: Option<u64>,
    },
}

/// Takes bytes, gives records.
///
/// ```
/// use mesos_repl::recordio::Decoder;
/// let mut decoder = Decoder::default();
/// decoder.push("5\nhel".into());
/// assert_eq!(decoder.next_record(), Ok(None));
/// decoder.push("lo2\n{}".into());
/// assert_eq!(decoder.next_record(), Ok(Some("hello".into())));
/// assert_eq!(decoder.next_record(), Ok(Some("{}".into())));
/// ```
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    /// What was pushed and not yet looked at.
    chunk: Bytes,
    chunks: std::collections::VecDeque<Bytes>,
    part: Part,
    /// Bytes of the stream before `chunk`.
    offset: u64,
}

#[derive(Debug)]
enum Part {
    Length { digits: usize, value: u64 },
    Record { length: usize, have: BytesMut },
    Broken(FramingError),
}

const AT_LENGTH: Part = Part::Length { digits: 0, value: 0 };

impl Default for Decoder {
    /// With a limit of 256 MiB: some twenty times the largest event of the largest clusters.
    fn default() -> Self {
        Self::with_limit(256 << 20)
    }
}

impl Decoder {
    /// A decoder that refuses records longer than `limit` bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self { limit, chunk: Bytes::new(), chunks: std::collections::VecDeque::new(), part: AT_LENGTH, offset: 0 }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, chunk: Bytes) {
        if self.chunk.is_empty() {
            self.chunk = chunk;
        } else if !chunk.is_empty() {
            self.chunks.push_back(chunk);
        }
    }

    /// The next whole record, or `None` until more bytes are pushed. A record that lies within one pushed chunk is a
    /// part of it, not a copy.
    ///
    /// # Errors
    /// The first [`FramingError`], then and ever after.
    pub fn next_record(&mut self) -> Result<Option<Bytes>, FramingError> {
        loop {
            if self.chunk.is_empty() {
                match self.chunks.pop_front() {
                    Some(chunk) => self.chunk = chunk,
                    None => {
                        return if let Part::Broken(error) = &self.part { Err(error.clone()) } else { Ok(None) };
                    }
                }
            }
            let step = match &mut self.part {
                Part::Length { .. } => self.read_length().map(|()| None),
                Part::Record { .. } => Ok(self.read_record()),
                Part::Broken(error) => Err(error.clone()),
            };
            match step {
                Ok(Some(record)) => return Ok(Some(record)),
                Ok(None) => {}
                Err(error) => {
                    self.part = Part::Broken(error.clone());
                    return Err(error);
                }
            }
        }
    }

    /// How the stream stands if no byte comes any more.
    pub fn end(&self) -> End {
        match &self.part {
            Part::Length { digits: 0, .. } | Part::Broken(_) => End::Clean,
            Part::Length { digits, .. } => End::Cut { have: *digits as u64, want: None },
            Part::Record { length, have } => End::Cut { have: have.len() as u64, want: Some(*length as u64) },
        }
    }

    fn advance(&mut self, by: usize) -> Bytes {
        self.offset += by as u64;
        self.chunk.split_to(by)
    }

    fn read_length(&mut self) -> Result<(), FramingError> {
        let Part::Length { mut digits, mut value } = self.part else { return Ok(()) };
        let mut read = 0;
        for &byte in self.chunk.iter() {
            let offset = self.offset + read as u64;
            read += 1;
            match byte {
                b'0'..=b'9' if digits < LENGTH_DIGITS => {
                    let next = value.checked_mul(10).and_then(|tens| tens.checked_add(u64::from(byte - b'0')));
                    value = next.ok_or(FramingError::TooLong { offset, limit: self.limit })?;
                    digits += 1;
                }
                b'0'..=b'9' => return Err(FramingError::TooLong { offset, limit: self.limit }),
                // An empty line, or an empty record, holds nothing.
                b'\n' if value == 0 => digits = 0,
                b'\n' => {
                    let length = usize::try_from(value).ok().filter(|&length| length <= self.limit);
                    let length = length.ok_or(FramingError::TooLong { offset, limit: self.limit })?;
                    self.advance(read);
                    self.part = Part::Record { length, have: BytesMut::new() };
                    return Ok(());
                }
                other => return Err(FramingError::NotALength { offset, found: char::from(other) }),
            }
        }
        self.advance(read);
        self.part = Part::Length { digits, value };
        Ok(())
    }

    fn read_record(&mut self) -> Option<Bytes> {
        let Part::Record { length, have } = &mut self.part else { return None };
        let length = *length;
        if have.is_empty() && self.chunk.len() >= length {
            self.part = AT_LENGTH;
            return Some(self.advance(length));
        }
        // The length is only a claim: beyond a little, room is made for what came, at most twice over.
        if have.is_empty() {
            have.reserve(length.min(ROOM));
        }
        let take = (length - have.len()).min(self.chunk.len());
        have.put_slice(&self.chunk[..take]);
        let whole = (have.len() == length).then(|| std::mem::take(have).freeze());
        self.advance(take);
        if whole.is_some() {
            self.part = AT_LENGTH;
        }
        whole
    }
}

/// One record, framed.
pub fn encode(record: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(record.len() + LENGTH_DIGITS + 1);
    framed.put_slice(record.len().to_string().as_bytes());
    framed.put_u8(b'\n');
    framed.put_slice(record);
    framed.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(decoder: &mut Decoder) -> Result<Vec<Bytes>, FramingError> {
        let mut records = Vec::new();
        while let Some(record) = decoder.next_record()? {
            records.push(record);
        }
        Ok(records)
    }

    fn in_parts(stream: &[u8], size: usize) -> Result<(Vec<Bytes>, End), FramingError> {
        let mut decoder = Decoder::with_limit(1 << 20);
        let mut records = Vec::new();
        for part in stream.chunks(size.max(1)) {
            decoder.push(Bytes::copy_from_slice(part));
            records.extend(all(&mut decoder)?);
        }
        Ok((records, decoder.end()))
    }

    #[test]
    fn every_split_gives_the_same_records() {
        let stream = b"20\n{\"type\":\"HEARTBEAT\"}3\n\xc3\xa9x\n\n0\n1\n\n11\n{\"a\":\"\\n1\"}";
        let whole = in_parts(stream, stream.len());
        let lengths = whole.as_ref().map(|(records, end)| (records.iter().map(Bytes::len).collect::<Vec<_>>(), *end));
        assert_eq!(lengths, Ok((vec![20, 3, 1, 11], End::Clean)));
        for size in 1..stream.len() {
            assert_eq!(in_parts(stream, size), whole, "chunks of {size}");
        }
    }

    #[test]
    fn every_cut_is_told_from_the_end() {
        let stream = b"5\nhello2\nhi";
        for cut in 0..=stream.len() {
            let (records, end) = in_parts(&stream[..cut], 64).unwrap();
            let expected = match cut {
                0 => (0, End::Clean),
                1 => (0, End::Cut { have: 1, want: None }),
                2..7 => (0, End::Cut { have: cut as u64 - 2, want: Some(5) }),
                7 => (1, End::Clean),
                8 => (1, End::Cut { have: 1, want: None }),
                9..11 => (1, End::Cut { have: cut as u64 - 9, want: Some(2) }),
                _ => (2, End::Clean),
            };
            assert_eq!((records.len(), end), expected, "cut at {cut}");
        }
    }

    #[test]
    fn bad_lengths_break_the_stream_for_good() {
        let cases: [(&[u8], FramingError); 6] = [
            (b"x", FramingError::NotALength { offset: 0, found: 'x' }),
            (b"-1\n", FramingError::NotALength { offset: 0, found: '-' }),
            (b"2\nhi 3\n", FramingError::NotALength { offset: 4, found: ' ' }),
            (b"2\r\nhi", FramingError::NotALength { offset: 1, found: '\r' }),
            (b"1048577\n", FramingError::TooLong { offset: 7, limit: 1 << 20 }),
            (b"99999999999999999999\n", FramingError::TooLong { offset: 19, limit: 1 << 20 }),
        ];
        for (stream, error) in cases {
            let mut decoder = Decoder::with_limit(1 << 20);
            decoder.push(Bytes::from_static(stream));
            assert_eq!(all(&mut decoder), Err(error.clone()));
            decoder.push(Bytes::from_static(b"2\nhi"));
            assert_eq!(all(&mut decoder), Err(error));
        }
        assert!(in_parts(b"0000000000000000000000001\nx", 3).is_err());
    }

    #[test]
    fn a_claimed_length_takes_no_memory() {
        let mut decoder = Decoder::default();
        decoder.push(Bytes::from_static(b"200000000\nabc"));
        assert_eq!(decoder.next_record(), Ok(None));
        assert_eq!(decoder.end(), End::Cut { have: 3, want: Some(200_000_000) });
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_back(records in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 0..20), size in 1usize..64) {
            let stream: Vec<u8> = records.iter().flat_map(|record| encode(record)).collect();
            let (decoded, end) = in_parts(&stream, size).unwrap();
            prop_assert_eq!(decoded, records);
            prop_assert_eq!(end, End::Clean);
        }

        #[test]
        fn any_bytes_end_in_records_or_one_error(stream in prop::collection::vec(any::<u8>(), 0..300), size in 1usize..32) {
            prop_assert_eq!(in_parts(&stream, size).err(), in_parts(&stream, 1).err());
        }
    }
}
