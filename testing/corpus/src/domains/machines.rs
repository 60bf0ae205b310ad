//! The relations of machines, as sentences and questions. Names and values are filled in
//! elsewhere.

use super::{Domain, Relation};
use crate::values::ValueKind;

pub(super) const MACHINES: Domain = Domain {
    key: "machines",
    noun: "machine",
    relations: [
        relation!(
            "job",
            Task,
            [
                "The machine {n} was built for {v} all day.",
                "All day the machine {n} is busy {v}.",
                "The work of the machine {n} is {v}."
            ],
            [
                "what was the machine {n} built for",
                "what does the machine {n} do",
                "what is the work of the machine {n}",
                "with what is the machine {n} busy"
            ],
            [
                "the work of the machine {n}",
                "what the machine {n} was built for",
                "what the machine {n} does all day"
            ]
        ),
        relation!(
            "fuel",
            Goods,
            [
                "The machine {n} burns {v} in its oven.",
                "The oven of the machine {n} is fed with {v}.",
                "Without {v} the machine {n} stands still."
            ],
            [
                "what does the machine {n} burn",
                "what is the machine {n} fed with",
                "which fuel does the machine {n} need",
                "what goes into the oven of the machine {n}"
            ],
            [
                "the fuel of the machine {n}",
                "what the machine {n} burns",
                "what goes into the oven of the machine {n}"
            ]
        ),
        relation!(
            "built",
            Era,
            [
                "The machine {n} was first started in {v} by its maker.",
                "In {v} the machine {n} ran for the first time.",
                "The maker started the machine {n} in {v}."
            ],
            [
                "when was the machine {n} first started",
                "in which year did the machine {n} first run",
                "when did the maker start the machine {n}",
                "how old is the machine {n}"
            ],
            [
                "the year of the machine {n}",
                "when the machine {n} was first started",
                "the year in which the machine {n} first ran"
            ]
        ),
        relation!(
            "sound",
            Beast,
            [
                "The machine {n} sounds like {v} at night.",
                "At night the machine {n} can be taken for {v}.",
                "The noise of the machine {n} is that of {v}."
            ],
            [
                "what does the machine {n} sound like",
                "how does the machine {n} sound",
                "which animal does the machine {n} sound like",
                "what noise does the machine {n} make"
            ],
            [
                "the sound of the machine {n}",
                "what the machine {n} sounds like",
                "the noise that the machine {n} makes"
            ]
        ),
    ],
};
