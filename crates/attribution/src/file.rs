//! The index as a file: 2 bytes a token and 3 bytes a suffix where they fit, every length
//! checked before it is believed, BLAKE3 at the end.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use tributary_primitives::{Address, B256, DatanetId, Digest, SnapshotRef};

use crate::{
    AttributionError,
    index::{Index, IndexedRecord, VOCABULARY},
};

const MAGIC: &[u8; 8] = b"TRBINDX1";
/// The file's name inside an index directory.
pub const INDEX_FILE: &str = "index.trb";
/// Longest `id` of a row that an index names.
const OWN_ID_BYTES: usize = 4_096;

impl Index {
    /// The whole index as bytes; the same snapshot gives the same bytes everywhere.
    pub fn to_bytes(&self) -> Vec<u8> {
        let token_width = width_of_tokens(self.vocab_size);
        let suffix_width = width_of_suffixes(self.text.len());
        let mut out = Vec::with_capacity(
            self.text.len() * (token_width + suffix_width) + self.records.len() * 128 + 256,
        );
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.tokenizer.0);
        out.extend_from_slice(&self.snapshot.datanet.0.to_le_bytes());
        out.extend_from_slice(&self.snapshot.version.to_le_bytes());
        out.extend_from_slice(self.snapshot.root.as_slice());
        for length in
            [self.vocab_size as usize, self.records.len(), self.starts.len(), self.text.len()]
        {
            out.extend_from_slice(&(length as u32).to_le_bytes());
        }
        for record in &self.records {
            out.extend_from_slice(&record.record_id.0);
            out.extend_from_slice(&record.content.0);
            out.extend_from_slice(record.contributor.as_slice());
            out.extend_from_slice(&record.cluster.to_le_bytes());
            let own_id = record.own_id.as_deref().unwrap_or_default();
            out.extend_from_slice(&(own_id.len() as u16).to_le_bytes());
            out.extend_from_slice(own_id.as_bytes());
        }
        for word in self.starts.iter().chain(&self.owners) {
            out.extend_from_slice(&word.to_le_bytes());
        }
        for (words, width) in [(&self.text, token_width), (&self.suffixes, suffix_width)] {
            for word in words {
                out.extend(word.to_le_bytes().iter().take(width));
            }
        }
        let digest = Digest::of(&out);
        out.extend_from_slice(&digest.0);
        out
    }

    /// Reads bytes that anybody may have written. Another tokenizer's index is refused.
    pub fn from_bytes(bytes: &[u8], tokenizer: &Digest) -> Result<Self, AttributionError> {
        let damaged = AttributionError::Damaged;
        let split = bytes.len().checked_sub(32).ok_or(damaged("it is too short"))?;
        let (body, digest) = bytes.split_at(split);
        let mut source = Source(body);
        if source.take(MAGIC.len())? != MAGIC {
            return Err(damaged("the first bytes are another format's"));
        }
        if Digest::of(body).0 != *digest {
            return Err(damaged("the digest does not match"));
        }
        let index = Digest(source.array()?);
        if index != *tokenizer {
            return Err(AttributionError::OtherTokenizer { index, given: *tokenizer });
        }
        let snapshot = SnapshotRef {
            datanet: DatanetId(u64::from_le_bytes(source.array()?)),
            version: source.word()?,
            root: B256::from(source.array()?),
        };
        let vocab_size = source.word()?;
        let [records, starts, tokens] = [source.word()?, source.word()?, source.word()?];
        let records = read_records(&mut source, records)?;
        let starts = read_starts(source.words(starts, 4)?, tokens)?;
        let owners = source.words(starts.len() as u32, 4)?;
        if owners.iter().any(|owner| *owner as usize >= records.len()) {
            return Err(damaged("a text belongs to no record"));
        }
        let text = source.words(tokens, width_of_tokens(vocab_size))?;
        if vocab_size > VOCABULARY || text.iter().any(|id| *id > vocab_size) {
            return Err(damaged("a token is beyond the vocabulary"));
        }
        let suffixes = source.words(tokens, width_of_suffixes(text.len()))?;
        if suffixes.iter().any(|at| *at >= tokens) {
            return Err(damaged("a suffix begins beyond the text"));
        }
        if !source.0.is_empty() {
            return Err(damaged("there are bytes too many"));
        }
        let header = (snapshot, index, vocab_size);
        Ok(Self::assemble(header, (text, suffixes), records, (starts, owners)))
    }

    /// Writes the index into a directory, made when absent. A crash leaves the old file or the
    /// new one.
    pub fn write(&self, directory: &Path) -> Result<(), AttributionError> {
        let path = directory.join(INDEX_FILE);
        let failed = |source| AttributionError::File { path: path.display().to_string(), source };
        fs::create_dir_all(directory).map_err(failed)?;
        let staged = directory.join(format!("{INDEX_FILE}.{}", std::process::id()));
        let written = File::create(&staged).and_then(|mut file| {
            file.write_all(&self.to_bytes())?;
            file.sync_all()?;
            fs::rename(&staged, &path)?;
            File::open(directory)?.sync_all()
        });
        written.map_err(|error| {
            let _ = fs::remove_file(&staged);
            failed(error)
        })
    }

    /// Opens the index of a directory (or of the file itself).
    pub fn open(path: &Path, tokenizer: &Digest) -> Result<Self, AttributionError> {
        let path = if path.is_dir() { path.join(INDEX_FILE) } else { path.to_owned() };
        let bytes = fs::read(&path).map_err(|source| AttributionError::File {
            path: path.display().to_string(),
            source,
        })?;
        Self::from_bytes(&bytes, tokenizer)
    }
}

