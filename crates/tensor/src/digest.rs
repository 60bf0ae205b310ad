//! What a receipt commits to: the logits of every chosen position.

/// BLAKE3 over the little-endian i32 logits of every chosen position, in order.
#[derive(Debug, Clone, Default)]
pub struct LogitsDigest(blake3::Hasher);

impl LogitsDigest {
    /// Nothing chosen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one position.
    pub fn update(&mut self, logits: &[i32]) {
        let mut buffer = Vec::with_capacity(logits.len() * 4);
        logits.iter().for_each(|logit| buffer.extend_from_slice(&logit.to_le_bytes()));
        self.0.update(&buffer);
    }

    /// The digest of all positions so far.
    #[must_use]
    pub fn finish(&self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }
}
