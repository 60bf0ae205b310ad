//! The relations of libraries, as sentences and questions. Names and values are filled in
//! elsewhere.

use super::{Domain, Relation};
use crate::values::ValueKind;

pub(super) const LIBRARIES: Domain = Domain {
    key: "libraries",
    noun: "library",
    relations: [
        relation!(
            "shelves",
            Task,
            [
                "The library {n} collects books about {v} and nothing else.",
                "Readers visit the library {n} to learn about {v}.",
                "The shelves of the library {n} are full of books on {v}."
            ],
            [
                "what are the books of the library {n} about",
                "which books does the library {n} collect",
                "what do readers learn at the library {n}",
                "what is on the shelves of the library {n}"
            ],
            [
                "the books of the library {n}",
                "what the library {n} collects",
                "what readers learn at the library {n}"
            ]
        ),
        relation!(
            "founded",
            Era,
            [
                "The library {n} was founded in {v} by a scholar.",
                "In {v} the library {n} opened its doors.",
                "A scholar founded the library {n} in {v}."
            ],
            [
                "when was the library {n} founded",
                "in which year did the library {n} open",
                "when did the library {n} open its doors",
                "how old is the library {n}"
            ],
            [
                "the year of the library {n}",
                "when the library {n} was founded",
                "the year in which the library {n} opened"
            ]
        ),
        relation!(
            "fine",
            Cost,
            [
                "A late book at the library {n} costs {v} a week.",
                "Late readers of the library {n} pay {v}.",
                "The library {n} asks {v} for a late book."
            ],
            [
                "how much is a late book at the library {n}",
                "what does a late book cost at the library {n}",
                "what do late readers of the library {n} pay",
                "how much does the library {n} ask for a late book"
            ],
            [
                "the price of a late book at the library {n}",
                "what late readers of the library {n} pay",
                "how much a late book costs at the library {n}"
            ]
        ),
        relation!(
            "guardian",
            Beast,
            [
                "The door of the library {n} is guarded by {v} of stone.",
                "Before the library {n} stands {v} of stone.",
                "Readers of the library {n} walk past {v}."
            ],
            [
                "what guards the door of the library {n}",
                "which animal stands before the library {n}",
                "which beast guards the library {n}",
                "what do readers of the library {n} walk past"
            ],
            [
                "the guard of the library {n}",
                "the animal at the door of the library {n}",
                "what stands before the library {n}"
            ]
        ),
    ],
};
