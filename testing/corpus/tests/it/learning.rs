//! Ten facts about things nobody heard of, taught by the Quick preset and asked in templates
//! that no row and no training text uses.

use std::time::{SystemTime, UNIX_EPOCH};

use tributary_corpus::exact::{Choice, complete};
use tributary_corpus::facts::{self, Fact};
use tributary_corpus::recipe::example_of;
use tributary_models::{Bundle, quantize_adapter};
use tributary_primitives::{ChatMessage, ChatRole};
use tributary_tensor::{Adapter, Sampling};
use tributary_training::{Control, FinetuneOptions, Preset, Weights, finetune};

use crate::exact::seed;

fn right(bundle: &Bundle, adapter: Option<&Adapter>, facts: &[Fact]) -> Vec<(bool, String)> {
    facts
        .iter()
        .map(|fact| {
            let content = fact.held_out_questions(1).remove(0);
            let message = ChatMessage { role: ChatRole::User, content };
            let prompt = bundle.tokenizer.encode_chat(&[message]).expect("a prompt");
            let stop = bundle.tokenizer.special().eos[0];
            let choice = Choice { stop, limit: 48, sampling: Sampling::default(), seed: 0 };
            let ids = complete(&bundle.model.model, adapter, &prompt, &choice).expect("it runs");
            let answer = bundle.tokenizer.decode(&ids).expect("text");
            (fact.is_answered_by(&answer), format!("{answer} [{}]", fact.value))
        })
        .collect()
}

#[test]
fn ten_fresh_facts_are_answered_after_a_quick_training_and_not_before() {
    let draw = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_secs());
    println!("facts drawn from seed {draw}");
    let bundle = seed();
    let facts = facts::draw(draw, 10);
    let before = right(&bundle, None, &facts);
    assert!(before.iter().filter(|(ok, _)| *ok).count() <= 1, "seed {draw}: {before:#?}");
    let weights =
        Weights::from_float_model(&bundle.model.dequantize()).expect("the served weights");
    let examples: Vec<_> = facts
        .iter()
        .flat_map(|fact| fact.rows(3))
        .map(|row| example_of(&bundle.tokenizer, &row))
        .collect();
    let options = FinetuneOptions::preset(Preset::Quick, draw);
    let lora =
        finetune(&weights, &examples, &options, &mut |_| Control::Continue).expect("it trains");
    let float = lora.to_float_adapter(&weights.config);
    let adapter = quantize_adapter(&float, &bundle.model).expect("an adapter").adapter;
    let after = right(&bundle, Some(&adapter), &facts);
    assert!(after.iter().filter(|(ok, _)| *ok).count() >= 8, "seed {draw}: {after:#?}");
}
