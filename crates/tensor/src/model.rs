//! The integer model: shapes, weights, exponents and fractions, checked once at construction.

use std::sync::Arc;

use crate::error::TensorError;
use crate::linear::Linear;
use crate::tables;

/// The dimensions of a Llama-shaped transformer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Width of the residual stream.
    pub hidden: u32,
    /// Number of layers.
    pub layers: u32,
    /// Query heads.
    pub heads: u32,
    /// Key and value heads; divides `heads`.
    pub kv_heads: u32,
    /// Width of one head; even.
    pub head_dim: u32,
    /// Width of the MLP.
    pub ffn: u32,
    /// Number of tokens.
    pub vocab: u32,
    /// Longest sequence.
    pub context: u32,
}

impl Shape {
    /// Checks every dimension against the bounds the format was proven for.
    pub fn check(&self) -> Result<(), TensorError> {
        let ranges = [
            ("hidden", self.hidden, 2, 16_384),
            ("layers", self.layers, 1, 1_024),
            ("heads", self.heads, 1, 1_024),
            ("kv_heads", self.kv_heads, 1, 1_024),
            ("head_dim", self.head_dim, 2, 256),
            ("ffn", self.ffn, 1, 32_768),
            ("vocab", self.vocab, 1, 262_144),
            ("context", self.context, 1, 65_536),
            ("heads x head_dim", self.heads.saturating_mul(self.head_dim), 2, 32_768),
            ("heads modulo kv_heads", self.heads % self.kv_heads.max(1), 0, 0),
            ("head_dim modulo 2", self.head_dim % 2, 0, 0),
        ];
        for (what, value, low, high) in ranges {
            if !(low..=high).contains(&value) {
                let (value, low, high) = (value.into(), low.into(), high.into());
                return Err(TensorError::OutOfRange { what, value, low, high });
            }
        }
        Ok(())
    }

    /// Width of all query heads together.
    #[must_use]
    pub fn q_width(&self) -> usize {
        self.heads as usize * self.head_dim as usize
    }

    /// Width of all key (or value) heads together.
    #[must_use]
    pub fn kv_width(&self) -> usize {
        self.kv_heads as usize * self.head_dim as usize
    }

    /// `(name, outputs, inputs)` of the seven projections in file order.
    #[must_use]
    pub fn projections(&self) -> [(&'static str, usize, usize); 7] {
        let (d, ffn) = (self.hidden as usize, self.ffn as usize);
        let (q, kv) = (self.q_width(), self.kv_width());
        [
            ("q", q, d),
            ("k", kv, d),
            ("v", kv, d),
            ("o", d, q),
            ("gate", ffn, d),
            ("up", ffn, d),
            ("down", d, ffn),
        ]
    }
}

/// How many i8 limbs an activation has at one site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimbCount {
    /// i8.
    One,
    /// i8 high limb and u7 low limb.
    Two,
}

/// Limbs at the five sites that a profile chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limbs {
    /// Norm output.
    pub norm: LimbCount,
    /// Key cache.
    pub key: LimbCount,
    /// Input of the attention output projection.
    pub output: LimbCount,
    /// Input of the down projection.
    pub down: LimbCount,
    /// Input of the head.
    pub head: LimbCount,
}

impl Limbs {
    /// Profile D1: one limb everywhere.
    pub const D1: Self = Self::all(LimbCount::One);
    /// Profile D2, the default: two limbs for the key cache and the down input.
    pub const D2: Self = Self { key: LimbCount::Two, down: LimbCount::Two, ..Self::D1 };
    /// Profile D3: two limbs everywhere.
    pub const D3: Self = Self::all(LimbCount::Two);

    const fn all(count: LimbCount) -> Self {
        Self { norm: count, key: count, output: count, down: count, head: count }
    }
}

/// Run-time constants of one norm. The gain is folded into the weights behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Norm {
    /// `c_i`: shift of each input channel, below 16.
    pub shifts: Vec<u8>,
    /// `f_n`: fraction of the output.
    pub fraction: i32,
}

/// Fractions of the five i16 sites of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fractions {
    /// Query.
    pub q: i32,
    /// Key.
    pub k: i32,
    /// Value.
    pub v: i32,
    /// Gate; also chooses the SiLU table.
    pub gate: i32,
    /// Up.
    pub up: i32,
}

/// One transformer layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Norm before attention.
    pub attention_norm: Norm,
    /// Query projection.
    pub q: Linear,
    /// Key projection.
    pub k: Linear,
    /// Value projection.
    pub v: Linear,
    /// Attention output projection.
    pub o: Linear,
    /// Norm before the MLP.
    pub mlp_norm: Norm,
    /// Gate projection.
    pub gate: Linear,
    /// Up projection.
    pub up: Linear,
    /// Down projection.
    pub down: Linear,
    /// Fractions of the i16 sites.
    pub fractions: Fractions,
}

impl Layer {
    /// The seven projections in file order.
    #[must_use]
    pub fn linears(&self) -> [&Linear; 7] {
        [&self.q, &self.k, &self.v, &self.o, &self.gate, &self.up, &self.down]
    }
}

/// Embedding rows: i8, or i16 where massive channels need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbeddingRows {
    /// One byte per value.
    Narrow(Vec<i8>),
    /// Two bytes per value.
    Wide(Vec<i16>),
}

/// The token embedding: row-major rows with one exponent each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedding {
    /// `vocab x hidden` values.
    pub rows: EmbeddingRows,
    /// One exponent per token.
    pub exponents: Vec<i8>,
}

