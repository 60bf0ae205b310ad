//! Keys and values of one sequence.

use crate::model::{Model, Shape};

/// One layer and one kv head, token after token.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeadCache {
    /// Quantised keys, both limbs joined (below 2^14).
    pub(crate) keys: Vec<i16>,
    /// Fraction of each key.
    pub(crate) key_fractions: Vec<i32>,
    /// Quantised values.
    pub(crate) values: Vec<i8>,
    /// Exponent of each value row.
    pub(crate) value_exponents: Vec<i32>,
}

/// The cache of one sequence: everything a later token needs from the earlier ones.
#[derive(Debug, Clone)]
pub struct KvCache {
    shape: Shape,
    /// Layer-major, then kv head.
    heads: Vec<HeadCache>,
    len: usize,
}

impl KvCache {
    /// An empty cache for this model.
    #[must_use]
    pub fn new(model: &Model) -> Self {
        let heads = model.shape.layers as usize * model.shape.kv_heads as usize;
        Self { shape: model.shape, heads: vec![HeadCache::default(); heads], len: 0 }
    }

    /// Tokens held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no token was fed yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets every token from position `len` on.
    pub fn truncate(&mut self, len: usize) {
        let width = self.shape.head_dim as usize;
        self.len = self.len.min(len);
        for head in &mut self.heads {
            head.keys.truncate(self.len * width);
            head.key_fractions.truncate(self.len);
            head.values.truncate(self.len * width);
            head.value_exponents.truncate(self.len);
        }
    }

    /// Bytes in use.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let token = 3 * self.shape.head_dim as usize + 8;
        self.heads.len() * self.len * token
    }

    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }

    pub(crate) fn head_mut(&mut self, layer: usize, kv_head: usize) -> &mut HeadCache {
        &mut self.heads[layer * self.shape.kv_heads as usize + kv_head]
    }

    pub(crate) fn head(&self, layer: usize, kv_head: usize) -> &HeadCache {
        &self.heads[layer * self.shape.kv_heads as usize + kv_head]
    }

    pub(crate) fn advance(&mut self, tokens: usize) {
        self.len += tokens;
    }
}
