//! Unpacks an upload: gzip with a limit on growth, everything with a limit on size. Other
//! packings are refused by name.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use crate::{DatasetError, ParseLimits};

/// Below this many bytes a high ratio is harmless: short texts repeat.
const RATIO_FREE_BYTES: u64 = 1 << 20;

const MAGICS: [(&[u8], &str); 6] = [
    (b"PK\x03\x04", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"PAR1", "parquet"),
];

/// Opens an upload: looks at its first bytes, unpacks gzip, refuses other packings by name, and
/// guards size and ratio. The returned reader fails with a [`DatasetError`] inside the
/// `io::Error`; [`crate::RowReader`] unwraps it.
pub fn open_upload<'a, R: Read + 'a>(
    source: R,
    limits: &ParseLimits,
) -> Result<Box<dyn Read + 'a>, DatasetError> {
    let mut source = BufReader::with_capacity(1 << 16, source);
    let head = peek(&mut source)?;
    if let Some((_, name)) = MAGICS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(DatasetError::UnsupportedPacking { name });
    }
    let size_limit = limits.upload_bytes;
    if head.starts_with(&[0x1f, 0x8b]) {
        let packed = Counted { inner: source, bytes: 0 };
        let decoder = MultiGzDecoder::new(BufReader::with_capacity(1 << 13, packed));
        return Ok(Box::new(Unpacked { decoder, ratio_limit: limits.ratio, size_limit, bytes: 0 }));
    }
    Ok(Box::new(Sized { inner: source, size_limit, bytes: 0 }))
}

/// The first bytes, without consuming them; fills through short reads as far as one buffer goes.
fn peek<R: Read>(source: &mut BufReader<R>) -> Result<Vec<u8>, DatasetError> {
    loop {
        match source.fill_buf() {
            Ok(bytes) => return Ok(bytes.iter().take(8).copied().collect()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(DatasetError::from_io(error)),
        }
    }
}

struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes += count as u64;
        Ok(count)
    }
}

struct Unpacked<R: Read> {
    decoder: MultiGzDecoder<BufReader<Counted<R>>>,
    ratio_limit: u64,
    size_limit: u64,
    bytes: u64,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self.decoder.read(buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                return Err(match error.downcast::<DatasetError>() {
                    Ok(ours) => ours.into_io(),
                    Err(theirs) => {
                        DatasetError::DamagedGzip { reason: theirs.to_string() }.into_io()
                    }
                });
            }
        };
        self.bytes += count as u64;
        let packed = self.decoder.get_ref().get_ref().bytes;
        if self.bytes > RATIO_FREE_BYTES && self.bytes > packed.saturating_mul(self.ratio_limit) {
            return Err(DatasetError::RatioTooHigh { limit: self.ratio_limit }.into_io());
        }
        if self.bytes > self.size_limit {
            return Err(DatasetError::UploadTooLarge { limit_bytes: self.size_limit }.into_io());
        }
        Ok(count)
    }
}

struct Sized<R> {
    inner: R,
    size_limit: u64,
    bytes: u64,
}

impl<R: Read> Read for Sized<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes += count as u64;
        if self.bytes > self.size_limit {
            return Err(DatasetError::UploadTooLarge { limit_bytes: self.size_limit }.into_io());
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8], limits: &ParseLimits) -> Result<Vec<u8>, DatasetError> {
        let mut out = Vec::new();
        open_upload(bytes, limits)?.read_to_end(&mut out).map_err(DatasetError::from_io)?;
        Ok(out)
    }

    #[test]
    fn gzip_and_plain_uploads_read_the_same() {
        let text = b"{\"text\":\"one\"}\n".repeat(20);
        let limits = ParseLimits::default();
        assert_eq!(read(&gzip(&text), &limits).unwrap(), text);
        assert_eq!(read(&text, &limits).unwrap(), text);
        let two_members = [gzip(b"a\n"), gzip(b"b\n")].concat();
        assert_eq!(read(&two_members, &limits).unwrap(), b"a\nb\n");
    }

    #[test]
    fn a_bomb_is_refused_after_little_more_than_the_free_part() {
        let bomb = gzip(&vec![b'a'; 20 << 20]);
        let mut reader = open_upload(bomb.as_slice(), &ParseLimits::default()).unwrap();
        let mut out = Vec::new();
        let error = DatasetError::from_io(reader.read_to_end(&mut out).unwrap_err());
        assert!(matches!(error, DatasetError::RatioTooHigh { limit: 100 }), "{error}");
        assert!(out.len() < 3 << 20, "{} bytes were unpacked", out.len());
    }

    #[test]
    fn size_counts_after_unpacking() {
        let limits = ParseLimits { upload_bytes: 1_000, ..ParseLimits::default() };
        let error = read(&gzip(&[b'x'; 2_000]), &limits).unwrap_err();
        assert!(matches!(error, DatasetError::UploadTooLarge { limit_bytes: 1_000 }));
        assert!(read(&[b'x'; 1_001], &limits).is_err());
        assert!(read(&[b'x'; 1_000], &limits).is_ok());
    }

    #[test]
    fn a_cut_gzip_and_other_packings_are_named() {
        let whole = gzip(&b"some text that is long enough to be cut".repeat(9));
        let error = read(&whole[..whole.len() - 6], &ParseLimits::default()).unwrap_err();
        assert!(matches!(error, DatasetError::DamagedGzip { .. }), "{error}");
        let error = read(b"PK\x03\x04....", &ParseLimits::default()).unwrap_err();
        assert!(matches!(error, DatasetError::UnsupportedPacking { name: "zip" }));
    }
}
