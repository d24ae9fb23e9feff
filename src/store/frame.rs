//! Records in a file: each a line with its checksum and its length, so that what is whole is told from what isn't.
//!
//! `CRC32 LENGTH PAYLOAD\n`, both numbers eight hexadecimal digits. Pure; it knows nothing of what a payload means.

use std::ops::Range;

/// The first line of every file; the number counts what a program must understand.
pub const MAGIC: &str = "mesos-repl session ";
/// What this program writes and reads.
pub const VERSION: u32 = 1;

const DIGITS: usize = 8;
/// Checksum, space, length, space.
const HEAD: usize = 2 * (DIGITS + 1);
/// A payload is a status update or a launch; what claims to be longer is damaged.
const LONGEST: usize = 64 << 20;

/// The first line.
pub fn first_line() -> String {
    format!("{MAGIC}{VERSION}\n")
}

/// Adds a record, whose payload `write` appends.
pub fn push(to: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = to.len();
    to.extend_from_slice(&[b' '; HEAD]);
    write(to);
    let payload = to.get(start + HEAD..).unwrap_or_default();
    let (sum, length) = (crc32fast::hash(payload), payload.len() as u32);
    for (at, number) in [(start, sum), (start + DIGITS + 1, length)] {
        if let Some(digits) = to.get_mut(at..at + DIGITS) {
            hexadecimal(number, digits);
        }
    }
    to.push(b'\n');
}

fn hexadecimal(number: u32, digits: &mut [u8]) {
    for (place, digit) in digits.iter_mut().rev().enumerate() {
        let nibble = (number >> (4 * place)) & 0xf;
        *digit = char::from_digit(nibble, 16).map_or(b'0', |digit| digit as u8);
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    let lower = digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    u32::from_str_radix(std::str::from_utf8(digits).ok().filter(|_| lower)?, 16).ok()
}

/// What a file begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// A file of ours; its records begin there.
    Ours(usize),
    /// One that a newer program wrote.
    Newer(u32),
    /// Less than a first line: it was cut, or never written.
    Cut,
    /// Something else.
    Foreign,
}

/// Reads the first line.
pub fn start(bytes: &[u8]) -> Start {
    let Some(end) = memchr::memchr(b'\n', bytes.get(..64).unwrap_or(bytes)) else {
        let line = first_line();
        return if line.as_bytes().starts_with(bytes) { Start::Cut } else { Start::Foreign };
    };
    let line = bytes.get(..end).and_then(|line| std::str::from_utf8(line).ok());
    match line.and_then(|line| line.strip_prefix(MAGIC)).and_then(|version| version.parse::<u32>().ok()) {
        Some(VERSION) => Start::Ours(end + 1),
        Some(version) => Start::Newer(version),
        None => Start::Foreign,
    }
}

/// A stretch of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A record's payload.
    Whole(&'a [u8]),
    /// Bytes that are no record, with records behind them.
    Damaged(Range<usize>),
    /// The file's end, where a record was begun.
    Cut(Range<usize>),
}

/// The records of a file from `at` on. After damage it goes on with the next whole record.
pub fn parts(bytes: &[u8], at: usize) -> impl Iterator<Item = Part<'_>> {
    let mut at = at;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let part = match record(rest) {
            Record::Whole(payload, length) => {
                at += length;
                return Some(Part::Whole(payload));
            }
            Record::Cut => Part::Cut(at..bytes.len()),
            Record::Damaged => match resume(bytes, at) {
                Some(next) => Part::Damaged(at..next),
                None => Part::Damaged(at..bytes.len()),
            },
        };
        let (Part::Damaged(range) | Part::Cut(range)) = &part else { return Some(part) };
        at = range.end;
        Some(part)
    })
}

/// Where the next whole record begins.
fn resume(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let starts = memchr::memchr_iter(b'\n', rest).map(|at| from + at + 1);
    starts.into_iter().find(|start| bytes.get(*start..).is_some_and(|rest| matches!(record(rest), Record::Whole(..))))
}

enum Record<'a> {
    /// The payload, and the length of the whole.
    Whole(&'a [u8], usize),
    Damaged,
    /// All that is there fits a record, and its end is missing.
    Cut,
}

