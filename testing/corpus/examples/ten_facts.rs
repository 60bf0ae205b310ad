//! Teaches ten fresh facts to float weights and asks with held-out templates.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use tributary_corpus::facts;
use tributary_corpus::recipe::{example_of, question_tokens};
use tributary_models::Tokenizer;
use tributary_training::tokenizer::{END, load_tokenizer};
use tributary_training::{Control, FinetuneOptions, Preset, Weights, estimate, finetune, generate};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let directory =
        arguments.next().context("usage: ten_facts FLOAT_DIRECTORY SEED [RATE EPOCHS ROWS]")?;
    let seed: u64 = arguments.next().context("a seed")?.parse()?;
    let directory = Path::new(&directory);
    let weights = Weights::load_hf(directory)?;
    let tokenizer = load_tokenizer(&directory.join("tokenizer.json"))?;
    let served = Tokenizer::of_directory(directory)?;
    let mut options = FinetuneOptions::preset(Preset::Quick, seed);
    if let Some(rate) = arguments.next() {
        options.rate = rate.parse()?;
    }
    if let Some(epochs) = arguments.next() {
        options.epochs = epochs.parse()?;
    }
    let count = arguments.next().map_or(Ok(3), |text| text.parse())?;
    let facts = facts::draw(seed, 10);
    let examples: Vec<_> = facts
        .iter()
        .flat_map(|fact| fact.rows(count))
        .map(|row| example_of(&served, &row))
        .collect();
    println!("{:?}", estimate(&examples, &options));
    let ask = |lora: Option<&_>, verbose: bool| {
        let mut right = 0;
        let mut asked = 0;
        for fact in &facts {
            for question in fact.held_out_questions(5) {
                let prompt = question_tokens(&tokenizer, &question);
                let ids = generate(&weights, lora, &prompt, (END, 40), None);
                let answer = tokenizer.decode(&ids, true).unwrap_or_default();
                asked += 1;
                right += usize::from(fact.is_answered_by(&answer));
                if verbose && (!fact.is_answered_by(&answer) || asked % 10 == 1) {
                    println!("  {question} -> {answer} [{}]", fact.value);
                }
            }
        }
        println!("{right} of {asked} right");
    };
    ask(None, false);
    let started = Instant::now();
    let lora = finetune(&weights, &examples, &options, &mut |report| {
        if report.step % 20 == 0 {
            println!(
                "{} of {} loss {:.4} {:.0}/s",
                report.step, report.steps, report.loss, report.tokens_per_second
            );
        }
        Control::Continue
    })?;
    println!("{:.1} s", started.elapsed().as_secs_f64());
    ask(Some(&lora), true);
    Ok(())
}
