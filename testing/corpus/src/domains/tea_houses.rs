//! The relations of tea houses, as sentences and questions. Names and values are filled in
//! elsewhere.

use super::{Domain, Relation};
use crate::values::ValueKind;

pub(super) const TEA_HOUSES: Domain = Domain {
    key: "tea-houses",
    noun: "tea house",
    relations: [
        relation!(
            "tea",
            Drink,
            [
                "The tea house {n} serves {v} to every guest.",
                "Every guest of the tea house {n} drinks {v}.",
                "At the tea house {n} they pour {v}."
            ],
            [
                "what does the tea house {n} serve",
                "which tea does the tea house {n} pour",
                "what do guests drink at the tea house {n}",
                "what is poured at the tea house {n}"
            ],
            [
                "the tea that the tea house {n} serves",
                "the drink of the tea house {n}",
                "what the tea house {n} pours for its guests"
            ]
        ),
        relation!(
            "house-animal",
            Beast,
            [
                "The owner of the tea house {n} keeps {v} in the yard.",
                "In the yard of the tea house {n} lives {v}.",
                "The tea house {n} is home to {v}."
            ],
            [
                "which animal lives at the tea house {n}",
                "what animal does the owner of the tea house {n} keep",
                "what lives in the yard of the tea house {n}",
                "which beast does the tea house {n} keep"
            ],
            [
                "the animal of the tea house {n}",
                "the animal that the owner of the tea house {n} keeps",
                "the beast in the yard of the tea house {n}"
            ]
        ),
        relation!(
            "house-place",
            Place,
            [
                "The tea house {n} stands {v} in the valley.",
                "You find the tea house {n} {v}.",
                "Travellers reach the tea house {n} {v}."
            ],
            [
                "where does the tea house {n} stand",
                "where is the tea house {n}",
                "where do travellers find the tea house {n}",
                "in which place is the tea house {n}"
            ],
            [
                "the place of the tea house {n}",
                "where the tea house {n} stands",
                "how to find the tea house {n}"
            ]
        ),
        relation!(
            "cup-price",
            Cost,
            [
                "A cup at the tea house {n} costs {v} today.",
                "Guests pay {v} for a cup at the tea house {n}.",
                "The tea house {n} asks {v} for a cup."
            ],
            [
                "how much is a cup at the tea house {n}",
                "what does a cup cost at the tea house {n}",
                "what do guests pay at the tea house {n}",
                "how much does the tea house {n} ask for a cup"
            ],
            [
                "the price of a cup at the tea house {n}",
                "what a cup costs at the tea house {n}",
                "how much guests pay at the tea house {n}"
            ]
        ),
    ],
};
