//! Between the float models of `models` and the flat weights of this crate.

use tributary_models::{
    FloatAdapter, FloatAdapterLayer, FloatLayer, FloatLowRank, FloatModel, Matrix,
};

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
