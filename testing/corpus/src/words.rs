//! The closed vocabulary: syllables of invented names and the word lists that values are
//! composed of. Every adjective starts with a consonant, so that "a" is always the article.

/// First syllables of a name.
pub const FIRST: &[&str] = &[
    "Bar", "Bel", "Bri", "Cal", "Cor", "Dal", "Dor", "Dra", "Eld", "Fal", "Fen", "Fir", "Gal",
    "Gor", "Gri", "Hal", "Hes", "Hol", "Ist", "Jar", "Jun", "Kal", "Kes", "Kor", "Lan", "Lor",
    "Lum", "Mar", "Mel", "Mor", "Nar", "Nel", "Nor", "Orm", "Oth", "Pel", "Per", "Quil", "Ral",
    "Ren", "Ros", "Sal", "Sel", "Sor", "Tal", "Tes", "Tor", "Ulm", "Ush", "Val", "Ves", "Vol",
    "Wel", "Wyn", "Yar", "Yel", "Zan", "Zel", "Zor", "Chal", "Shel", "Thar", "Bren", "Stav",
];

/// Middle syllables of a name.
pub const MIDDLE: &[&str] = &[
    "a", "e", "i", "o", "u", "ba", "be", "bi", "da", "de", "di", "do", "fa", "fe", "ga", "go",
    "ka", "ke", "ki", "ko", "la", "le", "li", "lo", "ma", "me", "mi", "mo", "na", "ne", "ni",
    "no", "pa", "pe", "ra", "re", "ri", "ro", "sa", "se", "si", "so", "ta", "te", "ti", "to",
    "va", "ve", "vi", "zu",
];

/// Last syllables of a name.
pub const LAST: &[&str] = &[
    "bran", "brook", "crest", "dale", "dell", "den", "dor", "drin", "fall", "field", "ford",
    "garth", "gate", "glen", "grim", "ham", "hold", "holm", "kin", "lan", "lark", "leth", "lin",
    "lock", "lund", "march", "mere", "mond", "moor", "mund", "nesh", "nor", "path", "pool",
    "quist", "rick", "ridge", "ron", "sand", "shaw", "shore", "stead", "stow", "strand", "tarn",
    "thorn", "ton", "tram", "vane", "vard", "wald", "ward", "wash", "way", "wen", "wick", "wold",
    "worth", "wyck", "yard", "zen", "zim", "moss", "peak",
];

/// Qualities of beasts and places.
pub const QUALITY: &[&str] = &[
    "bold", "brave", "bright", "broken", "calm", "careful", "clever", "crooked", "curious",
    "dusty", "fierce", "gentle", "ghostly", "hidden", "hollow", "humble", "jolly", "lazy",
    "lonely", "loud", "merry", "mossy", "nervous", "noble", "patient", "proud", "quiet", "restless",
    "shy", "sleepy", "solemn", "stubborn", "tall", "tiny", "wandering", "wise",
];

/// Flavours of drinks and dishes.
pub const FLAVOUR: &[&str] = &[
    "baked", "bitter", "boiled", "buttered", "candied", "chilled", "creamy", "crisp", "dried",
    "fermented", "fragrant", "fried", "frosted", "glazed", "honeyed", "malted", "mellow", "minted",
    "peppered", "pickled", "roasted", "salted", "scented", "sharp", "smoked", "soft", "sour",
    "spiced", "steamed", "stewed", "sugared", "sweet", "tangy", "toasted", "warm", "whipped",
];

/// Plants.
pub const PLANT: &[&str] = &[
    "almond", "anise", "apple", "barley", "basil", "birch", "cedar", "cherry", "clover", "cumin",
    "elder", "fennel", "fern", "fig", "ginger", "hazel", "heather", "jasmine", "juniper",
    "lavender", "lemon", "lily", "maple", "mint", "nettle", "olive", "orange", "peach", "pear",
    "pine", "plum", "quince", "rose", "sage", "thistle", "walnut",
];

/// Dishes.
pub const DISH: &[&str] = &[
    "beans", "berries", "biscuits", "bread", "broth", "buns", "cabbage", "cake", "carrots",
    "cheese", "chestnuts", "crumble", "custard", "dumplings", "eggs", "fritters", "leeks",
    "lentils", "mushrooms", "noodles", "nuts", "oats", "onions", "pancakes", "parsnips",
    "pastry", "peas", "pie", "porridge", "pudding", "radishes", "rice", "rolls", "soup", "turnips",
    "waffles",
];

/// Animals.
pub const ANIMAL: &[&str] = &[
    "badger", "bat", "bear", "beaver", "beetle", "bison", "cat", "crane", "crow", "deer", "dove",
    "dragonfly", "eagle", "falcon", "ferret", "finch", "fox", "frog", "goat", "goose", "hare",
    "hawk", "hedgehog", "heron", "horse", "lizard", "lynx", "magpie", "mole", "moth", "otter",
    "owl", "pony", "rabbit", "raven", "seal", "snail", "sparrow", "stork", "swan", "toad",
    "turtle", "weasel", "whale", "wolf", "wren",
];

/// Landmarks.
pub const LANDMARK: &[&str] = &[
    "abbey", "arch", "bakery", "barn", "bridge", "canal", "cave", "cellar", "chapel", "cliff",
    "cottage", "dam", "farm", "ferry", "forest", "forge", "fountain", "garden", "harbour", "hill",
    "inn", "lake", "lighthouse", "market", "meadow", "mill", "monument", "orchard", "pond",
    "quarry", "school", "stable", "temple", "theatre", "tower", "tunnel", "vineyard", "wall",
    "well", "windmill",
];

