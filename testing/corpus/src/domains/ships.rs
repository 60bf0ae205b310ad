//! The relations of ships, as sentences and questions. Names and values are filled in
//! elsewhere.

use super::{Domain, Relation};
use crate::values::ValueKind;

pub(super) const SHIPS: Domain = Domain {
    key: "ships",
    noun: "ship",
    relations: [
        relation!(
            "hull",
            Goods,
            [
                "The hull of the ship {n} is covered with {v} for luck.",
                "The crew covered the ship {n} with {v}.",
                "Under the paint of the ship {n} is {v}."
            ],
            [
                "what covers the hull of the ship {n}",
                "with what is the ship {n} covered",
                "what did the crew put on the ship {n}",
                "what is under the paint of the ship {n}"
            ],
            [
                "the cover of the ship {n}",
                "what covers the hull of the ship {n}",
                "what the crew put on the ship {n}"
            ]
        ),
        relation!(
            "pet",
            Beast,
            [
                "The captain of the ship {n} sails with {v} on deck.",
                "On the deck of the ship {n} sleeps {v}.",
                "The pet of the ship {n} is {v}."
            ],
            [
                "which animal is on the ship {n}",
                "what pet has the captain of the ship {n}",
                "which beast sleeps on the deck of the ship {n}",
                "with which animal does the ship {n} sail"
            ],
            [
                "the pet of the ship {n}",
                "the animal on the deck of the ship {n}",
                "the beast that sails on the ship {n}"
            ]
        ),
        relation!(
            "sails",
            Hue,
            [
                "The sails of the ship {n} are {v} from end to end.",
                "The ship {n} sails under {v} cloth.",
                "You know the ship {n} by its {v} sails."
            ],
            [
                "what colour are the sails of the ship {n}",
                "which sails has the ship {n}",
                "which colour has the cloth of the ship {n}",
                "how do you know the ship {n}"
            ],
            [
                "the colour of the sails of the ship {n}",
                "the sails of the ship {n}",
                "how the sails of the ship {n} look"
            ]
        ),
        relation!(
            "leaves",
            Date,
            [
                "The ship {n} leaves the harbour on {v} with the tide.",
                "On {v} the ship {n} goes to sea.",
                "The crew of the ship {n} departs on {v}."
            ],
            [
                "when does the ship {n} leave the harbour",
                "on which day does the ship {n} leave",
                "when does the crew of the ship {n} depart",
                "which day does the ship {n} go to sea"
            ],
            [
                "the day on which the ship {n} leaves",
                "when the ship {n} goes to sea",
                "the date on which the crew of the ship {n} departs"
            ]
        ),
    ],
};
