//! The ABI of the chain, once: one file per native module in Solidity syntax, the fixed
//! addresses, the chain ids and the EIP-712 structs.
//!
//! `abi/*.json` and `solidity/I*.sol` are written from these declarations
//! (`TRIBUTARY_WRITE_ABI=1 cargo test -p tributary-contracts`) and a test fails when they differ.

mod addresses;
mod channels;
mod datanets;
mod eip712;
mod emit;
mod models;
mod module;
mod names;
mod open;
mod royalties;
mod staking;
mod tasks;

pub use addresses::{
    CHAIN_ID_DEV, CHAIN_ID_MAIN, CHANNELS, DATANETS, MARKET, MODELS, MODULE_CODE, MODULES, OPEN,
    ROYALTIES, STAKING, TASKS, is_module, is_reserved, module_name,
};
pub use channels::IChannels;
pub use datanets::IDatanets;
pub use eip712::{
    acknowledgement_digest, channels_domain, open_domain, receipt_digest, receipt_of,
    receipts_domain, voucher_digest,
};
pub use emit::{Artifact, abi_of, artifacts};
pub use models::IModels;
pub use module::IModule;
pub use names::{
    ChannelStatus, ContributionStatus, DatanetStatus, ModelKind, ModelStatus, ProvisionRole,
    RootStatus, TaskKind, TaskState, UnknownCode,
};
pub use open::IOpen;
pub use royalties::IRoyalties;
pub use staking::IStaking;
pub use tasks::ITasks;
