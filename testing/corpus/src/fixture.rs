//! A small trained checkpoint with an adapter and held-out texts: what tests measure the exact
//! engine's loss on. Written once, committed under `testing/fixtures`.

use std::path::Path;

use anyhow::{Result, bail};
use tributary_models::{FloatImport, Imported, import, write_peft};
use tributary_training::{Control, FinetuneOptions, LoraConfig, Preset, Weights, finetune};

use crate::catalogue::{catalogue_examples, catalogues};
use crate::measure::held_out_text;
use crate::recipe::Recipe;

/// Directory of the base below `testing/fixtures`.
pub const BASE: &str = "small-float";
/// Directory of the adapter.
pub const ADAPTER: &str = "small-float-lora";

/// Trains base and adapter in `work` and writes both with their texts into `fixtures`.
///
/// # Errors
/// When training fails or a file cannot be written.
pub fn write_fixture(work: &Path, fixtures: &Path) -> Result<()> {
    let recipe = Recipe::fixture(work);
    recipe.run(&mut |_| true)?;
    let base = fixtures.join(BASE);
    std::fs::create_dir_all(&base)?;
    for entry in std::fs::read_dir(recipe.output())? {
        let path = entry?.path();
        if let Some(name) = path.file_name() {
            std::fs::copy(&path, base.join(name))?;
        }
    }
    let FloatImport { float, tokenizer, .. } = match import(&base)? {
        Imported::Float(found) => *found,
        other => bail!("the fixture is not a float model: {other:?}"),
    };
    let examples = catalogue_examples(&tokenizer, 0..60)?;
    let weights = Weights::from_float_model(&float)?;
    let options = FinetuneOptions {
        lora: LoraConfig { rank: 4, alpha: 8.0 },
        ..FinetuneOptions::preset(Preset::Balanced, 1)
    };
    let lora = finetune(&weights, &examples, &options, &mut |_| Control::Continue)?;
    let adapter = lora.to_float_adapter(&weights.config);
    write_peft(&fixtures.join(ADAPTER), &adapter, &float.shape, BASE)?;
    std::fs::write(fixtures.join(format!("{BASE}.held-out.txt")), held_out_text(99, 32_000))?;
    std::fs::write(fixtures.join(format!("{ADAPTER}.held-out.txt")), catalogues(1_000..1_240))?;
    Ok(())
}
