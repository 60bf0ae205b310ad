//! Keys and values of one sequence.

use crate::model::{Model, Shape};

/// Tokens per block of keys.
pub(crate) const KEY_TOKENS: usize = 16;
/// Values of one head per lane.
pub(crate) const VALUE_WIDTH: usize = 16;

/// Two neighbouring key values of sixteen tokens: one 512-bit register.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct KeyLane(pub(crate) [i16; 2 * KEY_TOKENS]);

/// Sixteen values of two neighbouring tokens.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(32))]
pub(crate) struct ValueLane(pub(crate) [i8; 2 * VALUE_WIDTH]);

/// One layer and one kv head, token after token.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeadCache {
    /// Quantised keys, both limbs joined (below 2^14): blocks of sixteen tokens, pair after pair.
    pub(crate) keys: Vec<KeyLane>,
    /// Fraction of each key.
    pub(crate) key_fractions: Vec<i32>,
    /// Quantised values: two tokens, sixteen values after sixteen.
    pub(crate) values: Vec<ValueLane>,
    /// Exponent of each value row.
    pub(crate) value_exponents: Vec<i32>,
}

impl HeadCache {
    /// Appends one token's key and value. What lies beyond the last token in a block is never
    /// read with a weight other than zero.
    pub(crate) fn push(
        &mut self,
        key: impl ExactSizeIterator<Item = i16>,
        fraction: i32,
        value: impl ExactSizeIterator<Item = i8>,
        exponent: i32,
    ) {
        let position = self.key_fractions.len();
        let pairs = key.len() / 2;
        let (block, token) = (position / KEY_TOKENS, position % KEY_TOKENS);
        self.keys.resize((block + 1) * pairs, KeyLane([0; 2 * KEY_TOKENS]));
        for (i, key) in key.enumerate() {
            self.keys[block * pairs + i / 2].0[2 * token + i % 2] = key;
        }
        let groups = value.len().div_ceil(VALUE_WIDTH);
        let (couple, token) = (position / 2, position % 2);
        self.values.resize((couple + 1) * groups, ValueLane([0; 2 * VALUE_WIDTH]));
        for (i, value) in value.enumerate() {
            let lane = &mut self.values[couple * groups + i / VALUE_WIDTH];
            lane.0[2 * (i % VALUE_WIDTH) + token] = value;
        }
        self.key_fractions.push(fraction);
        self.value_exponents.push(exponent);
    }

    fn truncate(&mut self, len: usize, width: usize) {
        self.keys.truncate(len.div_ceil(KEY_TOKENS) * (width / 2));
        self.values.truncate(len.div_ceil(2) * width.div_ceil(VALUE_WIDTH));
        self.key_fractions.truncate(len);
        self.value_exponents.truncate(len);
    }
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
        self.heads.iter_mut().for_each(|head| head.truncate(self.len, width));
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