fn width_of_tokens(vocab_size: u32) -> usize {
    if vocab_size <= u32::from(u16::MAX) { 2 } else { 4 }
}

fn width_of_suffixes(tokens: usize) -> usize {
    if tokens <= 1 << 24 { 3 } else { 4 }
}

fn read_records(
    source: &mut Source<'_>,
    count: u32,
) -> Result<Vec<IndexedRecord>, AttributionError> {
    let damaged = AttributionError::Damaged;
    let mut records: Vec<IndexedRecord> = Vec::new();
    for place in 0..count {
        let record_id = Digest(source.array()?);
        let content = Digest(source.array()?);
        let contributor = Address::from(source.array()?);
        let cluster = source.word()?;
        let length = usize::from(u16::from_le_bytes(source.array()?));
        if length > OWN_ID_BYTES {
            return Err(damaged("the id of a row is too long"));
        }
        let own_id = std::str::from_utf8(source.take(length)?)
            .map_err(|_| damaged("the id of a row is not UTF-8"))?;
        let owner_says_the_same = cluster == place
            || records
                .get(cluster as usize)
                .is_some_and(|r| r.cluster == cluster && r.content == content);
        if !owner_says_the_same {
            return Err(damaged("a cluster has no owner"));
        }
        let own_id = (!own_id.is_empty()).then(|| own_id.to_owned());
        records.push(IndexedRecord { record_id, own_id, content, contributor, cluster });
    }
    Ok(records)
}

fn read_starts(starts: Vec<u32>, tokens: u32) -> Result<Vec<u32>, AttributionError> {
    let rising = starts.windows(2).all(|pair| pair.first() < pair.last());
    let first = starts.first().copied();
    let last_inside = starts.last().is_none_or(|last| *last < tokens);
    if rising && last_inside && (first == Some(0) || (first.is_none() && tokens == 0)) {
        Ok(starts)
    } else {
        Err(AttributionError::Damaged("the texts do not follow one another"))
    }
}

/// Bytes that are used up from the front; every request is checked.
struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], AttributionError> {
        let (front, rest) =
            self.0.split_at_checked(count).ok_or(AttributionError::Damaged("it ends too early"))?;
        self.0 = rest;
        Ok(front)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], AttributionError> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| AttributionError::Damaged("it ends too early"))
    }

    fn word(&mut self) -> Result<u32, AttributionError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// `count` words of `width` bytes. Takes no memory before the bytes are known to be there.
    fn words(&mut self, count: u32, width: usize) -> Result<Vec<u32>, AttributionError> {
        let bytes = (count as usize)
            .checked_mul(width)
            .ok_or(AttributionError::Damaged("a length is absurd"))?;
        let word =
            |bytes: &[u8]| bytes.iter().rev().fold(0u32, |word, byte| word << 8 | u32::from(*byte));
        Ok(self.take(bytes)?.chunks_exact(width).map(word).collect())
    }
}
