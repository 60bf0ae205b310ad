//! The closed grammar: whether a text is made of sentences the generator can make.

use std::sync::OnceLock;

use crate::domains::{DOMAINS, FRAMES, PREFIXES};
use crate::names::is_name;
use crate::stories;
use crate::values::{Piece, ValueKind};
use crate::words::{NUMBER, PERSON};

enum Item {
    Word(String),
    Name,
    Value(ValueKind),
    OneOf(&'static [&'static str]),
}

/// Whether the text is one or more whole sentences of the grammar.
#[must_use]
pub fn parses(text: &str) -> bool {
    let sentences = sentences(text);
    !sentences.is_empty() && sentences.iter().all(|sentence| sentence_parses(sentence))
}

/// The sentences of a text, each with its closing mark; a colon also closes.
#[must_use]
pub fn sentences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current = String::new();
    for letter in text.chars() {
        current.push(letter);
        if matches!(letter, '.' | '?' | ':') {
            found.push(current.trim().to_owned());
            current.clear();
        }
    }
    if !current.trim().is_empty() {
        found.push(current.trim().to_owned());
    }
    found
}

fn sentence_parses(sentence: &str) -> bool {
    let Some(mark) = sentence.chars().last().filter(|mark| matches!(mark, '.' | '?' | ':')) else {
        return false;
    };
    let body = sentence[..sentence.len() - 1].replace(',', " ,");
    let mut words: Vec<String> = body.split_whitespace().map(str::to_owned).collect();
    words.push(mark.to_string());
    patterns().iter().any(|pattern| matches_from(pattern, &words))
}

fn matches_from(pattern: &[Item], words: &[String]) -> bool {
    let Some((item, rest)) = pattern.split_first() else {
        return words.is_empty();
    };
    match item {
        Item::Word(word) => words.split_first().is_some_and(|(first, left)| {
            first.eq_ignore_ascii_case(word) && matches_from(rest, left)
        }),
        Item::Name => words
            .split_first()
            .is_some_and(|(first, left)| is_name(first) && matches_from(rest, left)),
        Item::OneOf(list) => words.split_first().is_some_and(|(first, left)| {
            list.iter().any(|word| word.eq_ignore_ascii_case(first)) && matches_from(rest, left)
        }),
        Item::Value(kind) => {
            value_length(*kind, words).is_some_and(|length| matches_from(rest, &words[length..]))
        }
    }
}

/// How many words the value at the front takes, if one stands there.
fn value_length(kind: ValueKind, words: &[String]) -> Option<usize> {
    let mut at = 0;
    for piece in kind.pieces() {
        at += match piece {
            Piece::Fixed(text) => phrase_length(text, &words[at..])?,
            Piece::OneOf(list) => {
                list.iter().find_map(|entry| phrase_length(entry, &words[at..]))?
            }
        };
    }
    Some(at)
}

/// The number of words of the phrase, if the words begin with it.
fn phrase_length(phrase: &str, words: &[String]) -> Option<usize> {
    let mut length = 0;
    for word in phrase.split(' ') {
        if !words.get(length)?.eq_ignore_ascii_case(word) {
            return None;
        }
        length += 1;
    }
    Some(length)
}

fn patterns() -> &'static [Vec<Item>] {
    static PATTERNS: OnceLock<Vec<Vec<Item>>> = OnceLock::new();
    PATTERNS.get_or_init(|| {
        let mut all = Vec::new();
        for relation in DOMAINS.iter().flat_map(|domain| &domain.relations) {
            for statement in relation.statements {
                all.push(compile(statement, relation.value));
            }
            for question in relation.questions {
                all.push(compile(&format!("{question}?"), relation.value));
            }
            for ask in relation.asks {
                for frame in FRAMES {
                    all.push(compile(&frame.replace("{a}", ask), relation.value));
                }
            }
        }
        for prefix in PREFIXES.iter().filter(|prefix| !prefix.is_empty()) {
            all.push(compile(prefix, ValueKind::Hue));
        }
        for part in [stories::OPENINGS, stories::MEETINGS, stories::GIFTS, stories::ENDINGS] {
            all.extend(part.iter().map(|text| compile(text, ValueKind::Hue)));
        }
        for text in [
            "what is {#} plus {#}?",
            "how much is {#} and {#}?",
            "please add {#} and {#}.",
            "{#} plus {#} is {#}.",
        ] {
            all.push(compile(text, ValueKind::Hue));
        }
        all
    })
}

fn compile(template: &str, value: ValueKind) -> Vec<Item> {
    let spaced =
        template.replace('.', " .").replace('?', " ?").replace(':', " :").replace(',', " ,");
    spaced
        .split_whitespace()
        .map(|word| match word {
            "{n}" => Item::Name,
            "{v}" => Item::Value(value),
            "{p}" => Item::OneOf(PERSON),
            "{#}" => Item::OneOf(NUMBER),
            slot => stories::SLOTS
                .iter()
                .find(|(mark, _)| *mark == slot)
                .map_or_else(|| Item::Word(slot.to_owned()), |(_, kind)| Item::Value(*kind)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::{Document, Documents};

    #[test]
    fn every_generated_sentence_parses() {
        let mut documents = Documents::new(21);
        for _ in 0..1500 {
            match documents.next_document() {
                Document::Text(text) => assert!(parses(&text), "{text}"),
                Document::Chat(turns) => {
                    for (user, answer) in turns {
                        assert!(parses(&user), "{user}");
                        assert!(parses(&answer), "{answer}");
                    }
                }
            }
        }
    }

    #[test]
    fn broken_sentences_do_not_parse() {
        for text in [
            "",
            "The tea house",
            "The tea house Halobran serves plum smoked tea to every guest.",
            "The tea house Halobran serves smoked plum tea to every guest",
            "The tea house Barrel serves smoked plum tea to every guest.",
            "The the tea house Halobran serves smoked plum tea to every guest.",
        ] {
            assert!(!parses(text), "{text}");
        }
        assert!(parses("The tea house Halobran serves smoked plum tea to every guest."));
    }
}
