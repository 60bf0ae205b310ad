//! Block zero, from a TOML file: chain id, fork table, buckets of money, modules, contracts.

mod dev;
mod predeploys;

pub use dev::{DEV_MNEMONIC, DevAccount, dev_accounts, dev_signer_key, launch_account};

use crate::{BurnRecord, ChainSpec, EvmVersion, ForkRules, GenesisError, HeaderContext, native};
use alloy_consensus::constants::{EMPTY_ROOT_HASH, EMPTY_WITHDRAWALS};
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tributary_primitives::{Amount, TOTAL_SUPPLY};
use tributary_storage::{
    Account, AccountChange, GenesisBlock, SealedBlock, SealedState, StateDiff,
};

/// Everything that defines a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Time of block zero.
    pub timestamp_ms: u64,
    /// Base fee of block zero.
    pub base_fee: u64,
    /// Dev cheat codes are legal in blocks.
    #[serde(default)]
    pub cheats: bool,
    /// Name of the bucket that dev tools draw on.
    pub launch_bucket: String,
    /// The fork table.
    pub forks: Vec<ForkRules>,
    /// Who owns the money; all buckets together hold exactly the supply.
    pub buckets: Vec<Bucket>,
    /// Contracts that exist from the start.
    #[serde(default)]
    pub contracts: Vec<ContractAlloc>,
    /// Parameters of the native modules.
    #[serde(default)]
    pub modules: toml::Table,
}

/// A named part of the supply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Name people use.
    pub name: String,
    /// Who holds what is not allocated further.
    pub address: Address,
    /// The whole bucket.
    pub amount: Amount,
    /// Paid out of the bucket in block zero.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allocations: Vec<Allocation>,
}

/// Money given out of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allocation {
    /// To whom.
    pub address: Address,
    /// How much.
    pub amount: Amount,
}

/// A contract at genesis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractAlloc {
    /// Name people use.
    pub name: String,
    /// Where.
    pub address: Address,
    /// Runtime code.
    pub code: Bytes,
    /// Slots.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub storage: BTreeMap<B256, B256>,
}

impl Bucket {
    /// A bucket that no key holds: its address is the hash of its name.
    fn keyless(name: &str, open: u128) -> Self {
        let hash = keccak256(format!("tributary bucket {name}"));
        Self::new(name, Address::from_word(hash), open)
    }

    fn new(name: &str, address: Address, open: u128) -> Self {
        let amount = Amount::from_wei(open * tributary_primitives::OPEN.wei());
        Self { name: name.into(), address, amount, allocations: Vec::new() }
    }
}

impl Genesis {
    /// Reads a genesis file.
    pub fn from_toml(text: &str) -> Result<Self, GenesisError> {
        let genesis: Self =
            toml::from_str(text).map_err(|error| GenesisError::Parse(error.to_string()))?;
        genesis.check()?;
        Ok(genesis)
    }

    /// Writes it.
    pub fn to_toml(&self) -> Result<String, GenesisError> {
        toml::to_string_pretty(self).map_err(|error| GenesisError::Parse(error.to_string()))
    }

    /// The rules of the network.
    pub fn spec(&self) -> Result<ChainSpec, GenesisError> {
        self.check()?;
        Ok(ChainSpec {
            chain_id: self.chain_id,
            forks: self.forks.clone(),
            cheats: self.cheats,
            launch: self.bucket(&self.launch_bucket)?.address,
            burn_record: Some(BurnRecord {
                address: tributary_contracts::OPEN,
                slot: native::burned_slot(),
            }),
        })
    }

    fn bucket(&self, name: &str) -> Result<&Bucket, GenesisError> {
        self.buckets
            .iter()
            .find(|bucket| bucket.name == name)
            .ok_or_else(|| GenesisError::Invalid(format!("there is no bucket named `{name}`")))
    }