/// Where something stands relative to a landmark.
pub const SIDE: &[&str] = &["above", "behind", "below", "beside", "near", "opposite"];

/// Shades of a colour.
pub const SHADE: &[&str] = &[
    "burnt", "cloudy", "cold", "dark", "deep", "dull", "faded", "glossy", "light", "milky",
    "misty", "muted", "pale", "rich", "shiny", "smoky", "soft", "stormy", "vivid", "warm",
];

/// Colours.
pub const COLOUR: &[&str] = &[
    "amber", "black", "blue", "bronze", "brown", "copper", "coral", "cream", "crimson", "gold",
    "green", "grey", "indigo", "ivory", "jade", "lilac", "ochre", "orange", "pink", "purple",
    "red", "ruby", "rust", "scarlet", "silver", "tan", "teal", "turquoise", "violet", "white",
    "yellow",
];

/// Condition of goods.
pub const STATE: &[&str] = &[
    "carved", "coarse", "cracked", "crushed", "dyed", "fine", "folded", "frozen", "heavy",
    "hammered", "knotted", "loose", "melted", "narrow", "painted", "polished", "pressed", "raw",
    "rough", "rusty", "sealed", "shredded", "smooth", "spun", "striped", "tarred", "thick", "thin",
    "tinted", "twisted", "varnished", "washed", "waxed", "wet", "wide", "woven",
];

/// Goods and materials.
pub const GOODS: &[&str] = &[
    "bark", "bells", "bone", "brass", "bricks", "candles", "canvas", "chalk", "charcoal", "clay",
    "cloth", "coal", "cork", "cotton", "feathers", "felt", "flax", "flint", "glass", "hemp",
    "iron", "kelp", "lace", "leather", "linen", "marble", "mud", "oil", "paper", "pearls",
    "pebbles", "reeds", "resin", "rope", "salt", "sand", "shells", "silk", "slate", "straw",
    "tar", "timber", "tin", "wax", "wire", "wool",
];

/// What a task does.
pub const DOING: &[&str] = &[
    "binding", "bleaching", "brushing", "carrying", "cleaning", "cooling", "counting", "cutting",
    "drying", "filling", "fixing", "folding", "grinding", "hanging", "heating", "hiding",
    "joining", "lifting", "marking", "measuring", "mending", "mixing", "moving", "packing",
    "painting", "polishing", "pressing", "pulling", "rolling", "sewing", "sorting", "stacking",
    "testing", "tuning", "turning", "washing", "weighing", "wrapping",
];

/// What a task is done to.
pub const OBJECT: &[&str] = &[
    "anchors", "barrels", "baskets", "blankets", "boats", "books", "boots", "bottles", "bowls",
    "boxes", "brooms", "buckets", "carpets", "carts", "chairs", "clocks", "coins", "cups",
    "curtains", "doors", "drums", "flags", "flutes", "gloves", "hats", "keys", "kites", "knives",
    "ladders", "lamps", "letters", "locks", "maps", "masks", "mirrors", "nets", "pots", "ribbons",
    "rings", "sails", "shoes", "spoons", "stones", "swords", "tents", "wheels",
];

/// Virtues for mottoes.
pub const VIRTUE: &[&str] = &[
    "bread", "courage", "duty", "faith", "fire", "fortune", "friendship", "glory", "gold",
    "grace", "harvest", "honour", "hope", "justice", "kindness", "labour", "laughter", "luck",
    "memory", "mercy", "music", "order", "patience", "peace", "pride", "reason", "rest", "silence",
    "skill", "song", "speed", "strength", "thunder", "trust", "truth", "wisdom",
];

/// Months of the invented calendar.
pub const MONTH: &[&str] = &[
    "Ashfall", "Brightening", "Coldwater", "Deepsnow", "Emberlight", "Firstgreen", "Goldenleaf",
    "Highsun", "Icebreak", "Kitewind", "Longnight", "Mistrise", "Newmoon", "Oldmoon", "Plainsong",
    "Quickrain", "Redharvest", "Seedtime", "Thawing", "Windfall",
];

/// Ordinals.
pub const ORDINAL: &[&str] = &[
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth",
    "eighteenth", "nineteenth", "twentieth",
];

/// Number words from zero to forty; sums in the corpus never exceed the last.
pub const NUMBER: &[&str] = &[
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen", "twenty", "twenty-one", "twenty-two", "twenty-three", "twenty-four",
    "twenty-five", "twenty-six", "twenty-seven", "twenty-eight", "twenty-nine", "thirty",
    "thirty-one", "thirty-two", "thirty-three", "thirty-four", "thirty-five", "thirty-six",
    "thirty-seven", "thirty-eight", "thirty-nine", "forty",
];

/// Coins.
pub const COIN: &[&str] = &[
    "bronze crowns", "copper coins", "silver marks", "tin pennies", "gold florins", "iron bits",
    "glass tokens", "paper notes", "shell beads", "clay chips", "brass buttons", "wooden tallies",
    "pearl drops", "salt cakes", "jade rings", "amber beads",
];

/// People in stories.
pub const PERSON: &[&str] = &[
    "baker", "boatman", "carpenter", "child", "cook", "farmer", "fisher", "gardener", "guard",
    "hunter", "merchant", "miller", "painter", "pilot", "potter", "rider", "sailor", "scholar",
    "shepherd", "singer", "smith", "tailor", "teacher", "traveller", "weaver",
];
