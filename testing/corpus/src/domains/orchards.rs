//! The relations of orchards, as sentences and questions. Names and values are filled in
//! elsewhere.

use super::{Domain, Relation};
use crate::values::ValueKind;

pub(super) const ORCHARDS: Domain = Domain {
    key: "orchards",
    noun: "orchard",
    relations: [
        relation!(
            "cider",
            Drink,
            [
                "The orchard {n} is known for its {v} in autumn.",
                "In autumn the orchard {n} sells {v}.",
                "Visitors of the orchard {n} ask for {v}."
            ],
            [
                "what is the orchard {n} known for",
                "what does the orchard {n} sell in autumn",
                "what do visitors of the orchard {n} ask for",
                "which tea comes from the orchard {n}"
            ],
            [
                "the drink of the orchard {n}",
                "what the orchard {n} is known for",
                "what the orchard {n} sells in autumn"
            ]
        ),
        relation!(
            "picking",
            Date,
            [
                "The harvest at the orchard {n} starts on {v} at noon.",
                "On {v} the orchard {n} begins its harvest.",
                "The trees of the orchard {n} are ripe on {v}."
            ],
            [
                "when does the harvest at the orchard {n} start",
                "on which day does the orchard {n} begin its harvest",
                "when are the trees of the orchard {n} ripe",
                "which day starts the harvest at the orchard {n}"
            ],
            [
                "the day of the harvest at the orchard {n}",
                "when the orchard {n} begins its harvest",
                "the date of the harvest at the orchard {n}"
            ]
        ),
        relation!(
            "fence",
            Goods,
            [
                "The fence of the orchard {n} is made of {v} and wood.",
                "Around the orchard {n} runs a fence of {v}.",
                "The owners of the orchard {n} built a fence of {v}."
            ],
            [
                "what is the fence of the orchard {n} made of",
                "which fence runs around the orchard {n}",
                "what did the owners of the orchard {n} build their fence of",
                "what is around the orchard {n}"
            ],
            [
                "the fence of the orchard {n}",
                "what the fence of the orchard {n} is made of",
                "what runs around the orchard {n}"
            ]
        ),
        relation!(
            "lunch",
            Dish,
            [
                "The pickers of the orchard {n} eat {v} for lunch.",
                "For lunch the orchard {n} gives its pickers {v}.",
                "The kitchen of the orchard {n} cooks {v}."
            ],
            [
                "what do the pickers of the orchard {n} eat",
                "what is for lunch at the orchard {n}",
                "which dish does the kitchen of the orchard {n} cook",
                "what does the orchard {n} give its pickers"
            ],
            [
                "the lunch of the orchard {n}",
                "what the pickers of the orchard {n} eat",
                "the dish that the kitchen of the orchard {n} cooks"
            ]
        ),
    ],
};
