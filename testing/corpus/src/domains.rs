//! The fictional domains: kinds of things and the relations that facts state about them.
//! `{n}` stands for the name, `{v}` for the value.

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

/// All domains.
pub static DOMAINS: [Domain; 8] = [
    Domain {
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
    },
    Domain {
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
    },
    Domain {
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
    },
    Domain {
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
    },
    Domain {
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
    },
    Domain {
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
    },
    Domain {
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
    },
    Domain {
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
    },
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
