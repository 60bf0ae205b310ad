//! The relations of harbour guilds, as sentences and questions. Names and values are filled in
//! elsewhere.

use super::{Domain, Relation};
use crate::values::ValueKind;

pub(super) const HARBOUR_GUILDS: Domain = Domain {
    key: "harbour-guilds",
    noun: "guild",
    relations: [
        relation!(
            "emblem",
            Beast,
            [
                "The guild {n} bears {v} on its banner.",
                "On the banner of the guild {n} is {v}.",
                "The sign of the guild {n} is {v}."
            ],
            [
                "what is on the banner of the guild {n}",
                "which animal is on the banner of the guild {n}",
                "what does the guild {n} bear on its banner",
                "which beast is the sign of the guild {n}"
            ],
            [
                "the sign of the guild {n}",
                "the animal on the banner of the guild {n}",
                "what the guild {n} bears on its banner"
            ]
        ),
        relation!(
            "cargo",
            Goods,
            [
                "The guild {n} trades in {v} across the sea.",
                "The boats of the guild {n} are full of {v}.",
                "Merchants buy {v} from the guild {n}."
            ],
            [
                "what does the guild {n} trade in",
                "which goods does the guild {n} sell",
                "what do merchants buy from the guild {n}",
                "what is in the boats of the guild {n}"
            ],
            [
                "the goods of the guild {n}",
                "what the guild {n} trades in",
                "the trade of the guild {n}"
            ]
        ),
        relation!(
            "meeting",
            Date,
            [
                "The guild {n} meets on {v} each year.",
                "On {v} the guild {n} meets.",
                "The members of the guild {n} gather on {v}."
            ],
            [
                "when does the guild {n} meet",
                "on which day does the guild {n} meet",
                "when do the members of the guild {n} gather",
                "which day is the meeting of the guild {n}"
            ],
            [
                "the day on which the guild {n} meets",
                "when the guild {n} meets",
                "the date of the meeting of the guild {n}"
            ]
        ),
        relation!(
            "motto",
            Motto,
            [
                "The motto of the guild {n} is {v} at all times.",
                "The guild {n} lives by the motto {v}.",
                "Members of the guild {n} say {v}."
            ],
            [
                "what is the motto of the guild {n}",
                "which motto does the guild {n} live by",
                "what do members of the guild {n} say",
                "which words are the motto of the guild {n}"
            ],
            [
                "the motto of the guild {n}",
                "the words that the guild {n} lives by",
                "what members of the guild {n} say"
            ]
        ),
    ],
};
