//! What a verification is given: facts of the chain and public files. Each is what *was
//! obtained*, by whatever way; nothing here is believed further than its kind deserves. Facts of
//! the chain are taken as the chain's (ask your own node); files are checked against digests;
//! the gateway's epoch data is checked against the hash on chain.

use tributary_datasets::Manifest;
use tributary_primitives::{
    Address, Amount, B256, ChannelId, Digest, FeeParts, Lineage, ModelId, Prices, SnapshotRef,
};

use crate::EpochData;

/// Everything public that the checks use. What could not be obtained is `None`.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The chain the signature is for.
    pub chain_id: u64,
    /// The block that the receipt names.
    pub block: Option<BlockFacts>,
    /// The provider at that block.
    pub provider: Option<ProviderFacts>,
    /// The channel.
    pub channel: Option<ChannelFacts>,
    /// The model at that block.
    pub model: Option<ModelFacts>,
    /// The contributions of the snapshot that the model names.
    pub manifest: Option<Manifest>,
    /// The blob of each entry of the manifest, in its order; a tombstoned one may be empty.
    pub blobs: Vec<Vec<u8>>,
    /// The base model's file.
    pub model_file: Option<Vec<u8>>,
    /// The adapter's file.
    pub adapter_file: Option<Vec<u8>>,
    /// The tokenizer's file.
    pub tokenizer_file: Option<Vec<u8>>,
    /// The epoch in which the receipt was settled.
    pub epoch: Option<EpochFacts>,
}

/// A block as the chain has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockFacts {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Its time in seconds.
    pub timestamp: u64,
}

/// A provider's provision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderFacts {
    /// The account.
    pub provider: Address,
    /// The key that signs its receipts.
    pub receipt_key: Address,
    /// True when the provision held its role's minimum: only then does a signature count.
    pub is_active: bool,
    /// What it charges.
    pub prices: Prices,
}

/// What a task on chain paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskFacts {
    /// The receipt that its provider delivered.
    pub receipt: B256,
    /// The prompt that was asked.
    pub prompt: Digest,
    /// What went to the gateway's pot.
    pub fee: Amount,
}

/// A payment channel, or the task whose escrow pays in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelFacts {
    /// The channel.
    pub channel: ChannelId,
    /// Who pays.
    pub payer: Address,
    /// Who redeems.
    pub gateway: Address,
    /// When it was opened, seconds.
    pub opened_at: u64,
    /// Set when it is a task.
    pub task: Option<TaskFacts>,
}

/// A registered model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFacts {
    /// The model that is served.
    pub model: ModelId,
    /// The base model's file.
    pub model_digest: Digest,
    /// The adapter's file; zero for none.
    pub adapter_digest: Digest,
    /// The tokenizer's file.
    pub tokenizer_digest: Digest,
    /// The data it was trained on; none for a base model.
    pub snapshot: SnapshotRef,
    /// What its owner charges.
    pub prices: Prices,
    /// It and its ancestors.
    pub lineage: Lineage,
    /// True when somebody stakes behind its datanet.
    pub has_backers: bool,
    /// True when it was in service.
    pub is_active: bool,
    /// How the chain cut a fee.
    pub parts: FeeParts,
}

/// A posted root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostedRoot {
    /// Whose.
    pub gateway: Address,
    /// Its epoch.
    pub epoch: u64,
    /// Merkle-sum root over the leaves.
    pub root: B256,
    /// Sum of the leaves.
    pub total: Amount,
    /// Leaves.
    pub leaves: u64,
    /// Hash of the epoch's data.
    pub data_hash: B256,
    /// Data hash of the root that the gateway posted before it; zero when it is the first.
    pub previous: B256,
    /// False when it was proven wrong in its hold-back.
    pub stands: bool,
}

/// A settled epoch.
#[derive(Clone, Debug)]
pub struct EpochFacts {
    /// The root, from the chain.
    pub posted: PostedRoot,
    /// The data, from the gateway.
    pub data: EpochData,
    /// The data of the epoch before it, unless it is the gateway's first.
    pub previous: Option<EpochData>,
}
