//! CSV by header. The csv crate splits; this file guards what it would swallow: rows without
//! end and bytes that are not UTF-8.

use std::{
    cell::RefCell,
    io::{self, Read},
    rc::Rc,
};

use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};
use serde_json::{Map, Value};
use tributary_primitives::ChatMessage;

use crate::{DatasetError, Record, RecordError, Row, record::RawRow};

/// The csv crate reads ahead by this much.
const BUFFER_BYTES: usize = 1 << 13;

const COLUMNS: [&str; 6] = ["id", "text", "prompt", "completion", "messages", "meta"];

/// An open CSV file.
pub(crate) struct Table<R> {
    reader: Reader<Guard<R>>,
    guard: Rc<RefCell<Watch>>,
    /// For each of `COLUMNS`, its place in the file.
    places: [Option<usize>; COLUMNS.len()],
    fields: usize,
    row_bytes: usize,
}

/// What the guard knows and is told, shared with the table.
#[derive(Default)]
struct Watch {
    /// Bytes taken from the source.
    bytes: u64,
    /// Bytes handed out, after line ends became line feeds.
    handed: u64,
    /// Hand out no more beyond this byte.
    ceiling: u64,
    /// The last byte taken was a carriage return.
    after_return: bool,
    /// The last byte handed out was a line feed.
    after_feed: bool,
    /// Line feeds taken.
    newlines: u64,
    /// Byte where the current line starts.
    line_start: u64,
    /// Line where the current row starts.
    row: u64,
    /// An unfinished UTF-8 sequence.
    pending: Vec<u8>,
}

struct Guard<R> {
    inner: R,
    watch: Rc<RefCell<Watch>>,
    row_bytes: usize,
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut watch = self.watch.borrow_mut();
        loop {
            if watch.handed > watch.ceiling {
                let row = watch.row;
                let limit_bytes = self.row_bytes;
                return Err(DatasetError::RowTooLarge { row, limit_bytes }.into_io());
            }
            let taken = self.inner.read(buffer)?;
            watch.check_utf8(buffer.get(..taken).unwrap_or_default(), taken == 0)?;
            let kept = watch.unify_line_ends(buffer.get_mut(..taken).unwrap_or_default());
            if kept > 0 || taken == 0 {
                return Ok(kept);
            }
        }
    }
}

impl Watch {
    /// Turns `\r\n` and `\r` into `\n` in place, as canonical text does anyway: the csv crate
    /// counts lines well only then. Returns how many bytes are left.
    fn unify_line_ends(&mut self, bytes: &mut [u8]) -> usize {
        let mut kept = 0;
        for at in 0..bytes.len() {
            let Some(byte) = bytes.get(at).copied() else { break };
            let second_half = byte == b'\n' && self.after_return;
            self.after_return = byte == b'\r';
            if second_half {
                continue;
            }
            let unified = if byte == b'\r' { b'\n' } else { byte };
            self.after_feed = unified == b'\n';
            if let Some(slot) = bytes.get_mut(kept) {
                *slot = unified;
            }
            kept += 1;
        }
        self.handed += kept as u64;
        kept
    }

    fn check_utf8(&mut self, bytes: &[u8], ended: bool) -> io::Result<()> {
        let start = self.bytes - self.pending.len() as u64;
        let mut joined = std::mem::take(&mut self.pending);
        joined.extend_from_slice(bytes);
        let valid = match std::str::from_utf8(&joined) {
            Ok(_) => joined.len(),
            Err(error) if error.error_len().is_none() && !ended => error.valid_up_to(),
            Err(error) => {
                let at = error.valid_up_to();
                self.count_lines(joined.get(..at).unwrap_or_default(), start);
                let offset = start + at as u64;
                return Err(DatasetError::InvalidUtf8 {
                    row: self.newlines + 1,
                    column: offset - self.line_start + 1,
                    offset,
                }
                .into_io());
            }
        };
        self.count_lines(joined.get(..valid).unwrap_or_default(), start);
        self.pending = joined.split_off(valid);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn count_lines(&mut self, bytes: &[u8], start: u64) {
        for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            self.newlines += 1;
            self.line_start = start + at as u64 + 1;
        }
    }
}

