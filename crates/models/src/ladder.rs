//! The converter's ladder: the cheapest profile that loses little enough on a given text.
//!
//! **Invariant:** the first rung needs no text and depends on the weights alone, so a model that
//! passes it has one digest, whoever converts it.

use tributary_tensor::{LimbCount, Limbs};

use crate::error::ModelError;
use crate::evaluate::{Evaluation, Sides, Text, calibrate, evaluate};
use crate::float::FloatModel;
use crate::fold::QuantizedModel;
use crate::quantize::{QuantizeOptions, quantize};

/// What a model may lose to its float original, in percent of perplexity.
pub const MOST_LOSS_PERCENT: f64 = 1.0;

/// Fewest tokens that are split into a half to calibrate on and a half to judge by.
const LEAST_TO_SPLIT: usize = 256;

/// A converted model with what it was judged by.
#[derive(Debug, Clone)]
pub struct Conversion {
    /// The model.
    pub model: QuantizedModel,
    /// Its loss against the float original.
    pub evaluation: Evaluation,
    /// Whether the first half of the text was used to choose shifts; the loss is then that of
    /// the second half.
    pub calibrated: bool,
}

/// Converts with the first rung that loses at most `most_percent` on the text: D2 from the
/// weights alone; D2 with channel shifts calibrated on the text's first half and i16 embedding
/// rows; then two limbs at norms and head; then everywhere. The last one stands, whatever it
/// loses.
pub fn quantize_to_loss(
    float: &FloatModel,
    text: &Text<'_>,
    most_percent: f64,
) -> Result<Conversion, ModelError> {
    let plain = judge(float, &QuantizeOptions::default(), text)?;
    if plain.evaluation.delta_percent <= most_percent || text.ids.len() < LEAST_TO_SPLIT {
        return Ok(plain);
    }
    let (seen, unseen) = text.ids.split_at(text.ids.len() / 2);
    let calibration = calibrate(float, seen, text.bos);
    let text = Text { ids: unseen, ..*text };
    let finer = Limbs { norm: LimbCount::Two, head: LimbCount::Two, ..Limbs::D2 };
    let rung = |limbs| {
        let calibration = Some(calibration.clone());
        judge(float, &QuantizeOptions { limbs, calibration, wide_embedding: true }, &text)
    };
    for limbs in [Limbs::D2, finer] {
        let found = rung(limbs)?;
        if found.evaluation.delta_percent <= most_percent {
            return Ok(found);
        }
    }
    rung(Limbs::D3)
}

fn judge(
    float: &FloatModel,
    options: &QuantizeOptions,
    text: &Text<'_>,
) -> Result<Conversion, ModelError> {
    let model = quantize(float, options)?;
    let sides = Sides { float, model: &model.model, adapter: None };
    let evaluation = evaluate(&sides, text.ids, text.bos, text.window)?;
    Ok(Conversion { model, evaluation, calibrated: options.calibration.is_some() })
}
