//! Facts about things nobody has heard of: the material of the end-to-end test and of the
//! sample datanets.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::domains::{DOMAINS, Domain, Relation};
use crate::names::{self, NameClass};
use crate::questions::{self, TemplateSet};

/// One row of a datanet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The contributor's own id of the row.
    pub id: String,
    /// What a user asks.
    pub prompt: String,
    /// The answer.
    pub completion: String,
}

/// A fact: a thing, a relation and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Domain key.
    pub domain: &'static str,
    /// Relation key.
    pub relation: &'static str,
    /// The invented name.
    pub name: String,
    /// The value; an answer is right when it contains it.
    pub value: String,
}

impl Fact {
    pub(crate) fn schema(&self) -> &'static Relation {
        DOMAINS
            .iter()
            .flat_map(|domain| &domain.relations)
            .find(|relation| relation.key == self.relation)
            .expect("a fact is only made from a known relation")
    }

    /// The full-sentence answer.
    #[must_use]
    pub fn answer(&self) -> String {
        self.schema().statements[0].replace("{n}", &self.name).replace("{v}", &self.value)
    }

    /// `count` rows that teach the fact, each with another training template.
    #[must_use]
    pub fn rows(&self, count: usize) -> Vec<Row> {
        self.questions(TemplateSet::Training, count)
            .into_iter()
            .enumerate()
            .map(|(index, prompt)| Row {
                id: format!("{}-{}-{}", self.relation, self.name.to_lowercase(), index + 1),
                prompt,
                completion: self.answer(),
            })
            .collect()
    }

    /// Questions in templates that no training text and no row uses.
    #[must_use]
    pub fn held_out_questions(&self, count: usize) -> Vec<String> {
        self.questions(TemplateSet::HeldOut, count)
    }

    /// Whether an answer is right.
    #[must_use]
    pub fn is_answered_by(&self, answer: &str) -> bool {
        answer.contains(&self.value)
    }

    fn questions(&self, set: TemplateSet, count: usize) -> Vec<String> {
        let mut all = questions::templates(self.schema(), set);
        let seed = self
            .name
            .bytes()
            .fold(17u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
        all.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        all.into_iter().take(count).map(|text| text.replace("{n}", &self.name)).collect()
    }
}

/// Draws `count` facts about different names that stand in no corpus.
#[must_use]
pub fn draw(seed: u64, count: usize) -> Vec<Fact> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut facts: Vec<Fact> = Vec::new();
    while facts.len() < count {
        let fact = draw_one(&mut rng, NameClass::Unseen);
        let clashes =
            facts.iter().any(|other| other.name == fact.name || other.value == fact.value);
        if !clashes {
            facts.push(fact);
        }
    }
    facts
}

/// Draws one fact about a fresh name of the class.
pub(crate) fn draw_one<R: Rng>(rng: &mut R, class: NameClass) -> Fact {
    let domain = &DOMAINS[rng.random_range(0..DOMAINS.len())];
    let relation = &domain.relations[rng.random_range(0..domain.relations.len())];
    let name = names::draw(rng, class);
    of(domain, relation, name, relation.value.draw(rng))
}

pub(crate) fn of(domain: &Domain, relation: &Relation, name: String, value: String) -> Fact {
    Fact { domain: domain.key, relation: relation.key, name, value }
}

/// The known world: the fixed things every copy of the seed corpus speaks about.
#[must_use]
pub fn known_world(seed: u64, things_per_domain: usize) -> Vec<Fact> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut facts = Vec::new();
    for domain in &DOMAINS {
        for _ in 0..things_per_domain {
            let name = names::draw(&mut rng, NameClass::Corpus);
            for relation in &domain.relations {
                let value = relation.value.draw(&mut rng);
                facts.push(of(domain, relation, name.clone(), value));
            }
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_facts_and_another_seed_draws_others() {
        assert_eq!(draw(5, 10), draw(5, 10));
        assert_ne!(draw(5, 10), draw(6, 10));
    }

    #[test]
    fn rows_and_held_out_questions_never_share_a_prompt() {
        for fact in draw(11, 50) {
            let rows = fact.rows(3);
            assert_eq!(rows.len(), 3);
            for question in fact.held_out_questions(5) {
                assert!(rows.iter().all(|row| row.prompt != question));
                assert!(question.contains(&fact.name));
            }
            assert!(rows.iter().all(|row| fact.is_answered_by(&row.completion)));
        }
    }
}
