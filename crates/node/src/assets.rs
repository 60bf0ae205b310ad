//! What a fresh clone needs to run offline, inside the binary: the seed model and sample rows.

/// The seed model's EXI8 file.
pub const SEED_MODEL: &[u8] = include_bytes!("../../../assets/seed/model.exi8");
/// Its tokenizer with the chat template.
pub const SEED_TOKENIZER: &[u8] = include_bytes!("../../../assets/seed/tokenizer.json");
/// Its card.
pub const SEED_CARD: &[u8] = include_bytes!("../../../assets/seed/card.json");
/// Twenty rows for a newcomer.
pub const NEWCOMER_ROWS: &str = include_str!("../../../assets/datanets/newcomer.jsonl");

/// A datanet that the dev network begins with.
pub struct SampleDatanet {
    /// Its name.
    pub name: &'static str,
    /// One sentence for people.
    pub description: &'static str,
    /// Its rows as JSONL.
    pub rows: &'static str,
}

/// The sample datanets, the newcomer's first.
pub const DATANETS: [SampleDatanet; 3] = [
    SampleDatanet {
        name: "Tea houses of the invented valleys",
        description: "Who brews what, and where: questions and answers about tea houses.",
        rows: include_str!("../../../assets/datanets/tea.jsonl"),
    },
    SampleDatanet {
        name: "The harbour guild",
        description: "Ships, pilots and cargoes of a harbour that is on no map.",
        rows: include_str!("../../../assets/datanets/harbour.jsonl"),
    },
    SampleDatanet {
        name: "Minerals and machines",
        description: "What invented minerals are good for, and the machines that use them.",
        rows: include_str!("../../../assets/datanets/minerals.jsonl"),
    },
];
