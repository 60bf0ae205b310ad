//! How the values of `primitives` and of the chain look in JSON, for the schemas of this
//! interface. The types themselves know nothing of schemas, so the chain wing compiles none.
//!
//! **Invariant:** each form here describes what serde writes; a test in the gateway holds real
//! answers against the document built from them.

// The mirrors are read by their derived schemas alone.
#![allow(dead_code)]

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

macro_rules! text_forms {
    ($($name:ident: $pattern:literal, $detail:literal;)*) => {$(
        #[doc = $detail]
        pub struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string", "pattern": $pattern, "description": $detail,
                })
            }
        }
    )*};
}

text_forms! {
    Wei: "^[0-9]+$", "An amount in wei (1e-18 OPEN) as decimal digits.";
    Account: "^0x[0-9a-fA-F]{40}$", "An account of the chain.";
    Word: "^0x[0-9a-f]{64}$", "32 bytes as the chain writes them.";
    Hex: "^0x([0-9a-f]{2})*$", "Bytes.";
    Blake: "^[0-9a-f]{64}$", "A BLAKE3 digest.";
}

/// OPEN with a point (`"1.5"`), or whole wei without one.
pub struct MoneyAsked;

impl JsonSchema for MoneyAsked {
    fn schema_name() -> Cow<'static, str> {
        "Money".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "description": "Wei as digits (`\"1500000000000000000\"`), or OPEN with a point or \
                the word behind it (`\"1.5\"`, `\"5 OPEN\"`).",
        })
    }
}

/// How far money has come: in a signed receipt, in a posted root, claimed.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PayState")]
pub enum PayStateForm {
    Pending,
    Earned,
    Paid,
}

/// Why somebody is paid.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Role")]
pub enum RoleForm {
    Provider,
    Lineage,
    Data,
    Backers,
    Commons,
    ProtocolCompute,
    ProtocolLicence,
}

/// Wei for each token, in and out.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Prices")]
pub struct PricesForm {
    #[schemars(with = "Wei")]
    pub input: String,
    #[schemars(with = "Wei")]
    pub output: String,
}

/// The frozen data an adapter was trained on.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Snapshot")]
pub struct SnapshotForm {
    /// The datanet; 0 for a model without data.
    pub datanet: u64,
    pub version: u32,
    #[schemars(with = "Word")]
    pub root: String,
}

/// A stretch of the completion that stands verbatim in the snapshot.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Span")]
pub struct SpanForm {
    /// First completion token.
    pub start: u32,
    /// One past the last completion token.
    pub end: u32,
    pub byte_start: u32,
    pub byte_end: u32,
    /// Occurrences in the snapshot.
    pub count: u32,
    /// Self-information in bits, Q16 fixed point.
    pub bits_q16: u64,
    /// Records that hold it, owner first.
    #[schemars(with = "Vec<Blake>")]
    pub records: Vec<String>,
    #[schemars(with = "Account")]
    pub contributor: String,
}

/// One payee's part of one fee.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Share")]
pub struct ShareForm {
    pub role: RoleForm,
    /// An account, a datanet's id or zero, as one word.
    #[schemars(with = "Word")]
    pub party: String,
    #[schemars(with = "Wei")]
    pub amount: String,
    /// For data: the record that earned it.
    #[schemars(with = "Option<Blake>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// For lineage: the model that earned it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<u64>,
}

/// What a provider signs (EIP-712); `docs/specs/0002-receipts-and-settlement.md` says it in full.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ReceiptBody")]
pub struct ReceiptBodyForm {
    #[schemars(with = "Account")]
    pub gateway: String,
    #[schemars(with = "Account")]
    pub payer: String,
    #[schemars(with = "Word")]
    pub channel: String,
    #[schemars(with = "Account")]
    pub provider: String,
    pub model: u64,
    #[schemars(with = "Blake")]
    pub model_digest: String,
    #[schemars(with = "Blake")]
    pub adapter_digest: String,
    #[schemars(with = "Blake")]
    pub tokenizer_digest: String,
    pub snapshot: SnapshotForm,
    #[schemars(with = "Blake")]
    pub prompt_commitment: String,
    #[schemars(with = "Blake")]
    pub completion_commitment: String,
    pub prompt_tokens: u32,
    pub completion_tokens: u32,
    pub temperature_micro: u32,
    pub top_p_ppm: u32,
    pub top_k: u32,
    pub max_tokens: u32,
    #[schemars(with = "Blake")]
    pub sampler_digest: String,
    #[schemars(with = "Blake")]
    pub job_seed: String,
    #[schemars(with = "Blake")]
    pub logits_digest: String,
    #[schemars(with = "Wei")]
    pub fee_compute: String,
    #[schemars(with = "Wei")]
    pub fee_licence: String,
    #[schemars(with = "Blake")]
    pub spans_digest: String,
    #[schemars(with = "Blake")]
    pub shares_digest: String,
    pub block_number: u64,
    #[schemars(with = "Word")]
    pub block_hash: String,
    pub issued_at: u64,
}

/// A signed receipt with the public lists that its digests commit to.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Receipt")]
pub struct ReceiptForm {
    #[schemars(with = "Word")]
    pub id: String,
    pub body: ReceiptBodyForm,
    #[schemars(with = "Hex")]
    pub signature: String,
    pub spans: Vec<SpanForm>,
    pub shares: Vec<ShareForm>,
}

/// How tokens were chosen.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Sampler")]
pub struct SamplerForm {
    pub temperature_micro: u32,
    pub top_p_ppm: u32,
    pub top_k: u32,
    pub max_tokens: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
}

/// The private side of a call, for its payer alone.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Transcript")]
pub struct TranscriptForm {
    #[schemars(with = "Word")]
    pub receipt_id: String,
    pub prompt: String,
    pub prompt_ids: Vec<u32>,
    pub completion_ids: Vec<u32>,
    pub completion: String,
    #[schemars(with = "Blake")]
    pub prompt_salt: String,
    #[schemars(with = "Blake")]
    pub completion_salt: String,
    #[schemars(with = "Blake")]
    pub request_seed: String,
    pub sampler: SamplerForm,
}
