//! A model beside its float original, opened from what lies on disk: what `model eval` measures.
//!
//! **Invariant:** the integer side is what an import stores, and the float side is the original
//! checkpoint, never weights dequantised from the integers.

use std::path::Path;
use std::sync::Arc;

use tributary_tensor::Adapter;

use crate::adapter::{FloatAdapter, quantize_adapter};
use crate::error::ModelError;
use crate::evaluate::{Evaluation, Sides, evaluate};
use crate::float::FloatModel;
use crate::fold::QuantizedModel;
use crate::import::{FloatImport, Imported, import};
use crate::quantize::{QuantizeOptions, quantize};
use crate::tokenizer::Tokenizer;

/// Longest window that is measured.
const WINDOW: usize = 256;

/// Both sides of a model, with an adapter where the path named one.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The original.
    pub float: FloatModel,
    /// The integers.
    pub model: QuantizedModel,
    /// The tokenizer of both.
    pub tokenizer: Tokenizer,
    /// Both forms of the adapter.
    pub adapter: Option<(FloatAdapter, Arc<Adapter>)>,
}

impl Comparison {
    /// Opens `path`: a float checkpoint, which is converted; or a stored model, an `.exi8` file or
    /// a PEFT directory, which name no float weights, so that `original` must.
    pub fn open(path: &Path, original: Option<&Path>) -> Result<Self, ModelError> {
        let needed = || match original {
            None => Err(ModelError::NoOriginal { path: path.into() }),
            Some(original) => match import(original)? {
                Imported::Float(found) => Ok(*found),
                _ => Err(ModelError::NoOriginal { path: original.into() }),
            },
        };
        match import(path)? {
            Imported::Float(found) => {
                let model = quantize(&found.float, &QuantizeOptions::default())?;
                Ok(Self::of(*found, model))
            }
            Imported::Bundle(bundle) => {
                let found = needed()?;
                if bundle.tokenizer.digest() != found.tokenizer.digest() {
                    return Err(foreign(path, "its tokenizer is another"));
                }
                Self::fitting(path, found, bundle.model)
            }
            Imported::Quantized(model) => Self::fitting(path, needed()?, *model),
            Imported::Adapter(adapter) => {
                let found = needed()?;
                let float_adapter = adapter.fit(&found.float.shape)?;
                let model = quantize(&found.float, &QuantizeOptions::default())?;
                let exact = quantize_adapter(&float_adapter, &model)?.adapter;
                let mut both = Self::of(found, model);
                both.adapter = Some((float_adapter, exact));
                Ok(both)
            }
        }
    }

    fn of(found: FloatImport, model: QuantizedModel) -> Self {
        let FloatImport { float, tokenizer, .. } = found;
        Self { float, model, tokenizer, adapter: None }
    }

    /// Joins integers with an original of their shape.
    fn fitting(path: &Path, found: FloatImport, model: QuantizedModel) -> Result<Self, ModelError> {
        if model.model.shape != found.float.shape {
            let (ours, theirs) = (model.model.shape, found.float.shape);
            return Err(foreign(path, &format!("{ours:?} against {theirs:?}")));
        }
        Ok(Self::of(found, model))
    }

    /// Measures on the first `tokens` tokens of a text.
    pub fn evaluate(&self, text: &str, tokens: usize) -> Result<Evaluation, ModelError> {
        let mut ids = self.tokenizer.encode(text, false)?;
        ids.truncate(tokens);
        let adapter = self.adapter.as_ref().map(|(float, exact)| (float, &**exact));
        let sides = Sides { float: &self.float, model: &self.model.model, adapter };
        evaluate(&sides, &ids, self.tokenizer.special().bos, WINDOW)
    }
}

fn foreign(path: &Path, reason: &str) -> ModelError {
    ModelError::ForeignOriginal { path: path.into(), reason: reason.to_owned() }
}
