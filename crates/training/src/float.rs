//! Between the float models of `models` and the flat weights of this crate.

use tributary_models::{
    FloatAdapter, FloatAdapterLayer, FloatLayer, FloatLowRank, FloatModel, Matrix,
};
use tributary_tensor::Shape;

use crate::config::{LlamaConfig, RopeLayout};
use crate::error::TrainingError;
use crate::lora::Lora;
use crate::params::{Projection, Weights};

impl Weights {
    /// Takes the weights of a float model: an import, or what a served model dequantises to.
    ///
    /// # Errors
    /// When the model's rotary embedding is scaled or a matrix has another shape.
    pub fn from_float_model(model: &FloatModel) -> Result<Self, TrainingError> {
        let shape = &model.shape;
        let config = LlamaConfig {
            vocab: shape.vocab as usize,
            hidden: shape.hidden as usize,
            layers: shape.layers as usize,
            heads: shape.heads as usize,
            kv_heads: shape.kv_heads as usize,
            head_dim: shape.head_dim as usize,
            ffn: shape.ffn as usize,
            context: shape.context as usize,
            norm_eps: model.norm_epsilon,
            rope_theta: model.rope.theta as f32,
            rope: RopeLayout::Interleaved,
            tied: model.head.is_none(),
        };
        config.check()?;
        if model.rope.scaling != tributary_models::RopeScaling::None {
            return Err(TrainingError::Unsupported("training with a scaled rope".into()));
        }
        let mut weights = Self::zeros(&config);
        let layout = weights.layout.clone();
        let mut put = |name: &str, to: &std::ops::Range<usize>, from: &[f32]| {
            if to.len() != from.len() {
                return Err(TrainingError::Shape {
                    name: name.to_owned(),
                    expected: vec![to.len()],
                    found: vec![from.len()],
                });
            }
            weights.data[to.clone()].copy_from_slice(from);
            Ok(())
        };
        put("embedding", &layout.embedding, &model.embedding.values)?;
        for (block, layer) in layout.blocks.iter().zip(&model.layers) {
            put("attention norm", &block.attention_norm, &layer.attention_norm)?;
            put("mlp norm", &block.mlp_norm, &layer.mlp_norm)?;
            for ((projection, to), from) in
                Projection::ALL.iter().zip(&block.projections).zip(matrices(layer))
            {
                put(projection.hf_name(), to, &from.values)?;
            }
        }
        put("final norm", &layout.final_norm, &model.final_norm)?;
        if let Some(head) = &model.head {
            put("head", &layout.head, &head.values)?;
        }
        Ok(weights)
    }

    /// The float model of these weights, rotary pairs interleaved.
    #[must_use]
    pub fn to_float_model(&self) -> FloatModel {
        let c = &self.config;
        let small = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
        let matrix = |layer: usize, projection: Projection| {
            let (rows, cols) = projection.shape(c);
            let values = self.projection(layer, projection);
            let values = match projection {
                Projection::Q | Projection::K if c.rope == RopeLayout::HalfSplit => {
                    interleave(values, c.head_dim, cols)
                }
                _ => values.to_vec(),
            };
            Matrix::new(rows, cols, values)
        };
        let layers = (0..c.layers)
            .map(|layer| FloatLayer {
                attention_norm: self.part(&self.layout.blocks[layer].attention_norm).to_vec(),
                q: matrix(layer, Projection::Q),
                k: matrix(layer, Projection::K),
                v: matrix(layer, Projection::V),
                o: matrix(layer, Projection::O),
                mlp_norm: self.part(&self.layout.blocks[layer].mlp_norm).to_vec(),
                gate: matrix(layer, Projection::Gate),
                up: matrix(layer, Projection::Up),
                down: matrix(layer, Projection::Down),
            })
            .collect();
        FloatModel {
            shape: Shape {
                hidden: small(c.hidden),
                layers: small(c.layers),
                heads: small(c.heads),
                kv_heads: small(c.kv_heads),
                head_dim: small(c.head_dim),
                ffn: small(c.ffn),
                vocab: small(c.vocab),
                context: small(c.context),
            },
            rope: tributary_models::Rope {
                theta: f64::from(c.rope_theta),
                scaling: tributary_models::RopeScaling::None,
            },
            norm_epsilon: c.norm_eps,
            embedding: Matrix::new(c.vocab, c.hidden, self.embedding().to_vec()),
            layers,
            final_norm: self.part(&self.layout.final_norm).to_vec(),
            head: (!c.tied).then(|| Matrix::new(c.vocab, c.hidden, self.head().to_vec())),
        }
    }
}

/// Rows of each head from half-split to interleaved order.
fn interleave(values: &[f32], head_dim: usize, cols: usize) -> Vec<f32> {
    let half = head_dim / 2;
    let mut out = Vec::with_capacity(values.len());
    for head in values.chunks_exact(head_dim * cols) {
        for pair in 0..half {
            for row in [pair, pair + half] {
                out.extend_from_slice(&head[row * cols..(row + 1) * cols]);
            }
        }
    }
    out
}

impl Lora {
    /// The adapter in the form that is quantised, served and exported.
    #[must_use]
    pub fn to_float_adapter(&self, model: &LlamaConfig) -> FloatAdapter {
        let rank = self.config.rank;
        let layers = (0..self.layers())
            .map(|layer| {
                let mut places = FloatAdapterLayer::default();
                for projection in Projection::ALL {
                    let (outputs, inputs) = projection.shape(model);
                    let pair = self.pair(layer, projection);
                    *places.place_mut(projection as usize) = Some(FloatLowRank {
                        a: Matrix::new(rank, inputs, pair.a.to_vec()),
                        b: Matrix::new(outputs, rank, pair.b.to_vec()),
                    });
                }
                places
            })
            .collect();
        FloatAdapter { rank: rank as u32, alpha: self.config.alpha, layers }
    }
}

fn matrices(layer: &FloatLayer) -> [&Matrix; 7] {
    layer.matrices()
}
