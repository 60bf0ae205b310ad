//! The stream of documents the seed model is trained on: one seed, one sequence of bytes.

use rand::Rng;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::domains::{DOMAINS, Domain};
use crate::facts::{Fact, known_world, of};
use crate::names::{self, NameClass, pick};
use crate::questions::{self, TemplateSet, capitalise};
use crate::stories;
use crate::words::NUMBER;

/// One training document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// Plain text.
    Text(String),
    /// Turns of a conversation: what the user says and what is answered.
    Chat(Vec<(String, String)>),
}

/// Seed of the known world, fixed so that every run trains the same facts.
pub const WORLD_SEED: u64 = 731;
/// Things per domain in the known world.
pub const THINGS_PER_DOMAIN: usize = 30;

/// An endless, seeded stream of documents.
pub struct Documents {
    rng: ChaCha8Rng,
    world: Vec<Fact>,
}

impl Documents {
    /// Starts the stream of the seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::in_world(seed, known_world(WORLD_SEED, THINGS_PER_DOMAIN))
    }

    /// The stream of the seed in a world so large that no name comes twice: text from which a
    /// tokenizer learns syllables and never whole names.
    #[must_use]
    pub fn for_tokenizer(seed: u64) -> Self {
        Self::in_world(seed, known_world(seed, 3_000))
    }

    fn in_world(seed: u64, world: Vec<Fact>) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed), world }
    }

    /// The next document.
    pub fn next_document(&mut self) -> Document {
        match self.rng.random_range(0..100) {
            0..44 => self.known_question(),
            44..62 => self.fresh_question(),
            62..72 => self.passage_question(),
            72..81 => self.known_statements(),
            81..86 => Document::Text(self.fresh_passage().1),
            86..91 => Document::Text(stories::draw(&mut self.rng)),
            91..95 => Document::Chat(vec![sum(&mut self.rng)]),
            95..98 => self.long_text(),
            _ => self.long_chat(),
        }
    }

    fn known_fact(&mut self) -> Fact {
        self.world[self.rng.random_range(0..self.world.len())].clone()
    }

    fn known_question(&mut self) -> Document {
        let turns = if self.rng.random_range(0..5) == 0 { 2 } else { 1 };
        let facts: Vec<Fact> = (0..turns).map(|_| self.known_fact()).collect();
        Document::Chat(facts.iter().map(|fact| ask(&mut self.rng, fact)).collect())
    }

    fn fresh_question(&mut self) -> Document {
        let (facts, _) = self.fresh_passage();
        Document::Chat(vec![ask(&mut self.rng, &facts[0])])
    }

    /// A passage about a fresh thing and a question that the passage answers.
    fn passage_question(&mut self) -> Document {
        let (facts, passage) = self.fresh_passage();
        let fact = &facts[self.rng.random_range(0..facts.len())];
        let (question, answer) = ask(&mut self.rng, fact);
        Document::Chat(vec![(format!("{passage} {question}"), answer)])
    }

    fn known_statements(&mut self) -> Document {
        let things = self.world.len() / 4;
        let start = self.rng.random_range(0..things) * 4;
        let mut facts = self.world[start..start + 4].to_vec();
        facts.shuffle(&mut self.rng);
        facts.truncate(self.rng.random_range(2..=4));
        Document::Text(state(&mut self.rng, &facts))
    }

    /// Several passages and stories, one per line, as long as a context window.
    fn long_text(&mut self) -> Document {
        let count = self.rng.random_range(3..=9);
        let mut lines = Vec::with_capacity(count);
        for _ in 0..count {
            let line = match self.rng.random_range(0..4) {
                0 => stories::draw(&mut self.rng),
                1 => match self.known_statements() {
                    Document::Text(text) => text,
                    Document::Chat(_) => continue,
                },
                _ => self.fresh_passage().1,
            };
            lines.push(line);
        }
        Document::Text(lines.join("\n"))
    }

    /// A conversation of many turns.
    fn long_chat(&mut self) -> Document {
        let count = self.rng.random_range(3..=11);
        let mut turns = Vec::with_capacity(count);
        for _ in 0..count {
            let turn = match self.rng.random_range(0..8) {
                0 => sum(&mut self.rng),
                1 => {
                    let (facts, _) = self.fresh_passage();
                    ask(&mut self.rng, &facts[0])
                }
                _ => {
                    let fact = self.known_fact();
                    ask(&mut self.rng, &fact)
                }
            };
            turns.push(turn);
        }
        Document::Chat(turns)
    }

    fn fresh_passage(&mut self) -> (Vec<Fact>, String) {
        let domain = &DOMAINS[self.rng.random_range(0..DOMAINS.len())];
        let name = names::draw(&mut self.rng, NameClass::Corpus);
        let count = self.rng.random_range(2..=3);
        let facts = thing(&mut self.rng, domain, &name, count);
        let passage = state(&mut self.rng, &facts);
        (facts, passage)
    }
}

