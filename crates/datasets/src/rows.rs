//! Reads an upload row by row: JSONL, CSV by header, TXT by blank line.

use std::io::Read;

use tributary_primitives::limits;

use crate::{
    DatasetError, Record, RecordError,
    lines::{Line, Lines},
    open_upload,
    record::Body,
    table::Table,
};

/// What an upload may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseLimits {
    /// Bytes of one row.
    pub row_bytes: usize,
    /// Rows of one upload.
    pub rows: usize,
    /// Bytes of one upload, unpacked.
    pub upload_bytes: u64,
    /// Growth by unpacking.
    pub ratio: u64,
}

impl Default for ParseLimits {
    fn default() -> Self {
        Self {
            row_bytes: limits::ROW_SIZE_BYTES,
            rows: limits::CONTRIBUTION_ROWS,
            upload_bytes: limits::UPLOAD_SIZE_BYTES as u64,
            ratio: limits::UPLOAD_RATIO as u64,
        }
    }
}

impl ParseLimits {
    /// For a file of one's own that is not contributed: rows keep their limit, the file has none.
    pub fn local() -> Self {
        Self { rows: usize::MAX, upload_bytes: u64::MAX, ..Self::default() }
    }
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated with a header.
    Csv,
    /// Paragraphs between blank lines.
    Txt,
}

impl Format {
    /// By the file's ending, with or without `.gz`.
    pub fn from_name(name: &str) -> Result<Self, DatasetError> {
        let lower = name.to_ascii_lowercase();
        let plain = lower.strip_suffix(".gz").unwrap_or(&lower);
        match plain.rsplit_once('.').map(|(_, ending)| ending) {
            Some("jsonl" | "ndjson") => Ok(Self::Jsonl),
            Some("csv") => Ok(Self::Csv),
            Some("txt") => Ok(Self::Txt),
            _ => Err(DatasetError::UnknownFormat { name: name.chars().take(120).collect() }),
        }
    }
}

/// A record and the line of the file where it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Counted from 1.
    pub line: u64,
    /// The record.
    pub record: Record,
}

/// Yields rows one by one. After an error of one row ([`DatasetError::Row`],
/// [`DatasetError::Cell`], [`DatasetError::Ragged`]) reading goes on with the next; after any
/// other error it has ended.
pub struct RowReader<'a> {
    source: Source<'a>,
    limits: ParseLimits,
    rows: usize,
    ended: bool,
}

enum Source<'a> {
    Jsonl(Lines<Box<dyn Read + 'a>>),
    Txt(Lines<Box<dyn Read + 'a>>),
    Csv(Box<Table<Box<dyn Read + 'a>>>),
}

impl<'a> RowReader<'a> {
    /// Opens an upload, packed or not.
    pub fn open<R: Read + 'a>(
        source: R,
        format: Format,
        limits: &ParseLimits,
    ) -> Result<Self, DatasetError> {
        let source = open_upload(source, limits)?;
        let source = match format {
            Format::Jsonl => Source::Jsonl(Lines::new(source, limits.row_bytes)),
            Format::Txt => Source::Txt(Lines::new(source, limits.row_bytes)),
            Format::Csv => Source::Csv(Box::new(Table::open(source, limits.row_bytes)?)),
        };
        Ok(Self { source, limits: limits.clone(), rows: 0, ended: false })
    }

    fn read(&mut self) -> Result<Option<Row>, DatasetError> {
        match &mut self.source {
            Source::Jsonl(lines) => read_jsonl(lines),
            Source::Txt(lines) => read_paragraph(lines, self.limits.row_bytes),
            Source::Csv(table) => table.next(),
        }
    }
}

impl Iterator for RowReader<'_> {
    type Item = Result<Row, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let row = self.read().transpose();
        match &row {
            None => self.ended = true,
            Some(Err(error)) if !is_local(error) => self.ended = true,
            Some(_) => {
                self.rows += 1;
                if self.rows > self.limits.rows {
                    self.ended = true;
                    return Some(Err(DatasetError::TooManyRows { limit: self.limits.rows }));
                }
            }
        }
        row
    }
}

/// Reads all rows or the first error. No rows at all is an error too.
pub fn parse<R: Read>(
    source: R,
    format: Format,
    limits: &ParseLimits,
) -> Result<Vec<Row>, DatasetError> {
    let rows = RowReader::open(source, format, limits)?.collect::<Result<Vec<_>, _>>()?;
    if rows.is_empty() { Err(DatasetError::Empty) } else { Ok(rows) }
}

/// What [`survey`] found: the good rows and what is wrong with the others.
#[derive(Debug, Default)]
pub struct Survey {
    /// Rows that are records.
    pub rows: Vec<Row>,
    /// Rows that are not, in order; at most as many as asked for.
    pub errors: Vec<DatasetError>,
    /// Rows that are not, all of them.
    pub errors_total: usize,
}

/// Reads all rows and collects up to `errors_kept` errors of single rows, so that a page can
/// show them together. An error that ends the reading is returned as such.
pub fn survey<R: Read>(
    source: R,
    format: Format,
    limits: &ParseLimits,
    errors_kept: usize,
) -> Result<Survey, DatasetError> {
    let mut found = Survey::default();
    for row in RowReader::open(source, format, limits)? {
        match row {
            Ok(row) => found.rows.push(row),
            Err(error) if is_local(&error) => {
                found.errors_total += 1;
                if found.errors.len() < errors_kept {
                    found.errors.push(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
    if found.rows.is_empty() && found.errors_total == 0 {
        return Err(DatasetError::Empty);
    }
    Ok(found)
}

/// True when the next row can still be read.
fn is_local(error: &DatasetError) -> bool {
    matches!(
        error,
        DatasetError::Row { .. } | DatasetError::Cell { .. } | DatasetError::Ragged { .. }
    )
}

fn read_jsonl<R: Read>(lines: &mut Lines<R>) -> Result<Option<Row>, DatasetError> {
    while let Some(line) = lines.next()? {
        if line.text.trim().is_empty() {
            continue;
        }
        let at = |reason| DatasetError::Row { row: line.number, reason };
        if line.text.trim_start().starts_with('[') {
            return Err(at(RecordError::Malformed {
                column: 1 + line.text.len() - line.text.trim_start().len(),
                reason: "a JSON array; write one object a line".into(),
            }));
        }
        let record = Record::from_json(line.text.as_bytes()).map_err(at)?;
        return Ok(Some(Row { line: line.number, record }));
    }
    Ok(None)
}

fn read_paragraph<R: Read>(
    lines: &mut Lines<R>,
    row_bytes: usize,
) -> Result<Option<Row>, DatasetError> {
    let mut start = 0;
    let mut paragraph = String::new();
    while let Some(Line { number, text }) = lines.next()? {
        if text.trim().is_empty() {
            if paragraph.is_empty() {
                continue;
            }
            break;
        }
        if paragraph.is_empty() {
            start = number;
        } else {
            paragraph.push('\n');
        }
        paragraph.push_str(text.trim_end());
        if paragraph.len() > row_bytes {
            return Err(DatasetError::RowTooLarge { row: start, limit_bytes: row_bytes });
        }
    }
    if paragraph.is_empty() {
        return Ok(None);
    }
    let record = Record::new(Body::Text(paragraph), None, None)
        .map_err(|reason| DatasetError::Row { row: start, reason })?;
    Ok(Some(Row { line: start, record }))
}