    fn check(&self) -> Result<(), GenesisError> {
        let refuse = |what: String| Err(GenesisError::Invalid(what));
        let Some(first) = self.forks.first() else {
            return refuse("the fork table is empty".into());
        };
        if first.height != 0 || first.timestamp != 0 {
            return refuse("the first fork must start at height 0 and timestamp 0".into());
        }
        for (fork, next) in self.forks.iter().zip(self.forks.iter().skip(1)) {
            if next.height < fork.height || next.evm < fork.evm {
                return refuse(format!("fork `{}` goes behind `{}`", next.name, fork.name));
            }
        }
        for fork in &self.forks {
            let positive = [fork.gas_limit, fork.elasticity, fork.base_fee_change_denominator];
            if positive.contains(&0) || fork.gas_limit < fork.elasticity {
                return refuse(format!("fork `{}` has a zero where none may stand", fork.name));
            }
        }
        let mut total = Amount::ZERO;
        for bucket in &self.buckets {
            total = total
                .checked_add(bucket.amount)
                .ok_or_else(|| GenesisError::Invalid("the buckets overflow".into()))?;
            bucket.rest()?;
        }
        if total != TOTAL_SUPPLY {
            return refuse(format!(
                "the buckets hold {} wei, the supply is {} wei",
                total.wei(),
                TOTAL_SUPPLY.wei()
            ));
        }
        self.bucket(&self.launch_bucket).map(|_| ())
    }

    /// Block zero with its state.
    pub fn build(&self) -> Result<GenesisBlock, GenesisError> {
        self.check()?;
        let mut diff = StateDiff::default();
        for bucket in &self.buckets {
            credit(&mut diff, bucket.address, bucket.rest()?);
            for allocation in &bucket.allocations {
                credit(&mut diff, allocation.address, allocation.amount);
            }
        }
        for contract in &self.contracts {
            let slots =
                contract.storage.iter().map(|(slot, value)| ((*slot).into(), (*value).into()));
            deploy(&mut diff, contract.address, contract.code.clone(), slots.collect());
        }
        for module in native::genesis_accounts(&self.modules)? {
            deploy(&mut diff, module.address, module.code, module.storage);
        }
        let state = SealedState::from_empty(diff)?;
        let block = SealedBlock::new(self.header(state.root())?, Vec::new(), Vec::new());
        Ok(GenesisBlock { chain_id: self.chain_id, block, state })
    }

    fn header(&self, state_root: B256) -> Result<Header, GenesisError> {
        let context = HeaderContext { timestamp_ms: self.timestamp_ms, ..HeaderContext::default() };
        let fork = self
            .forks
            .first()
            .ok_or_else(|| GenesisError::Invalid("the fork table is empty".into()))?;
        Ok(Header {
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            state_root,
            transactions_root: EMPTY_ROOT_HASH,
            receipts_root: EMPTY_ROOT_HASH,
            gas_limit: fork.gas_limit,
            timestamp: context.timestamp(),
            extra_data: context.encode(),
            base_fee_per_gas: Some(self.base_fee),
            withdrawals_root: Some(EMPTY_WITHDRAWALS),
            blob_gas_used: Some(0),
            excess_blob_gas: Some(0),
            parent_beacon_block_root: Some(B256::ZERO),
            requests_hash: (fork.evm >= EvmVersion::Prague).then_some(EMPTY_REQUESTS_HASH),
            ..Header::default()
        })
    }
}

impl Bucket {
    /// What stays with the bucket's holder.
    fn rest(&self) -> Result<Amount, GenesisError> {
        self.allocations
            .iter()
            .try_fold(self.amount, |rest, allocation| rest.checked_sub(allocation.amount))
            .ok_or_else(|| {
                GenesisError::Invalid(format!(
                    "bucket `{}` allocates more than it holds",
                    self.name
                ))
            })
    }
}

fn entry(diff: &mut StateDiff, address: Address) -> &mut Account {
    let change: &mut AccountChange = diff.accounts.entry(address).or_default();
    change.account.get_or_insert_default()
}

fn credit(diff: &mut StateDiff, address: Address, amount: Amount) {
    if !amount.is_zero() {
        entry(diff, address).balance += amount.to_u256();
    }
}

fn deploy(diff: &mut StateDiff, address: Address, code: Bytes, storage: BTreeMap<U256, U256>) {
    let code_hash = keccak256(&code);
    let account = entry(diff, address);
    account.nonce = 1;
    account.code_hash = code_hash;
    diff.codes.insert(code_hash, code);
    if let Some(change) = diff.accounts.get_mut(&address) {
        change.storage.extend(storage.into_iter().filter(|(_, value)| !value.is_zero()));
    }
}
