//! Reads lines without ever holding more than one row's limit in memory.

use std::io::{self, BufRead, BufReader, Read};

use crate::DatasetError;

/// One line of a file, valid UTF-8, without its line end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Counted from 1.
    pub number: u64,
    /// The text.
    pub text: String,
}

/// Splits at `\n` (a `\r` before it goes too); skips a byte-order mark.
pub(crate) struct Lines<R> {
    source: BufReader<R>,
    number: u64,
    offset: u64,
    limit_bytes: usize,
}

impl<R: Read> Lines<R> {
    pub fn new(source: R, limit_bytes: usize) -> Self {
        Self {
            source: BufReader::with_capacity(1 << 16, source),
            number: 0,
            offset: 0,
            limit_bytes,
        }
    }

    /// The next line; `None` at the end. Stops inside a line beyond the limit.
    pub fn next(&mut self) -> Result<Option<Line>, DatasetError> {
        let mut bytes = Vec::new();
        let mut consumed = 0u64;
        let mut ended = false;
        while !ended {
            let buffer = match self.source.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(DatasetError::from_io(error)),
            };
            if buffer.is_empty() {
                break;
            }
            let (part, used) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(at) => {
                    ended = true;
                    (&buffer[..at], at + 1)
                }
                None => (buffer, buffer.len()),
            };
            if bytes.len() + part.len() > self.limit_bytes.saturating_add(1) {
                return Err(self.too_large());
            }
            bytes.extend_from_slice(part);
            consumed += used as u64;
            self.source.consume(used);
        }
        if consumed == 0 {
            return Ok(None);
        }
        self.number += 1;
        let start = self.offset;
        self.offset += consumed;
        self.finish(bytes, start).map(Some)
    }

    fn finish(&self, mut bytes: Vec<u8>, start: u64) -> Result<Line, DatasetError> {
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        if bytes.len() > self.limit_bytes {
            return Err(DatasetError::RowTooLarge {
                row: self.number,
                limit_bytes: self.limit_bytes,
            });
        }
        let number = self.number;
        let mut text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to() as u64;
            DatasetError::InvalidUtf8 { row: number, column: at + 1, offset: start + at }
        })?;
        if number == 1 && text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Ok(Line { number, text })
    }

    fn too_large(&self) -> DatasetError {
        DatasetError::RowTooLarge { row: self.number + 1, limit_bytes: self.limit_bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8], limit: usize) -> Result<Vec<(u64, String)>, DatasetError> {
        let mut lines = Lines::new(bytes, limit);
        let mut out = Vec::new();
        while let Some(line) = lines.next()? {
            out.push((line.number, line.text));
        }
        Ok(out)
    }

    #[test]
    fn lines_end_at_line_feeds_with_or_without_a_carriage_return() {
        let lines = all(b"\xef\xbb\xbfa\r\nb\n\nc", 10).unwrap();
        let texts: Vec<_> = lines.iter().map(|(n, t)| (*n, t.as_str())).collect();
        assert_eq!(texts, [(1, "a"), (2, "b"), (3, ""), (4, "c")]);
    }

    #[test]
    fn a_fifty_megabyte_row_is_refused_without_being_held() {
        struct Endless {
            left: usize,
            read: std::rc::Rc<std::cell::Cell<usize>>,
        }
        impl Read for Endless {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let count = buffer.len().min(self.left);
                buffer[..count].fill(b'a');
                self.left -= count;
                self.read.set(self.read.get() + count);
                Ok(count)
            }
        }
        let read = std::rc::Rc::new(std::cell::Cell::new(0));
        let mut lines = Lines::new(Endless { left: 50 << 20, read: read.clone() }, 1 << 20);
        let error = lines.next().unwrap_err();
        assert!(matches!(error, DatasetError::RowTooLarge { row: 1, limit_bytes: 1_048_576 }));
        assert!(read.get() < 2 << 20, "{} bytes were read", read.get());
    }

    #[test]
    fn a_row_of_exactly_the_limit_passes() {
        assert!(all(b"aaaa\r\nbbbb", 4).is_ok());
        assert!(matches!(all(b"ok\naaaaa\n", 4), Err(DatasetError::RowTooLarge { row: 2, .. })));
    }

    #[test]
    fn invalid_utf8_names_row_column_and_byte() {
        let error = all(b"fine\nab\xff\n", 10).unwrap_err();
        assert!(
            matches!(error, DatasetError::InvalidUtf8 { row: 2, column: 3, offset: 7 }),
            "{error}"
        );
    }
}
