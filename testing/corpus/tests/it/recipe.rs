//! The recipe in miniature: it stops, resumes, and ends in a directory that imports.

use tributary_corpus::recipe::Recipe;
use tributary_models::{Imported, import};

fn recipe(directory: &std::path::Path) -> Recipe {
    let mut recipe = Recipe::fixture(directory);
    recipe.tokenizer_documents = 1_500;
    recipe.total_tokens = 40_000;
    // The stop at step 7 lies before the part with rounded weights, the end within it.
    recipe.rounded_share = 0.3;
    recipe
}

#[test]
fn a_stopped_recipe_resumes_to_the_same_weights_and_its_directory_imports() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (whole, _) = recipe(one.path()).run(&mut |_| true).expect("it trains");
    let recipe = recipe(two.path());
    let (_, stopped) = recipe.run(&mut |now| now.progress.step < 7).expect("it stops");
    assert_eq!(stopped.step, 7);
    let (resumed, progress) = recipe.run(&mut |_| true).expect("it resumes");
    assert!(progress.tokens >= 40_000);
    for ((name, _, a), (_, _, b)) in whole.tensors().zip(resumed.tensors()) {
        assert!(a == b, "{name} differs");
    }
    let tokenizer = |path: &std::path::Path| std::fs::read(path.join("float/tokenizer.json"));
    assert_eq!(tokenizer(one.path()).unwrap(), tokenizer(two.path()).unwrap());
    match import(&recipe.output()).expect("it imports") {
        Imported::Float(found) => {
            assert_eq!(found.tokenizer.special().bos, Some(1));
            assert_eq!(found.tokenizer.special().eos, [2]);
        }
        other => panic!("{other:?}"),
    }
}
