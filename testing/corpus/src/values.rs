//! Values: short phrases composed of two or three words, so many that a guess is never right.

use rand::Rng;

use crate::names::pick;
use crate::words;

/// The family a value is drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// "smoked plum tea"
    Drink,
    /// "salted barley soup"
    Dish,
    /// "a shy heron"
    Beast,
    /// "behind the mossy mill"
    Place,
    /// "twelve silver marks"
    Cost,
    /// "the ninth day of Highsun"
    Date,
    /// "woven silk"
    Goods,
    /// "mercy before glory"
    Motto,
    /// "pale violet"
    Hue,
    /// "mending nets"
    Task,
    /// "the third year of the owl"
    Era,
}

/// All families.
pub const KINDS: [ValueKind; 11] = [
    ValueKind::Drink,
    ValueKind::Dish,
    ValueKind::Beast,
    ValueKind::Place,
    ValueKind::Cost,
    ValueKind::Date,
    ValueKind::Goods,
    ValueKind::Motto,
    ValueKind::Hue,
    ValueKind::Task,
    ValueKind::Era,
];

/// A piece of a value: fixed words or one entry of a list.
pub(crate) enum Piece {
    Fixed(&'static str),
    OneOf(&'static [&'static str]),
}

use Piece::{Fixed, OneOf};

impl ValueKind {
    /// The sequence of pieces the value is made of.
    pub(crate) fn pieces(self) -> Vec<Piece> {
        match self {
            Self::Drink => vec![OneOf(words::FLAVOUR), OneOf(words::PLANT), Fixed("tea")],
            Self::Dish => vec![OneOf(words::FLAVOUR), OneOf(words::DISH)],
            Self::Beast => vec![Fixed("a"), OneOf(words::QUALITY), OneOf(words::ANIMAL)],
            Self::Place => vec![
                OneOf(words::SIDE),
                Fixed("the"),
                OneOf(words::QUALITY),
                OneOf(words::LANDMARK),
            ],
            Self::Cost => vec![OneOf(&words::NUMBER[2..]), OneOf(words::COIN)],
            Self::Date => {
                vec![Fixed("the"), OneOf(words::ORDINAL), Fixed("day of"), OneOf(words::MONTH)]
            }
            Self::Goods => vec![OneOf(words::STATE), OneOf(words::GOODS)],
            Self::Motto => vec![OneOf(words::VIRTUE), Fixed("before"), OneOf(words::VIRTUE)],
            Self::Hue => vec![OneOf(words::SHADE), OneOf(words::COLOUR)],
            Self::Task => vec![OneOf(words::DOING), OneOf(words::OBJECT)],
            Self::Era => vec![
                Fixed("the"),
                OneOf(words::ORDINAL),
                Fixed("year of the"),
                OneOf(words::ANIMAL),
            ],
        }
    }

    /// Draws a value.
    pub fn draw<R: Rng>(self, rng: &mut R) -> String {
        let words: Vec<&str> = self
            .pieces()
            .into_iter()
            .map(|piece| match piece {
                Fixed(text) => text,
                OneOf(list) => pick(rng, list),
            })
            .collect();
        words.join(" ")
    }

    /// How many different values there are.
    #[must_use]
    pub fn count(self) -> usize {
        self.pieces()
            .iter()
            .map(|piece| match piece {
                Fixed(_) => 1,
                OneOf(list) => list.len(),
            })
            .product()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_too_many_values_to_guess() {
        for kind in KINDS {
            assert!(kind.count() >= 400, "{kind:?} has {}", kind.count());
        }
    }
}