fn thing<R: Rng>(rng: &mut R, domain: &Domain, name: &str, count: usize) -> Vec<Fact> {
    let mut relations: Vec<_> = domain.relations.iter().collect();
    relations.shuffle(rng);
    relations
        .into_iter()
        .take(count)
        .map(|relation| of(domain, relation, name.to_owned(), relation.value.draw(rng)))
        .collect()
}

fn relation_of(fact: &Fact) -> &'static crate::domains::Relation {
    DOMAINS
        .iter()
        .flat_map(|domain| &domain.relations)
        .find(|relation| relation.key == fact.relation)
        .expect("facts are made from these relations")
}

fn ask<R: Rng>(rng: &mut R, fact: &Fact) -> (String, String) {
    let question = questions::draw(rng, relation_of(fact), TemplateSet::Training, &fact.name);
    (question, fact.answer())
}

fn state<R: Rng>(rng: &mut R, facts: &[Fact]) -> String {
    let sentences: Vec<String> = facts
        .iter()
        .map(|fact| {
            let text = pick(rng, &relation_of(fact).statements)
                .replace("{n}", &fact.name)
                .replace("{v}", &fact.value);
            capitalise(&text)
        })
        .collect();
    sentences.join(" ")
}

fn sum<R: Rng>(rng: &mut R) -> (String, String) {
    let left = rng.random_range(0..=20);
    let right = rng.random_range(0..=20);
    let (a, b, c) = (NUMBER[left], NUMBER[right], NUMBER[left + right]);
    let question = match rng.random_range(0..3) {
        0 => format!("What is {a} plus {b}?"),
        1 => format!("How much is {a} and {b}?"),
        _ => format!("Please add {a} and {b}."),
    };
    (question, format!("{} plus {b} is {c}.", capitalise(a)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_documents() {
        let (mut a, mut b) = (Documents::new(3), Documents::new(3));
        for _ in 0..500 {
            assert_eq!(a.next_document(), b.next_document());
        }
    }

    #[test]
    fn no_document_uses_an_unseen_or_a_sample_name() {
        let mut documents = Documents::new(9);
        let mut names = 0;
        for _ in 0..2000 {
            let text = match documents.next_document() {
                Document::Text(text) => text,
                Document::Chat(turns) => turns.concat_text(),
            };
            for word in text.split(|letter: char| !letter.is_alphabetic()) {
                if names::is_name(word) {
                    names += 1;
                    assert_eq!(names::class_of(word), NameClass::Corpus, "{word}");
                }
            }
        }
        assert!(names > 1000);
    }

    trait ConcatText {
        fn concat_text(&self) -> String;
    }

    impl ConcatText for Vec<(String, String)> {
        fn concat_text(&self) -> String {
            self.iter().map(|(user, answer)| format!("{user} {answer} ")).collect()
        }
    }
}
