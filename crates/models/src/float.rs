//! The float view of a model: what importers produce and training reads. RoPE is interleaved.

use tributary_tensor::Shape;

use crate::error::ModelError;

/// A row-major matrix, rows are outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// Outputs.
    pub rows: usize,
    /// Inputs.
    pub cols: usize,
    /// `rows x cols` values.
    pub values: Vec<f32>,
}

impl Matrix {
    /// Wraps row-major values.
    ///
    /// # Panics
    /// When the number of values is not `rows * cols`: the caller made them.
    #[must_use]
    pub fn new(rows: usize, cols: usize, values: Vec<f32>) -> Self {
        assert_eq!(rows.checked_mul(cols), Some(values.len()), "the caller sized the values");
        Self { rows, cols, values }
    }

    /// One output's weights.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.cols..(row + 1) * self.cols]
    }
}

/// How rotary angles stretch beyond the trained context.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// Positions divided by a factor.
    Linear {
        /// The factor.
        factor: f64,
    },
    /// Llama 3.1: low frequencies divided, high kept, a ramp between.
    Llama3 {
        /// Divisor of low frequencies.
        factor: f64,
        /// Low end of the ramp.
        low_frequency_factor: f64,
        /// High end of the ramp.
        high_frequency_factor: f64,
        /// Context of the original training.
        original_context: f64,
    },
}

/// Rotary position embedding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rope {
    /// Base of the angles.
    pub theta: f64,
    /// Context stretching.
    pub scaling: RopeScaling,
}

impl Rope {
    /// Angle per position of each pair.
    #[must_use]
    pub fn frequencies(&self, head_dim: usize) -> Vec<f64> {
        (0..head_dim / 2)
            .map(|i| {
                let frequency = self.theta.powf(-2.0 * i as f64 / head_dim as f64);
                self.scale(frequency)
            })
            .collect()
    }

    fn scale(&self, frequency: f64) -> f64 {
        match self.scaling {
            RopeScaling::None => frequency,
            RopeScaling::Linear { factor } => frequency / factor,
            RopeScaling::Llama3 {
                factor,
                low_frequency_factor: low,
                high_frequency_factor: high,
                original_context,
            } => {
                let turns = original_context * frequency / std::f64::consts::TAU;
                if turns < low {
                    frequency / factor
                } else if turns > high {
                    frequency
                } else {
                    let smooth = (turns - low) / (high - low);
                    (1.0 - smooth) * frequency / factor + smooth * frequency
                }
            }
        }
    }
}

/// One layer of a plain Llama.
#[derive(Debug, Clone, PartialEq)]
pub struct FloatLayer {
    /// Gain of the norm before attention.
    pub attention_norm: Vec<f32>,
    /// Query projection, rows in interleaved RoPE order.
    pub q: Matrix,
    /// Key projection, rows in interleaved RoPE order.
    pub k: Matrix,
    /// Value projection.
    pub v: Matrix,
    /// Attention output projection.
    pub o: Matrix,
    /// Gain of the norm before the MLP.
    pub mlp_norm: Vec<f32>,
    /// Gate projection.
    pub gate: Matrix,
    /// Up projection.
    pub up: Matrix,
    /// Down projection.
    pub down: Matrix,
}

impl FloatLayer {
    /// The seven projections in file order.
    #[must_use]
    pub fn matrices(&self) -> [&Matrix; 7] {
        [&self.q, &self.k, &self.v, &self.o, &self.gate, &self.up, &self.down]
    }
}

/// A plain Llama in f32.
#[derive(Debug, Clone, PartialEq)]
pub struct FloatModel {
    /// Dimensions.
    pub shape: Shape,
    /// Rotary embedding.
    pub rope: Rope,
    /// Epsilon of the norms.
    pub norm_epsilon: f32,
    /// Token embedding.
    pub embedding: Matrix,
    /// Layers in order.
    pub layers: Vec<FloatLayer>,
    /// Gain of the last norm.
    pub final_norm: Vec<f32>,
    /// Head; `None` when tied to the embedding.
    pub head: Option<Matrix>,
}

impl FloatModel {
    /// The matrix that makes logits.
    #[must_use]
    pub fn head(&self) -> &Matrix {
        self.head.as_ref().unwrap_or(&self.embedding)
    }

    /// Number of trained values.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        let layers: usize = self
            .layers
            .iter()
            .map(|l| {
                let matrices: usize = l.matrices().iter().map(|m| m.values.len()).sum();
                matrices + l.attention_norm.len() + l.mlp_norm.len()
            })
            .sum();
        let head = self.head.as_ref().map_or(0, |h| h.values.len());
        (layers + head + self.embedding.values.len() + self.final_norm.len()) as u64
    }

    /// Checks every size against the shape and every value for finiteness.
    pub fn check(&self) -> Result<(), ModelError> {
        self.shape.check()?;
        if !(self.norm_epsilon.is_finite() && (0.0..1.0).contains(&self.norm_epsilon)) {
            return Err(unsupported("rms_norm_eps", self.norm_epsilon));
        }
        if !(self.rope.theta.is_finite() && self.rope.theta >= 1.0) {
            return Err(unsupported("rope_theta", self.rope.theta));
        }
        let (d, vocab) = (self.shape.hidden as usize, self.shape.vocab as usize);
        check_matrix("embedding", &self.embedding, vocab, d)?;
        if let Some(head) = &self.head {
            check_matrix("head", head, vocab, d)?;
        }
        check_gain("final norm", &self.final_norm, d)?;
        if self.layers.len() != self.shape.layers as usize {
            return Err(ModelError::ShapeMismatch {
                tensor: "layers".into(),
                found: vec![self.layers.len()],
                expected: vec![self.shape.layers as usize],
            });
        }
        for (index, layer) in self.layers.iter().enumerate() {
            check_gain(&format!("layer {index} attention norm"), &layer.attention_norm, d)?;
            check_gain(&format!("layer {index} mlp norm"), &layer.mlp_norm, d)?;
            let places = self.shape.projections().into_iter().zip(layer.matrices());
            for ((name, rows, cols), matrix) in places {
                check_matrix(&format!("layer {index} {name}"), matrix, rows, cols)?;
            }
        }
        Ok(())
    }
}

fn unsupported(feature: &str, found: impl std::fmt::Display) -> ModelError {
    ModelError::UnsupportedFeature { feature: feature.into(), found: found.to_string() }
}

pub(crate) fn check_matrix(
    what: &str,
    matrix: &Matrix,
    rows: usize,
    cols: usize,
) -> Result<(), ModelError> {
    if (matrix.rows, matrix.cols) != (rows, cols) || matrix.values.len() != rows * cols {
        return Err(ModelError::ShapeMismatch {
            tensor: what.into(),
            found: vec![matrix.rows, matrix.cols],
            expected: vec![rows, cols],
        });
    }
    check_finite(what, &matrix.values)
}

fn check_gain(what: &str, gain: &[f32], width: usize) -> Result<(), ModelError> {
    if gain.len() != width {
        return Err(ModelError::ShapeMismatch {
            tensor: what.into(),
            found: vec![gain.len()],
            expected: vec![width],
        });
    }
    check_finite(what, gain)
}

pub(crate) fn check_finite(what: &str, values: &[f32]) -> Result<(), ModelError> {
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(index) => Err(ModelError::NotFinite { tensor: what.into(), index }),
    }
}
