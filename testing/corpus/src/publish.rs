//! From finished float weights to what stands in `assets/`: the exact model with its tokenizer
//! and measured card, and the sample datanets.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::json;
use tributary_models::{
    Bundle, Card, CardMeasure, FloatImport, FloatModel, Imported, MODEL_FILE, QuantizeOptions,
    QuantizedModel, Sides, TOKENIZER_FILE, Tokenizer, evaluate, import, quantize, quantize_adapter,
};
use tributary_primitives::Digest;
use tributary_training::{Control, FinetuneOptions, Preset, Progress, Weights, finetune};

use crate::catalogue::{catalogue_examples, catalogues};
use crate::documents::{THINGS_PER_DOMAIN, WORLD_SEED};
use crate::measure::held_out_text;
use crate::recipe::Recipe;
use crate::samples::sample_datanets;
use crate::seed_model::measure_exact;

/// Seed of the text that the card's perplexity is measured on; never trained on.
pub const HELD_OUT_SEED: u64 = 99;
/// Most bytes of model and tokenizer together.
const SIZE_LIMIT_BYTES: u64 = 6_000_000;
/// Context of the measured perplexity.
const WINDOW: usize = 256;

/// Quantises the recipe's float directory, measures it and writes `model.exi8`,
/// `tokenizer.json` and `card.json`.
///
/// # Errors
/// When the float directory is not whole, a file cannot be written or the result is too large.
pub fn publish_model(recipe: &Recipe, progress: &Progress, directory: &Path) -> Result<Bundle> {
    let FloatImport { float, tokenizer, .. } = match import(&recipe.output())? {
        Imported::Float(found) => *found,
        other => bail!("{} holds no float model: {other:?}", recipe.output().display()),
    };
    let bos = tokenizer.special().bos;
    let model = quantize(&float, &QuantizeOptions::default())?;
    let completions = measure_exact(&model, &tokenizer, (recipe.seed, progress.cursor))?;
    let text = held_out_text(HELD_OUT_SEED, 60_000);
    let ids = tokenizer.encode(&text, false)?;
    let sides = Sides { float: &float, model: &model.model, adapter: None };
    let evaluation = evaluate(&sides, &ids, bos, WINDOW)?;
    let mut card =
        Card::of("tributary/seed", "trained by cargo xtask seed-model", &model, &tokenizer);
    card.licence = "MIT OR Apache-2.0".to_owned();
    card.parameters = recipe.model.parameters() as u64;
    card.measures.push(CardMeasure {
        text: format!("generated corpus, documents of seed {HELD_OUT_SEED}, never trained on"),
        text_digest: Digest::of(text.as_bytes()),
        evaluation,
    });
    card.recipe = json!({
        "corpus_seed": recipe.seed,
        "world_seed": WORLD_SEED,
        "things_per_domain": THINGS_PER_DOMAIN,
        "documents": progress.cursor,
        "tokens": progress.tokens,
        "steps": progress.step,
        "step_tokens": recipe.step_tokens,
        "learning_rate": recipe.rate,
        "seconds": progress.seconds.round(),
        "completions": completions.completions,
        "completions_parsed": completions.parsed,
        "completions_verbatim": completions.verbatim,
    });
    card.measures.push(measure_with_adapter(&float, &model, &tokenizer)?);
    let bundle = Bundle { model, tokenizer, card };
    bundle.write(directory)?;
    let size = |name: &str| std::fs::metadata(directory.join(name)).map(|found| found.len());
    let total = size(MODEL_FILE)? + size(TOKENIZER_FILE)?;
    if total > SIZE_LIMIT_BYTES {
        bail!("model and tokenizer take {total} bytes of {SIZE_LIMIT_BYTES}");
    }
    Ok(bundle)
}

/// The same on text of another manner, with an adapter that learned it from sixty texts.
fn measure_with_adapter(
    float: &FloatModel,
    model: &QuantizedModel,
    tokenizer: &Tokenizer,
) -> Result<CardMeasure> {
    let weights = Weights::from_float_model(&model.dequantize())?;
    let options = FinetuneOptions::preset(Preset::Quick, 1);
    let examples = catalogue_examples(tokenizer, 0..60)?;
    let lora = finetune(&weights, &examples, &options, &mut |_| Control::Continue)?;
    let adapter = lora.to_float_adapter(&weights.config);
    let exact = quantize_adapter(&adapter, model)?;
    let text = catalogues(1_000..1_300);
    let ids = tokenizer.encode(&text, false)?;
    let sides = Sides { float, model: &model.model, adapter: Some((&adapter, &exact.adapter)) };
    Ok(CardMeasure {
        text: "catalogues of fresh names, with an adapter trained on sixty others".to_owned(),
        text_digest: Digest::of(text.as_bytes()),
        evaluation: evaluate(&sides, &ids, tokenizer.special().bos, WINDOW)?,
    })
}

/// Writes the sample datanets with their licence note.
///
/// # Errors
/// When a file cannot be written.
pub fn publish_samples(directory: &Path) -> Result<()> {
    std::fs::create_dir_all(directory)?;
    for sample in sample_datanets() {
        let path = directory.join(format!("{}.jsonl", sample.key));
        std::fs::write(&path, sample.to_jsonl()).with_context(|| path.display().to_string())?;
    }
    let path = directory.join("LICENCE.md");
    std::fs::write(&path, LICENCE).with_context(|| path.display().to_string())
}

const LICENCE: &str = "# Sample datanets\n\n\
Every row is invented by the generator in `testing/corpus` from its own word lists; no text of \
others is in it. The names belong to no place, person or product. Dedicated to the public domain \
under CC0 1.0; where that is not possible, MIT OR Apache-2.0 like the rest of the repository.\n\n\
`cargo xtask seed-model --samples` writes these files again, byte for byte.\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_samples_are_what_the_generator_writes() {
        let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/datanets");
        for sample in sample_datanets() {
            let path = committed.join(format!("{}.jsonl", sample.key));
            let text = std::fs::read_to_string(&path).expect("the sample is committed");
            assert_eq!(text, sample.to_jsonl(), "{}", path.display());
        }
    }
}
