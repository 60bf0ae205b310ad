//! The relations of minerals, as sentences and questions. Names and values are filled in
//! elsewhere.

use super::{Domain, Relation};
use crate::values::ValueKind;

pub(super) const MINERALS: Domain = Domain {
    key: "minerals",
    noun: "mineral",
    relations: [
        relation!(
            "hue",
            Hue,
            [
                "The mineral {n} shines {v} in the sun.",
                "In the sun the mineral {n} looks {v}.",
                "The colour of the mineral {n} is {v}."
            ],
            [
                "what colour is the mineral {n}",
                "how does the mineral {n} look in the sun",
                "which colour does the mineral {n} have",
                "how does the mineral {n} shine"
            ],
            [
                "the colour of the mineral {n}",
                "how the mineral {n} looks in the sun",
                "the colour that the mineral {n} shows"
            ]
        ),
        relation!(
            "vein",
            Place,
            [
                "Miners dig the mineral {n} {v} every winter.",
                "The mineral {n} is found {v}.",
                "Look for the mineral {n} {v}."
            ],
            [
                "where is the mineral {n} found",
                "where do miners dig the mineral {n}",
                "in which place is the mineral {n} dug",
                "where can you look for the mineral {n}"
            ],
            [
                "where miners dig the mineral {n}",
                "the place of the mineral {n}",
                "where to look for the mineral {n}"
            ]
        ),
        relation!(
            "use",
            Task,
            [
                "People use the mineral {n} for {v} at home.",
                "The mineral {n} is good for {v}.",
                "For {v} people take the mineral {n}."
            ],
            [
                "what is the mineral {n} good for",
                "what do people use the mineral {n} for",
                "for which work is the mineral {n} used",
                "what use has the mineral {n}"
            ],
            [
                "the use of the mineral {n}",
                "what the mineral {n} is good for",
                "what people use the mineral {n} for"
            ]
        ),
        relation!(
            "ounce",
            Cost,
            [
                "One ounce of the mineral {n} costs {v} at the market.",
                "Buyers pay {v} for one ounce of the mineral {n}.",
                "The mineral {n} sells for {v}."
            ],
            [
                "how much is one ounce of the mineral {n}",
                "what does one ounce of the mineral {n} cost",
                "what do buyers pay for the mineral {n}",
                "for how much does the mineral {n} sell"
            ],
            [
                "the price of the mineral {n}",
                "what one ounce of the mineral {n} costs",
                "how much buyers pay for the mineral {n}"
            ]
        ),
    ],
};