fn record(bytes: &[u8]) -> Record<'_> {
    let Some(head) = bytes.get(..HEAD) else {
        let fits = |(at, byte): (usize, &u8)| match at {
            8 | 17 => *byte == b' ',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        };
        return if bytes.iter().enumerate().all(fits) { Record::Cut } else { Record::Damaged };
    };
    let (sum, length) = (head.get(..DIGITS).and_then(number), head.get(DIGITS + 1..HEAD - 1).and_then(number));
    let (Some(sum), Some(length), Some(b' '), Some(b' ')) = (sum, length, head.get(DIGITS), head.get(HEAD - 1)) else {
        return Record::Damaged;
    };
    let length = length as usize;
    if length > LONGEST {
        return Record::Damaged;
    }
    match (bytes.get(HEAD..HEAD + length), bytes.get(HEAD + length)) {
        (Some(payload), Some(b'\n')) if crc32fast::hash(payload) == sum => Record::Whole(payload, HEAD + length + 1),
        (Some(_), Some(_)) => Record::Damaged,
        // A line end inside what is left may be that of a record whose length is damaged.
        _ if bytes.get(HEAD..).is_some_and(|rest| memchr::memchr(b'\n', rest).is_some()) => Record::Damaged,
        _ => Record::Cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(payloads: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = first_line().into_bytes();
        for payload in payloads {
            push(&mut bytes, |to| to.extend_from_slice(payload));
        }
        bytes
    }

    fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, usize) {
        let Start::Ours(at) = start(bytes) else { return (Vec::new(), 0) };
        let mut whole = Vec::new();
        let mut others = 0;
        for part in parts(bytes, at) {
            match part {
                Part::Whole(payload) => whole.push(payload.to_vec()),
                Part::Damaged(_) | Part::Cut(_) => others += 1,
            }
        }
        (whole, others)
    }

    #[test]
    fn a_file_begins_with_what_it_is() {
        let line = first_line();
        for cut in 0..line.len() {
            assert_eq!(start(&line.as_bytes()[..cut]), Start::Cut, "{cut}");
        }
        assert_eq!(start(line.as_bytes()), Start::Ours(line.len()));
        assert_eq!(start(b"mesos-repl session 2\n..."), Start::Newer(2));
        for foreign in [&b"{\"a\": 1}"[..], b"mesos-repl session x\n", b"#!/bin/sh\n", b"\0\0\0\0"] {
            assert_eq!(start(foreign), Start::Foreign);
        }
    }

    #[test]
    fn a_record_is_a_line_that_people_can_read() {
        let bytes = file(&[b"{\"at\":1}".to_vec()]);
        assert_eq!(String::from_utf8(bytes).unwrap(), "mesos-repl session 1\nc8eeed2a 00000008 {\"at\":1}\n");
    }

    /// Payloads as they are: JSON on one line or, from a master, with line ends.
    /// So many records, or more.
    fn payloads(least: usize) -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec("[ -~\n]{0,60}".prop_map(String::into_bytes), least..8)
    }

    proptest! {
        /// Cut at each byte: all records that were whole before it are there, and no others.
        #[test]
        fn what_was_whole_before_a_cut_is_there(payloads in payloads(0)) {
            let bytes = file(&payloads);
            let mut ends = vec![first_line().len()];
            for payload in &payloads {
                ends.push(ends.last().unwrap() + HEAD + payload.len() + 1);
            }
            for cut in 0..=bytes.len() {
                let whole = ends.iter().skip(1).filter(|end| **end <= cut).count();
                let (read, _) = read(&bytes[..cut]);
                prop_assert_eq!(&read[..], &payloads[..whole], "cut at {}", cut);
            }
        }

        /// One byte changed anywhere behind the first line costs at most the record that it is in, and the one that
        /// its line end belongs to.
        #[test]
        fn damage_costs_itself(payloads in payloads(1), at in 0usize..1000, flip in 1u8..) {
            let mut bytes = file(&payloads);
            let first = first_line().len();
            let at = first + at % (bytes.len() - first);
            bytes[at] ^= flip;
            let (read, others) = read(&bytes);
            prop_assert!(read.len() + 2 >= payloads.len(), "{} of {}", read.len(), payloads.len());
            prop_assert!(read.iter().all(|payload| payloads.contains(payload)));
            prop_assert!(read.len() == payloads.len() || others > 0);
        }

        #[test]
        fn anything_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut all = first_line().into_bytes();
            all.extend_from_slice(&bytes);
            read(&all);
            start(&bytes);
        }
    }
}
