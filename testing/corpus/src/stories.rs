//! Small stories: a person with an invented name, a walk, an animal, an end.

use rand::Rng;

use crate::names::{self, NameClass, pick};
use crate::values::ValueKind;
use crate::words::PERSON;

/// Openings with `{p}` person, `{n}` name, `{w}` place.
pub(crate) const OPENINGS: [&str; 4] = [
    "One morning the {p} {n} walked to a house {w}.",
    "Long ago a {p} called {n} lived {w}.",
    "The {p} {n} woke up early and rested {w}.",
    "In the evening the {p} {n} waited {w}.",
];

/// Meetings with `{b}` beast.
pub(crate) const MEETINGS: [&str; 4] =
    ["There {n} met {b}.", "Suddenly {n} saw {b}.", "On the path sat {b}.", "Behind {n} came {b}."];

/// Gifts with `{g}` goods, `{d}` dish, `{t}` drink.
pub(crate) const GIFTS: [&str; 4] = [
    "They shared {d} and talked about {k}.",
    "The animal asked for {g} and got it.",
    "{n} offered {t} and smiled.",
    "Together they looked for {g} until dark.",
];

/// Endings with `{c}` cost.
pub(crate) const ENDINGS: [&str; 4] = [
    "At last {n} went home happy.",
    "In the end {n} found {c} in a pocket.",
    "After that {n} was never alone.",
    "Everyone in the village still tells this story.",
];

/// Draws a story of four sentences.
pub(crate) fn draw<R: Rng>(rng: &mut R) -> String {
    let name = names::draw(rng, NameClass::Corpus);
    [&OPENINGS, &MEETINGS, &GIFTS, &ENDINGS]
        .map(|part| {
            let template = pick(rng, part);
            fill(rng, template, &name)
        })
        .join(" ")
}

fn fill<R: Rng>(rng: &mut R, template: &str, name: &str) -> String {
    let mut text = template.replace("{n}", name).replace("{p}", pick(rng, PERSON));
    for (slot, kind) in SLOTS {
        if text.contains(slot) {
            text = text.replace(slot, &kind.draw(rng));
        }
    }
    text
}

/// The slots of a story sentence that hold a value.
pub(crate) const SLOTS: [(&str, ValueKind); 7] = [
    ("{w}", ValueKind::Place),
    ("{b}", ValueKind::Beast),
    ("{g}", ValueKind::Goods),
    ("{d}", ValueKind::Dish),
    ("{t}", ValueKind::Drink),
    ("{k}", ValueKind::Task),
    ("{c}", ValueKind::Cost),
];
