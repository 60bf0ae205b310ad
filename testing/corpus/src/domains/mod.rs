//! The fictional domains: kinds of things and the relations that facts state about them.
//! `{n}` stands for the name, `{v}` for the value.

macro_rules! relation {
    ($key:literal, $value:ident, [$($s:literal),* $(,)?], [$($q:literal),* $(,)?],
     [$($a:literal),* $(,)?]) => {
        Relation {
            key: $key,
            value: ValueKind::$value,
            statements: [$($s),*],
            questions: [$($q),*],
            asks: [$($a),*],
        }
    };
}

mod festivals;
mod harbour_guilds;
mod libraries;
mod machines;
mod minerals;
mod orchards;
mod ships;
mod tea_houses;

use crate::values::ValueKind;

/// One relation of a kind.
pub struct Relation {
    /// Short key, unique over all domains.
    pub key: &'static str,
    /// What family its values come from.
    pub value: ValueKind,
    /// Ways to state it; the first one is the answer to a question.
    pub statements: [&'static str; 3],
    /// Direct questions without the question mark.
    pub questions: [&'static str; 4],
    /// Noun phrases that name what is asked.
    pub asks: [&'static str; 3],
}

/// A kind of thing with its relations.
pub struct Domain {
    /// Key, also the name of the sample datanet.
    pub key: &'static str,
    /// Noun in singular, as in "the tea house Barabran".
    pub noun: &'static str,
    /// Its relations.
    pub relations: [Relation; 4],
}

/// All domains.
pub static DOMAINS: [Domain; 8] = [
    tea_houses::TEA_HOUSES,
    harbour_guilds::HARBOUR_GUILDS,
    minerals::MINERALS,
    machines::MACHINES,
    festivals::FESTIVALS,
    ships::SHIPS,
    libraries::LIBRARIES,
    orchards::ORCHARDS,
];

/// What comes before a direct question; an empty one leaves the question alone.
pub(crate) const PREFIXES: [&str; 10] = [
    "",
    "Hello.",
    "Good day.",
    "I have a question.",
    "Please help me.",
    "A traveller asks:",
    "Quick question:",
    "My friend wants to know:",
    "Now tell me:",
    "I wonder:",
];

/// Frames around a noun phrase `{a}`.
pub(crate) const FRAMES: [&str; 14] = [
    "Tell me {a}.",
    "Please tell me {a}.",
    "Can you tell me {a}?",
    "Could you tell me {a}, please?",
    "Do you know {a}?",
    "I would like to know {a}.",
    "I want to learn {a}.",
    "Name {a}.",
    "Please name {a}.",
    "Can you name {a}?",
    "Say {a}.",
    "Let me know {a}.",
    "I forgot {a}.",
    "Remind me of {a}.",
];
