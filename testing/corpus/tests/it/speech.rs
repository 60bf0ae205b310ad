//! What the shipped model says on its own.

use tributary_corpus::measure::{LENGTH, TEMPERATURE, measure, training_sentences};
use tributary_corpus::recipe::Recipe;
use tributary_tensor::Sampling;

use crate::exact::{complete, seed};

#[test]
fn of_200_completions_nine_tenths_parse_and_at_most_a_fifth_are_verbatim() {
    let bundle = seed();
    let documents = bundle.card.recipe["documents"].as_u64().expect("the card counts documents");
    let recipe = Recipe::seed_model(std::path::Path::new("unused"));
    let known = training_sentences(recipe.seed, documents);
    let sampling = Sampling {
        temperature_micro: (TEMPERATURE * 1e6) as u32,
        top_k: 0,
        top_p_ppm: 1_000_000,
    };
    let stop = (bundle.tokenizer.special().eos[0], LENGTH);
    let found = measure(&bundle.tokenizer, &known, (77, 200), |prompt, seed| {
        complete(&bundle.model.model, None, prompt, stop, (sampling, seed))
    });
    assert_eq!(found.completions, 200);
    assert!(found.parsed >= 180, "{found:#?}");
    assert!(found.verbatim <= 40, "{found:#?}");
}
