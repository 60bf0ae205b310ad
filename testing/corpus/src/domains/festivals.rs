//! The relations of festivals, as sentences and questions. Names and values are filled in
//! elsewhere.

use super::{Domain, Relation};
use crate::values::ValueKind;

pub(super) const FESTIVALS: Domain = Domain {
    key: "festivals",
    noun: "festival",
    relations: [
        relation!(
            "begins",
            Date,
            [
                "The festival {n} begins on {v} at dawn.",
                "On {v} the festival {n} opens.",
                "People celebrate the festival {n} from {v}."
            ],
            [
                "when does the festival {n} begin",
                "on which day does the festival {n} open",
                "when do people celebrate the festival {n}",
                "which day opens the festival {n}"
            ],
            [
                "the first day of the festival {n}",
                "when the festival {n} begins",
                "the date of the festival {n}"
            ]
        ),
        relation!(
            "feast",
            Dish,
            [
                "At the festival {n} everyone eats {v} together.",
                "Cooks make {v} for the festival {n}.",
                "The dish of the festival {n} is {v}."
            ],
            [
                "what do people eat at the festival {n}",
                "which dish belongs to the festival {n}",
                "what do cooks make for the festival {n}",
                "what is eaten at the festival {n}"
            ],
            [
                "the dish of the festival {n}",
                "what people eat at the festival {n}",
                "the food that cooks make for the festival {n}"
            ]
        ),
        relation!(
            "lanterns",
            Hue,
            [
                "The lanterns of the festival {n} are {v} this year.",
                "People hang {v} lanterns for the festival {n}.",
                "The festival {n} is lit by {v} lanterns."
            ],
            [
                "what colour are the lanterns of the festival {n}",
                "which lanterns do people hang for the festival {n}",
                "which colour lights the festival {n}",
                "how do the lanterns of the festival {n} look"
            ],
            [
                "the colour of the lanterns of the festival {n}",
                "how the lanterns of the festival {n} look",
                "the lanterns that people hang for the festival {n}"
            ]
        ),
        relation!(
            "honours",
            Beast,
            [
                "The festival {n} is held in honour of {v} from a tale.",
                "The tale of the festival {n} is about {v}.",
                "Children at the festival {n} dress as {v}."
            ],
            [
                "which animal does the festival {n} honour",
                "in whose honour is the festival {n} held",
                "what is the tale of the festival {n} about",
                "which beast belongs to the festival {n}"
            ],
            [
                "the animal that the festival {n} honours",
                "the beast in the tale of the festival {n}",
                "in whose honour the festival {n} is held"
            ]
        ),
    ],
};