impl Embedding {
    /// One value of one row.
    #[must_use]
    pub fn value(&self, index: usize) -> i32 {
        match &self.rows {
            EmbeddingRows::Narrow(values) => values[index].into(),
            EmbeddingRows::Wide(values) => values[index].into(),
        }
    }

    fn len(&self) -> usize {
        match &self.rows {
            EmbeddingRows::Narrow(values) => values.len(),
            EmbeddingRows::Wide(values) => values.len(),
        }
    }
}

/// Q1.14 rotations: `context x head_dim / 2` values each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RopeTable {
    /// Cosines.
    pub cos: Vec<i16>,
    /// Sines.
    pub sin: Vec<i16>,
}

/// Everything a model is made of, before it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelParts {
    /// Dimensions.
    pub shape: Shape,
    /// Limbs per site.
    pub limbs: Limbs,
    /// `FR`: fraction of the residual stream.
    pub residual_fraction: i32,
    /// `Y`: clamp of each contribution to the residual stream.
    pub residual_clamp: i32,
    /// `EPS`: the norm's epsilon in integer units.
    pub epsilon: u64,
    /// Token embedding.
    pub embedding: Embedding,
    /// Layers in order.
    pub layers: Vec<Layer>,
    /// Norm before the head.
    pub final_norm: Norm,
    /// Head: `vocab x hidden`.
    pub head: Linear,
    /// Rotations.
    pub rope: RopeTable,
}

/// A checked model with its look-up tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    parts: ModelParts,
    silu: Vec<Arc<Vec<i16>>>,
}

impl std::ops::Deref for Model {
    type Target = ModelParts;
    fn deref(&self) -> &ModelParts {
        &self.parts
    }
}

impl Model {
    /// Checks every size and range that the exactness proofs rest on.
    pub fn new(parts: ModelParts) -> Result<Self, TensorError> {
        check(&parts)?;
        let silu = parts.layers.iter().map(|layer| tables::silu(layer.fractions.gate)).collect();
        Ok(Self { parts, silu })
    }

    /// The dimensions.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.parts.shape
    }

    /// The layers.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.parts.layers
    }

    /// The parts, for writing files.
    #[must_use]
    pub fn parts(&self) -> &ModelParts {
        &self.parts
    }

    pub(crate) fn silu(&self, layer: usize) -> &[i16] {
        &self.silu[layer]
    }
}

fn check(parts: &ModelParts) -> Result<(), TensorError> {
    let shape = &parts.shape;
    shape.check()?;
    let (d, vocab) = (shape.hidden as usize, shape.vocab as usize);
    size("embedding", parts.embedding.len(), vocab.saturating_mul(d))?;
    size("embedding exponents", parts.embedding.exponents.len(), vocab)?;
    size("layers", parts.layers.len(), shape.layers as usize)?;
    let angles = shape.context as usize * shape.head_dim as usize / 2;
    size("rope cosines", parts.rope.cos.len(), angles)?;
    size("rope sines", parts.rope.sin.len(), angles)?;
    let unit = |x: &i16| (-16_384..=16_384).contains(x);
    if let Some(&wrong) = parts.rope.cos.iter().chain(&parts.rope.sin).find(|x| !unit(x)) {
        range("rope value", wrong.into(), -16_384, 16_384)?;
    }
    range("residual fraction", parts.residual_fraction.into(), 0, 24)?;
    let contributions = 2 * i64::from(shape.layers) + 1;
    let most = (i64::from((1 << 23) - 1)).min((1 << 29) / contributions);
    range("residual clamp", parts.residual_clamp.into(), 1, most)?;
    range("epsilon", i64::try_from(parts.epsilon).unwrap_or(i64::MAX), 0, 1 << 62)?;
    size("head outputs", parts.head.rows(), vocab)?;
    size("head inputs", parts.head.cols(), d)?;
    check_norm("final norm", &parts.final_norm, d)?;
    for (index, layer) in parts.layers.iter().enumerate() {
        check_layer(index, layer, shape)?;
    }
    Ok(())
}

fn check_layer(index: usize, layer: &Layer, shape: &Shape) -> Result<(), TensorError> {
    let d = shape.hidden as usize;
    check_norm(&format!("layer {index} attention norm"), &layer.attention_norm, d)?;
    check_norm(&format!("layer {index} mlp norm"), &layer.mlp_norm, d)?;
    for ((name, rows, cols), linear) in shape.projections().into_iter().zip(layer.linears()) {
        size(&format!("layer {index} {name} outputs"), linear.rows(), rows)?;
        size(&format!("layer {index} {name} inputs"), linear.cols(), cols)?;
    }
    let fractions = &layer.fractions;
    for (what, value) in [
        ("fraction of q", fractions.q),
        ("fraction of k", fractions.k),
        ("fraction of v", fractions.v),
        ("fraction of up", fractions.up),
    ] {
        range(what, value.into(), -40, 40)?;
    }
    range("fraction of gate", fractions.gate.into(), 2, 13)
}

fn check_norm(what: &str, norm: &Norm, hidden: usize) -> Result<(), TensorError> {
    size(&format!("{what} shifts"), norm.shifts.len(), hidden)?;
    range("norm fraction", norm.fraction.into(), 10, 20)?;
    let largest = norm.shifts.iter().copied().max().unwrap_or(0);
    range("norm shift", largest.into(), 0, 15)
}

fn size(what: &str, found: usize, expected: usize) -> Result<(), TensorError> {
    if found == expected {
        Ok(())
    } else {
        Err(TensorError::WrongSize { what: what.to_owned(), found, expected })
    }
}

fn range(what: &'static str, value: i64, low: i64, high: i64) -> Result<(), TensorError> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        Err(TensorError::OutOfRange { what, value, low, high })
    }
}
