//! Every limit a user can meet, in one place, with its unit in its name.

/// Bytes of one dataset row.
pub const ROW_SIZE_BYTES: usize = 1 << 20;
/// Rows of one contribution.
pub const CONTRIBUTION_ROWS: usize = 10_000;
/// Bytes of one upload after decompression.
pub const UPLOAD_SIZE_BYTES: usize = 64 << 20;
/// A compressed upload may grow by at most this factor.
pub const UPLOAD_RATIO: usize = 100;
/// Bytes of a JSON body other than an upload.
pub const BODY_SIZE_BYTES: usize = 1 << 20;
/// Tokens of one prompt, before the model's own context limit.
pub const PROMPT_TOKENS: usize = 8_192;
/// Choices (`n`) of one request.
pub const CHOICES: u32 = 8;
/// Stop sequences of one request.
pub const STOP_SEQUENCES: usize = 4;
/// Records that share the data part of one receipt.
pub const RECORDS_PER_RECEIPT: usize = 32;
/// Ancestors of a model.
pub const LINEAGE_DEPTH: usize = 8;
/// Bytes of a name or handle on chain.
pub const NAME_SIZE_BYTES: usize = 64;
/// Bytes of a URI or parameter string on chain.
pub const URI_SIZE_BYTES: usize = 512;
