//! What the shipped model says on its own, and how close it is to its float original.

use tributary_corpus::recipe::Recipe;
use tributary_corpus::seed_model::{COMPLETIONS, measure_exact};

use crate::exact::seed;

#[test]
fn of_200_completions_nine_tenths_parse_and_at_most_a_fifth_are_verbatim() {
    let bundle = seed();
    let documents = bundle.card.recipe["documents"].as_u64().expect("the card counts documents");
    let recipe = Recipe::seed_model(std::path::Path::new("unused"));
    let found = measure_exact(&bundle.model, &bundle.tokenizer, (recipe.seed, documents))
        .expect("the engine runs");
    assert_eq!(found.completions, COMPLETIONS);
    assert!(found.parsed * 10 >= COMPLETIONS * 9, "{found:#?}");
    assert!(found.verbatim * 5 <= COMPLETIONS, "{found:#?}");
    assert_eq!(bundle.card.recipe["completions_parsed"], found.parsed, "the card is old");
}

#[test]
fn the_card_shows_a_loss_within_one_percent_with_and_without_adapter() {
    let bundle = seed();
    assert_eq!(bundle.card.measures.len(), 2);
    for measure in &bundle.card.measures {
        let evaluation = &measure.evaluation;
        assert!(evaluation.tokens >= 10_000, "{measure:?}");
        let doubt = 2.0 * evaluation.standard_error_percent;
        assert!(doubt > 0.0, "{measure:?}");
        // The bound holds beyond the measurement's own doubt, on either side.
        assert!(evaluation.delta_percent.abs() + doubt < 1.0, "{measure:?}");
    }
}
