//! Invented names: three syllables each, split by a hash into classes that never mix, so that a
//! name drawn for a test or a sample datanet is in no training text.

use rand::Rng;

use crate::words::{FIRST, LAST, MIDDLE};

/// Who may use a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameClass {
    /// Text the seed model is trained on.
    Corpus,
    /// The sample datanets in `assets/`.
    Sample,
    /// Tests that need names no corpus contains.
    Unseen,
}

/// The class of a name; FNV-1a, so that it depends on nothing but the letters.
#[must_use]
pub fn class_of(name: &str) -> NameClass {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    match (hash >> 32) % 8 {
        0 | 1 => NameClass::Unseen,
        2 => NameClass::Sample,
        _ => NameClass::Corpus,
    }
}

/// Draws a name of the class.
pub fn draw<R: Rng>(rng: &mut R, class: NameClass) -> String {
    loop {
        let name = format!("{}{}{}", pick(rng, FIRST), pick(rng, MIDDLE), pick(rng, LAST));
        if class_of(&name) == class {
            return name;
        }
    }
}

/// Whether the word is a name the generator can make.
#[must_use]
pub fn is_name(word: &str) -> bool {
    FIRST.iter().any(|first| {
        word.strip_prefix(first).is_some_and(|rest| {
            MIDDLE
                .iter()
                .any(|middle| rest.strip_prefix(middle).is_some_and(|last| LAST.contains(&last)))
        })
    })
}

/// Draws one entry of a list.
pub(crate) fn pick<'a, R: Rng>(rng: &mut R, list: &[&'a str]) -> &'a str {
    list[rng.random_range(0..list.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn drawn_names_belong_to_their_class_and_are_recognised() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for class in [NameClass::Corpus, NameClass::Sample, NameClass::Unseen] {
            for _ in 0..200 {
                let name = draw(&mut rng, class);
                assert_eq!(class_of(&name), class);
                assert!(is_name(&name), "{name}");
            }
        }
        assert!(!is_name("Barrel") && !is_name("tea"));
    }
}
