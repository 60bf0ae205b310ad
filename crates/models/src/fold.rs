//! What stands between integer and float weights: gains, square roots and shifts.

use std::sync::Arc;

use tributary_primitives::Digest;
use tributary_tensor::{Linear, Model, Norm, Shape};

use crate::file;
use crate::float::{FloatLayer, FloatModel, Matrix, Rope};

/// What adapters and dequantisation need and the step does not.
#[derive(Debug, Clone, PartialEq)]
pub struct Fold {
    /// Norm gains: attention and MLP of each layer, then the last norm.
    pub gains: Vec<Vec<f32>>,
    /// Rotary embedding that made the table.
    pub rope: Rope,
    /// Epsilon of the norms.
    pub norm_epsilon: f32,
    /// Whether the head was the embedding.
    pub tied: bool,
}

/// An integer model with its fold, as an `.exi8` file holds it.
#[derive(Debug, Clone)]
pub struct QuantizedModel {
    /// The model to run.
    pub model: Arc<Model>,
    /// Its relation to float weights.
    pub fold: Fold,
    bytes: Arc<Vec<u8>>,
    digest: Digest,
}

impl QuantizedModel {
    pub(crate) fn new(model: Arc<Model>, fold: Fold) -> Self {
        let bytes = Arc::new(file::write_model(&model, &fold));
        let digest = Digest::of(&bytes);
        Self { model, fold, bytes, digest }
    }

    /// The `.exi8` file.
    #[must_use]
    pub fn to_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// BLAKE3 of the `.exi8` file: the model's identity.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The float model that these integers stand for, in the original parametrisation.
    #[must_use]
    pub fn dequantize(&self) -> FloatModel {
        let model = &self.model;
        let shape = model.shape;
        let q_scale = query_fold(&shape);
        let layers = model.layers.iter().zip(self.fold.gains.chunks(2)).map(|(layer, gains)| {
            let attention = column_fold(&gains[0], &layer.attention_norm);
            let mlp = column_fold(&gains[1], &layer.mlp_norm);
            FloatLayer {
                attention_norm: gains[0].clone(),
                q: unfold(&layer.q, Some(&attention), q_scale),
                k: unfold(&layer.k, Some(&attention), 1.0),
                v: unfold(&layer.v, Some(&attention), 1.0),
                o: unfold(&layer.o, None, 1.0),
                mlp_norm: gains[1].clone(),
                gate: unfold(&layer.gate, Some(&mlp), 1.0),
                up: unfold(&layer.up, Some(&mlp), 1.0),
                down: unfold(&layer.down, None, 1.0),
            }
        });
        let layers = layers.collect();
        let final_norm = self.fold.gains[2 * model.layers.len()].clone();
        let head_fold = column_fold(&final_norm, &model.final_norm);
        let (vocab, d) = (shape.vocab as usize, shape.hidden as usize);
        let embedding = (0..vocab * d).map(|i| {
            let scale = (2.0f64).powi(-i32::from(model.embedding.exponents[i / d]));
            (f64::from(model.embedding.value(i)) * scale) as f32
        });
        FloatModel {
            shape,
            rope: self.fold.rope,
            norm_epsilon: self.fold.norm_epsilon,
            embedding: Matrix::new(vocab, d, embedding.collect()),
            layers,
            final_norm,
            head: Some(unfold(&model.head, Some(&head_fold), 1.0)),
        }
    }
}

/// `gamma_i * sqrt(d) * 2^c_i` per input channel.
pub(crate) fn column_fold(gain: &[f32], norm: &Norm) -> Vec<f64> {
    let root = (gain.len() as f64).sqrt();
    let channels = gain.iter().zip(&norm.shifts);
    channels.map(|(&g, &c)| f64::from(g) * root * f64::from(1u32 << c)).collect()
}

/// `log2(e) / sqrt(hd)`: scores in log2 units.
pub(crate) fn query_fold(shape: &Shape) -> f64 {
    std::f64::consts::LOG2_E / f64::from(shape.head_dim).sqrt()
}

/// Real weights divided by what was folded into them. A channel of gain zero becomes zero.
fn unfold(linear: &Linear, fold: Option<&[f64]>, scale: f64) -> Matrix {
    let (rows, cols) = (linear.rows(), linear.cols());
    let weights = linear.row_major();
    let values = weights.iter().enumerate().map(|(i, &w)| {
        let real = f64::from(w) * (2.0f64).powi(-linear.exponents()[i / cols]) / scale;
        let fold = fold.map_or(1.0, |fold| fold[i % cols]);
        if fold == 0.0 { 0.0 } else { (real / fold) as f32 }
    });
    Matrix::new(rows, cols, values.collect())
}
