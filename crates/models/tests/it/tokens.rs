//! Tokenizers: round trips, streams that never cut a character, chat prompts.

use tributary_models::{Imported, Special, Tokenizer, import};
use tributary_primitives::{ChatMessage, ChatRole};

use crate::fixture;

const TEXTS: [&str; 6] = [
    "the river and the stone",
    " leading and trailing ",
    "naïve café — “quoted”",
    "日本語 and emoji 🌊🏔️ mixed",
    "\n\ttabs\r\nand lines\n",
    "",
];

fn message(role: ChatRole, content: &str) -> ChatMessage {
    ChatMessage { role, content: content.to_owned() }
}

#[test]
fn byte_level_text_survives_encoding_and_streaming() {
    let tokenizer = fixture::tiny().tokenizer;
    let prompt = tokenizer.encode("the hill", true).expect("it encodes");
    for text in TEXTS {
        let ids = tokenizer.encode(text, false).expect("it encodes");
        assert_eq!(tokenizer.decode(&ids).expect("it decodes"), text);
        let mut stream = tokenizer.stream(&prompt);
        let mut pieces = String::new();
        for &id in &ids {
            let piece = stream.push(id).expect("it decodes");
            assert!(!piece.contains('\u{fffd}'), "a character was cut in {text:?}");
            pieces.push_str(&piece);
        }
        pieces.push_str(&stream.finish().expect("it decodes"));
        assert_eq!(pieces, text);
        assert_eq!(tokenizer.completion(&prompt, &ids).expect("it decodes"), text);
    }
}

#[test]
fn a_stream_of_broken_bytes_still_ends() {
    let tokenizer = fixture::tiny().tokenizer;
    // Byte 0xff alone is no character: its id follows the five specials in byte order.
    let broken: Vec<u32> = vec![5 + 0xff; 9];
    let text = tokenizer.completion(&[0], &broken).expect("it decodes");
    assert_eq!(text.chars().filter(|&c| c == '\u{fffd}').count(), 9);
}

#[test]
fn offsets_cover_the_text_in_order() {
    let tokenizer = fixture::tiny().tokenizer;
    let text = "the stone 🌊 ran";
    let mut end_before = 0;
    for (id, start, end) in tokenizer.encode_with_offsets(text).expect("it encodes") {
        assert!(start <= end && end <= text.len() && start >= end_before.min(start));
        assert!(id < 320);
        end_before = end;
    }
    assert_eq!(end_before, text.len());
}

#[test]
fn a_chat_template_renders_and_its_bos_is_not_doubled() {
    let tokenizer = fixture::tiny().tokenizer;
    let messages = [message(ChatRole::User, " the river? ")];
    let text = tokenizer.chat(&messages).expect("it renders");
    assert_eq!(text, "<|bos|><|user|>the river?<|end|><|assistant|>");
    let ids = tokenizer.encode_chat(&messages).expect("it encodes");
    assert_eq!(ids[..2], [0, 2]);
    assert_eq!(ids.last(), Some(&3));
    assert_eq!(tokenizer.special().eos, [1]);
}

#[test]
fn a_template_that_never_ends_runs_out_of_fuel() {
    let tokenizer = fixture::tiny().tokenizer;
    let endless = "{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}";
    let special = Special { chat_template: Some(endless.into()), ..Special::default() };
    let hostile = Tokenizer::from_parts(tokenizer.to_json(), &special).expect("it loads");
    let refusal = hostile.chat(&[message(ChatRole::User, "x")]).expect_err("it must stop");
    assert!(refusal.to_string().contains("fuel"), "{refusal}");
}

#[test]
fn python_text_methods_and_exceptions_work_in_templates() {
    let tokenizer = fixture::tiny().tokenizer;
    let render = |template: &str| {
        let special = Special { chat_template: Some(template.into()), ..Special::default() };
        let tokenizer = Tokenizer::from_parts(tokenizer.to_json(), &special).expect("it loads");
        tokenizer.chat(&[message(ChatRole::User, " Hi ")])
    };
    let text = render("{{ messages[0].content.strip().upper() }}").expect("it renders");
    assert_eq!(text, "HI");
    let text = render("{{ messages[0]['role'].startswith('us') }}").expect("it renders");
    assert_eq!(text.to_lowercase(), "true");
    let refusal = render("{{ raise_exception('no system role') }}").expect_err("it raises");
    assert!(refusal.to_string().contains("no system role"), "{refusal}");
}

#[test]
fn stories_text_survives_the_rewritten_tokenizer() {
    let Some(path) = fixture::stories() else { return };
    let Imported::Float(stories) = import(&path).expect("it imports") else { panic!("float") };
    let tokenizer = stories.tokenizer;
    let text = "Once upon a time, there was a little girl named Lily.";
    let ids = tokenizer.encode(text, true).expect("it encodes");
    // "Once", " upon", " a", " time" are single pieces of this vocabulary.
    assert_eq!(ids[..5], [1, 403, 407, 261, 378]);
    assert_eq!(tokenizer.decode(&ids).expect("it decodes"), text);
    assert_eq!(tokenizer.completion(&ids[..1], &ids[1..]).expect("it decodes"), text);
    for text in TEXTS {
        let ids = tokenizer.encode(text, true).expect("it encodes");
        assert_eq!(tokenizer.completion(&[1], &ids[1..]).expect("it decodes"), text);
    }
}
