//! A program's output on its way over the console, where the kernel's messages
//! may cut into it. Every piece says how long the whole is and its checksum, so
//! that what comes out on the host is the whole or an error.

use std::fmt;

use anyhow::{Context as _, Result, ensure};

/// Bytes in one piece; in hexadecimal a line twice as long.
const SIZE: usize = 512;

/// A part of what a program wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The program's, as in the plan.
    pub name: String,
    /// Bytes of the whole.
    length: usize,
    /// CRC-32C of the whole.
    checksum: u32,
    /// Where the piece begins in the whole, in bytes.
    offset: usize,
    data: Vec<u8>,
}

impl Piece {
    /// In order; none of an empty output.
    pub fn split<'a>(name: &'a str, output: &'a [u8]) -> impl Iterator<Item = Self> + 'a {
        let checksum = crc32c::crc32c(output);
        let chunks = output.chunks(SIZE).enumerate();
        chunks.map(move |(index, data)| Self {
            name: name.to_owned(),
            length: output.len(),
            checksum,
            offset: index * SIZE,
            data: data.to_owned(),
        })
    }

    /// The whole, from the pieces of one program in the order in which they came.
    pub fn join<'a>(pieces: impl Iterator<Item = &'a Self>) -> Result<Vec<u8>> {
        let mut pieces = pieces.peekable();
        let first = pieces.peek().context("none of its output came")?;
        let (length, checksum) = (first.length, first.checksum);
        let mut whole = Vec::new();
        for piece in pieces {
            let fits = piece.offset == whole.len();
            ensure!(fits, "its output lacks what follows byte {}", whole.len());
            whole.extend(&piece.data);
        }
        let came = whole.len();
        ensure!(came == length, "{came} of its output's {length} bytes came");
        ensure!(
            crc32c::crc32c(&whole) == checksum,
            "its output came damaged"
        );
        Ok(whole)
    }

    /// Reads what `Display` writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        let [name, length, checksum, offset, data] = words.as_slice() else {
            return None;
        };
        Some(Self {
            name: (*name).to_owned(),
            length: length.parse().ok()?,
            checksum: checksum.parse().ok()?,
            offset: offset.parse().ok()?,
            data: bytes(data)?,
        })
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            length,
            checksum,
            offset,
            data,
        } = self;
        write!(out, "{name} {length} {checksum} {offset} ")?;
        data.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

fn bytes(hexadecimal: &str) -> Option<Vec<u8>> {
    let digits = hexadecimal.as_bytes().chunks(2);
    digits
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

fn digit(character: u8) -> Option<u8> {
    let value = char::from(character).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GuestLine;

    /// The lines of an output of three pieces, after `change`, read and joined.
    fn joined(change: impl Fn(&mut Vec<String>)) -> Result<Vec<u8>, String> {
        let pieces = Piece::split("doctor", &output()).collect::<Vec<_>>();
        let mut lines: Vec<String> = pieces
            .into_iter()
            .map(|piece| GuestLine::Output(piece).to_string())
            .collect();
        assert_eq!(lines.len(), 3);
        change(&mut lines);
        let read: Vec<Piece> = lines
            .iter()
            .filter_map(|line| match GuestLine::parse(line)? {
                GuestLine::Output(piece) => Some(piece),
                _ => None,
            })
            .collect();
        Piece::join(read.iter()).map_err(|error| error.to_string())
    }

    fn output() -> Vec<u8> {
        (0..2 * SIZE + 7).map(|at| (at % 251) as u8).collect()
    }

    #[test]
    fn what_was_split_is_joined() {
        assert_eq!(joined(|_| ()), Ok(output()));
        // The kernel says something in between.
        let between = |lines: &mut Vec<String>| lines.insert(1, "[ 4.1] clocksource: tsc".into());
        assert_eq!(joined(between), Ok(output()));
    }

    #[test]
    fn a_change_never_goes_unnoticed() {
        let refused = |change: &dyn Fn(&mut Vec<String>)| joined(change).unwrap_err();
        let cut = |lines: &mut Vec<String>| drop(lines.remove(1));
        assert_eq!(refused(&cut), "its output lacks what follows byte 512");
        let last = |lines: &mut Vec<String>| drop(lines.pop());
        assert_eq!(refused(&last), "1024 of its output's 1031 bytes came");
        assert_eq!(refused(&Vec::clear), "none of its output came");
        let twice = |lines: &mut Vec<String>| lines.insert(0, lines[0].clone());
        assert_eq!(refused(&twice), "its output lacks what follows byte 512");
        let swapped = |lines: &mut Vec<String>| lines.swap(0, 1);
        assert_eq!(refused(&swapped), "its output lacks what follows byte 0");
        let message = |lines: &mut Vec<String>| lines[1].insert_str(300, "[ 4.1] tsc");
        assert_eq!(refused(&message), "its output lacks what follows byte 512");
        let digit = |lines: &mut Vec<String>| {
            let end = lines[2].len() - 1;
            lines[2].replace_range(end.., "f");
        };
        assert_eq!(refused(&digit), "its output came damaged");
    }
}
