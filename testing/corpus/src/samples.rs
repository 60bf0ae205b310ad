//! The sample datanets: rows about things with names of their own, which no seed corpus contains.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::domains::DOMAINS;
use crate::facts::{Fact, Row, of};
use crate::names::{self, NameClass};

/// A sample datanet.
#[derive(Clone, Debug)]
pub struct SampleDatanet {
    /// Short name, also the file's stem.
    pub key: String,
    /// Title shown to people.
    pub title: String,
    /// Its facts.
    pub facts: Vec<Fact>,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// The datanets in `assets/datanets`, and last the 20 rows of the "use the sample" button.
#[must_use]
pub fn sample_datanets() -> Vec<SampleDatanet> {
    [
        ("tea", "Tea houses of the upper valley", 0, 5, 12, 3),
        ("harbour", "Guilds of the grey harbour", 1, 6, 12, 4),
        ("minerals", "Minerals of the far range", 2, 7, 14, 3),
        ("newcomer", "Ships of the morning tide", 5, 8, 10, 2),
    ]
    .into_iter()
    .map(|(key, title, domain, seed, facts, rows)| {
        sample((key, title), domain, seed, (facts, rows))
    })
    .collect()
}

fn sample(
    (key, title): (&str, &str),
    domain: usize,
    seed: u64,
    (count, rows_per_fact): (usize, usize),
) -> SampleDatanet {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let domain = &DOMAINS[domain];
    let facts: Vec<Fact> = (0..count)
        .map(|index| {
            let relation = &domain.relations[index % domain.relations.len()];
            let name = names::draw(&mut rng, NameClass::Sample);
            of(domain, relation, name, relation.value.draw(&mut rng))
        })
        .collect();
    let rows = facts.iter().flat_map(|fact| fact.rows(rows_per_fact)).collect();
    SampleDatanet { key: key.to_owned(), title: title.to_owned(), facts, rows }
}

impl SampleDatanet {
    /// The rows as JSON lines.
    #[must_use]
    pub fn to_jsonl(&self) -> String {
        self.rows
            .iter()
            .map(|row| serde_json::to_string(row).expect("a row is plain strings") + "\n")
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_have_between_20_and_60_rows_with_names_of_their_own() {
        for sample in sample_datanets() {
            assert!((20..=60).contains(&sample.rows.len()), "{}", sample.key);
            for fact in &sample.facts {
                assert_eq!(names::class_of(&fact.name), NameClass::Sample);
            }
        }
    }
}