impl<R: Read> Table<R> {
    pub fn open(source: R, row_bytes: usize) -> Result<Self, DatasetError> {
        let guard = Rc::new(RefCell::new(Watch { row: 1, ..Watch::default() }));
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(Guard { inner: source, watch: guard.clone(), row_bytes });
        raise_ceiling(&guard, &reader, row_bytes);
        let mut header = ByteRecord::new();
        if !reader.read_byte_record(&mut header).map_err(from_csv)? {
            return Err(DatasetError::Empty);
        }
        let names: Vec<String> = header
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim().trim_start_matches('\u{feff}').into())
            .map(|name: String| name.to_ascii_lowercase())
            .collect();
        let places = COLUMNS.map(|column| names.iter().position(|name| name == column));
        let row = header.position().map_or(1, csv::Position::line);
        let [_, text, prompt, completion, messages, _] = places;
        if text.is_none() && messages.is_none() && (prompt.is_none() || completion.is_none()) {
            let found = names.join(", ").chars().take(120).collect();
            return Err(DatasetError::Header { row, found });
        }
        let fields = names.len();
        Ok(Self { reader, guard, places, fields, row_bytes })
    }

    /// The next row; blank rows are skipped by the csv crate.
    pub fn next(&mut self) -> Result<Option<Row>, DatasetError> {
        raise_ceiling(&self.guard, &self.reader, self.row_bytes);
        let mut record = ByteRecord::new();
        if !self.reader.read_byte_record(&mut record).map_err(from_csv)? {
            return Ok(None);
        }
        let line = self.first_line(&record);
        if record.as_slice().len() > self.row_bytes {
            return Err(DatasetError::RowTooLarge { row: line, limit_bytes: self.row_bytes });
        }
        if record.len() != self.fields {
            return Err(DatasetError::Ragged {
                row: line,
                expected: self.fields as u64,
                found: record.len() as u64,
            });
        }
        self.to_record(&record, line).map(|record| Some(Row { line, record }))
    }

    /// Line where a row just read starts: counted back from where the reader stands, because
    /// the csv crate's own position is before the blank lines that it skips.
    fn first_line(&self, record: &ByteRecord) -> u64 {
        let position = self.reader.position();
        let watch = self.guard.borrow();
        let inner = record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
        let unterminated = position.byte() == watch.handed && !watch.after_feed;
        position.line().saturating_sub(inner + u64::from(!unterminated))
    }

    fn to_record(&self, fields: &ByteRecord, row: u64) -> Result<Record, DatasetError> {
        let [id, text, prompt, completion, messages, meta] = self.places.map(|place| {
            let cell = fields.get(place?)?;
            // The guard has seen every byte: this never replaces anything.
            let cell = String::from_utf8_lossy(cell).into_owned();
            (!cell.trim().is_empty()).then_some(cell)
        });
        let cell = |field: &'static str| {
            move |error: serde_json::Error| DatasetError::Cell {
                row,
                field,
                reason: error.to_string(),
            }
        };
        let messages: Option<Vec<ChatMessage>> = messages
            .map(|json| serde_json::from_str(&json))
            .transpose()
            .map_err(cell("messages"))?;
        let meta: Option<Map<String, Value>> =
            meta.map(|json| serde_json::from_str(&json)).transpose().map_err(cell("meta"))?;
        let raw = RawRow::from_cells(text, prompt, completion, messages);
        let refused = |reason: RecordError| DatasetError::Row { row, reason };
        let body = raw.into_body().map_err(refused)?;
        Record::new(body, id.as_deref().map(str::trim), meta.as_ref()).map_err(refused)
    }
}

/// Allows the next row its limit, counted from where the csv crate stands.
fn raise_ceiling<R: Read>(guard: &Rc<RefCell<Watch>>, reader: &Reader<Guard<R>>, row_bytes: usize) {
    let position = reader.position();
    let mut watch = guard.borrow_mut();
    watch.row = position.line();
    watch.ceiling = position.byte().saturating_add((row_bytes + 2 * BUFFER_BYTES) as u64);
}

fn from_csv(error: csv::Error) -> DatasetError {
    let text = error.to_string();
    match error.into_kind() {
        ErrorKind::Io(error) => DatasetError::from_io(error),
        _ => DatasetError::Io(io::Error::other(text)),
    }
}
