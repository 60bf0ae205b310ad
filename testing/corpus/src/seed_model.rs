//! `cargo xtask seed-model`: from seeds to what stands in `assets/` and `testing/fixtures`.

use std::path::PathBuf;

use anyhow::Result;
use tributary_models::{Bundle, QuantizedModel, Tokenizer};
use tributary_tensor::Sampling;
use tributary_training::tokenizer::END;

use crate::exact::{Choice, complete};
use crate::fixture::write_fixture;
use crate::measure::{LENGTH, Measurement, TEMPERATURE_MICRO, measure, training_sentences};
use crate::publish::{publish_model, publish_samples};
use crate::recipe::Recipe;

/// Seed of the measured completions.
pub const COMPLETIONS_SEED: u64 = 77;
/// How many completions are measured.
pub const COMPLETIONS: usize = 200;

/// What to make.
#[derive(Clone, Debug)]
pub struct Options {
    /// Work directory: tokenizer, checkpoint, float weights.
    pub work: PathBuf,
    /// The `assets` directory.
    pub assets: PathBuf,
    /// Tokens of the run; the recipe's own number when absent.
    pub tokens: Option<u64>,
}

/// Trains the seed model or goes on training, measures it and writes it with the sample
/// datanets. `say` gets a line now and then.
///
/// # Errors
/// When training diverges or a file cannot be written.
pub fn run(options: &Options, say: &mut dyn FnMut(String)) -> Result<Bundle> {
    publish_samples(&options.assets.join("datanets"))?;
    let mut recipe = Recipe::seed_model(&options.work);
    recipe.total_tokens = options.tokens.unwrap_or(recipe.total_tokens);
    say(format!("{} parameters, {} tokens", recipe.model.parameters(), recipe.total_tokens));
    let mut smooth = None;
    let (_, progress) = recipe.run(&mut |report| {
        let mean = smooth.unwrap_or(report.loss) * 0.95 + report.loss * 0.05;
        smooth = Some(mean);
        if report.progress.step % 20 == 0 {
            let (step, tokens) = (report.progress.step, report.progress.tokens);
            let pace = report.rate_tokens;
            say(format!("step {step}, {tokens} tokens, loss {mean:.4}, {pace:.0} tokens/s"));
        }
        true
    })?;
    let bundle = publish_model(&recipe, &progress, &options.assets.join("seed"))?;
    let recipe = &bundle.card.recipe;
    say(format!(
        "{} of {COMPLETIONS} completions parse, {} are verbatim",
        recipe["completions_parsed"], recipe["completions_verbatim"]
    ));
    for measure in &bundle.card.measures {
        let e = &measure.evaluation;
        say(format!(
            "perplexity {:.4} exact, {:.4} float: {:+.2} % (error {:.2})",
            e.exi8_perplexity, e.float_perplexity, e.delta_percent, e.standard_error_percent
        ));
    }
    Ok(bundle)
}

/// Measures seeded completions of the exact model; `corpus` is the seed and the number of
/// documents that it was trained on.
///
/// # Errors
/// When the engine fails.
pub fn measure_exact(
    model: &QuantizedModel,
    tokenizer: &Tokenizer,
    corpus: (u64, u64),
) -> Result<Measurement> {
    let known = training_sentences(corpus.0, corpus.1);
    let sampling =
        Sampling { temperature_micro: TEMPERATURE_MICRO, top_k: 0, top_p_ppm: 1_000_000 };
    let choice = |seed| Choice { stop: END, limit: LENGTH, sampling, seed };
    measure(tokenizer, &known, (COMPLETIONS_SEED, COMPLETIONS), |prompt, seed| {
        complete(&model.model, None, prompt, &choice(seed))
    })
}

/// Trains the small checkpoint of the tests in `work` and writes it to `fixtures`.
///
/// # Errors
/// When training diverges or a file cannot be written.
pub fn run_fixture(work: &std::path::Path, fixtures: &std::path::Path) -> Result<()> {
    write_fixture(work, fixtures)
}
