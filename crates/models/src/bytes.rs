//! Reading and writing little-endian containers. Nothing is allocated before the bytes are there.

use crate::error::ModelError;
use crate::float::check_finite;

/// What is left of a container.
pub(crate) struct Cursor<'a> {
    file: &'static str,
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(file: &'static str, rest: &'a [u8]) -> Self {
        Self { file, rest }
    }

    pub(crate) fn damaged(&self, reason: impl Into<String>) -> ModelError {
        ModelError::Damaged { file: self.file.into(), reason: reason.into() }
    }

    /// The next `count` bytes.
    pub(crate) fn take(&mut self, what: &str, count: usize) -> Result<&'a [u8], ModelError> {
        let Some((bytes, rest)) = self.rest.split_at_checked(count) else {
            let left = self.rest.len();
            return Err(self.damaged(format!("{what} needs {count} bytes, {left} are left")));
        };
        self.rest = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], ModelError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(what, N)?);
        Ok(out)
    }

    pub(crate) fn u8(&mut self, what: &str) -> Result<u8, ModelError> {
        Ok(self.array::<1>(what)?[0])
    }

    pub(crate) fn i8(&mut self, what: &str) -> Result<i8, ModelError> {
        Ok(self.u8(what)? as i8)
    }

    pub(crate) fn u16(&mut self, what: &str) -> Result<u16, ModelError> {
        Ok(u16::from_le_bytes(self.array(what)?))
    }

    pub(crate) fn u32(&mut self, what: &str) -> Result<u32, ModelError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub(crate) fn i32(&mut self, what: &str) -> Result<i32, ModelError> {
        Ok(i32::from_le_bytes(self.array(what)?))
    }

    pub(crate) fn u64(&mut self, what: &str) -> Result<u64, ModelError> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    pub(crate) fn f32(&mut self, what: &str) -> Result<f32, ModelError> {
        Ok(f32::from_le_bytes(self.array(what)?))
    }

    pub(crate) fn f64(&mut self, what: &str) -> Result<f64, ModelError> {
        Ok(f64::from_le_bytes(self.array(what)?))
    }

    pub(crate) fn digest(&mut self, what: &str) -> Result<[u8; 32], ModelError> {
        self.array(what)
    }

    pub(crate) fn i8s(&mut self, what: &str, count: usize) -> Result<Vec<i8>, ModelError> {
        Ok(self.take(what, count)?.iter().map(|&b| b as i8).collect())
    }

    pub(crate) fn i16s(&mut self, what: &str, count: usize) -> Result<Vec<i16>, ModelError> {
        let bytes = self.take(what, count.saturating_mul(2))?;
        Ok(bytes.as_chunks::<2>().0.iter().map(|b| i16::from_le_bytes(*b)).collect())
    }

    /// Finite floats.
    pub(crate) fn f32s(&mut self, what: &str, count: usize) -> Result<Vec<f32>, ModelError> {
        let bytes = self.take(what, count.saturating_mul(4))?;
        let values: Vec<f32> =
            bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        check_finite(what, &values)?;
        Ok(values)
    }

    /// Bytes not read yet.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Refuses bytes behind the end.
    pub(crate) fn end(&self) -> Result<(), ModelError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(self.damaged(format!("{left} bytes follow the last field"))),
        }
    }
}

/// A container being written.
#[derive(Default)]
pub(crate) struct Sink(pub(crate) Vec<u8>);

impl Sink {
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn i8s(&mut self, values: impl IntoIterator<Item = i8>) -> &mut Self {
        self.0.extend(values.into_iter().map(|v| v as u8));
        self
    }

    pub(crate) fn i16s(&mut self, values: &[i16]) -> &mut Self {
        self.0.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        self
    }

    pub(crate) fn f32s(&mut self, values: &[f32]) -> &mut Self {
        self.0.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        self
    }
}
