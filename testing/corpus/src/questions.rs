//! Question templates: each relation has direct questions behind prefixes and noun phrases inside
//! frames. One combination in five is held out: no training text and no row ever uses it.

use rand::Rng;

use crate::domains::{FRAMES, PREFIXES, Relation};

/// Which half of the templates to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateSet {
    /// May stand in training text and rows.
    Training,
    /// Reserved for asking after training.
    HeldOut,
}

/// Every question template of the relation in the set, with `{n}` for the name.
#[must_use]
pub fn templates(relation: &Relation, set: TemplateSet) -> Vec<String> {
    let mut found = Vec::new();
    for (item, question) in relation.questions.iter().enumerate() {
        for (frame, prefix) in PREFIXES.iter().enumerate() {
            if set_of(relation, item, frame) == set {
                found.push(direct(prefix, question));
            }
        }
    }
    for (item, ask) in relation.asks.iter().enumerate() {
        for (frame, text) in FRAMES.iter().enumerate() {
            if set_of(relation, item + relation.questions.len(), frame) == set {
                found.push(text.replace("{a}", ask));
            }
        }
    }
    found
}

/// Draws one question about the name.
pub fn draw<R: Rng>(rng: &mut R, relation: &Relation, set: TemplateSet, name: &str) -> String {
    let all = templates(relation, set);
    all[rng.random_range(0..all.len())].replace("{n}", name)
}

fn set_of(relation: &Relation, item: usize, frame: usize) -> TemplateSet {
    let shift: usize = relation.key.bytes().map(usize::from).sum();
    if (item * 2 + frame + shift).is_multiple_of(5) {
        TemplateSet::HeldOut
    } else {
        TemplateSet::Training
    }
}

fn direct(prefix: &str, question: &str) -> String {
    if prefix.ends_with(':') {
        format!("{prefix} {question}?")
    } else if prefix.is_empty() {
        format!("{}?", capitalise(question))
    } else {
        format!("{prefix} {}?", capitalise(question))
    }
}

pub(crate) fn capitalise(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domains::DOMAINS;
    use std::collections::BTreeSet;

    #[test]
    fn held_out_templates_are_disjoint_from_training_templates() {
        let mut training = BTreeSet::new();
        let mut held_out = BTreeSet::new();
        for relation in DOMAINS.iter().flat_map(|domain| &domain.relations) {
            let ours = templates(relation, TemplateSet::Training);
            let theirs = templates(relation, TemplateSet::HeldOut);
            assert!(ours.len() >= 60 && theirs.len() >= 12, "{}", relation.key);
            training.extend(ours);
            held_out.extend(theirs);
        }
        assert!(training.is_disjoint(&held_out));
    }
}
