//! Ethereum's state as a plain map, which the interpreter runs on with the rules of any fork.
//! Differences between two worlds are what the store seals.

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use revm::bytecode::Bytecode;
use revm::primitives::hardfork::SpecId;
use revm::state::{AccountInfo, EvmState};
use revm::{Database, DatabaseRef};
use serde_json::Value;
use std::collections::BTreeMap;
use std::convert::Infallible;
use tributary_storage::{Account, AccountChange, StateDiff};

/// An account with its storage; zero slots are not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Entry {
    account: Account,
    storage: BTreeMap<U256, U256>,
}

/// All accounts, codes and block hashes.
#[derive(Debug, Clone, Default)]
pub struct World {
    accounts: BTreeMap<Address, Entry>,
    codes: BTreeMap<B256, Bytes>,
    pub hashes: BTreeMap<u64, B256>,
}

impl World {
    /// The allocation of a genesis file.
    pub fn genesis(alloc: &Value) -> Self {
        let mut world = Self::default();
        for (address, fields) in alloc.as_object().unwrap() {
            let code: Bytes =
                fields["code"].as_str().map_or_else(Bytes::new, |code| code.parse().unwrap());
            let account = Account {
                nonce: number(&fields["nonce"]).to(),
                balance: number(&fields["balance"]),
                code_hash: if code.is_empty() { KECCAK256_EMPTY } else { keccak256(&code) },
            };
            let slots = fields["storage"].as_object().into_iter().flatten();
            let storage = slots.map(|(key, value)| (key.parse().unwrap(), number(value))).collect();
            world.codes.insert(account.code_hash, code);
            world.accounts.insert(address.parse().unwrap(), Entry { account, storage });
        }
        world
    }

    /// Adds coins: rewards of miners, withdrawals.
    pub fn credit(&mut self, address: Address, wei: U256) {
        self.accounts.entry(address).or_default().account.balance += wei;
    }

    /// Takes over what a transaction left.
    pub fn apply(&mut self, state: EvmState, spec: SpecId) {
        for (address, account) in state {
            if !account.is_touched() {
                continue;
            }
            let clears = spec.is_enabled_in(SpecId::SPURIOUS_DRAGON);
            if account.is_selfdestructed() || (account.info.is_empty() && clears) {
                self.accounts.remove(&address);
                continue;
            }
            if let Some(code) = &account.info.code {
                self.codes.insert(account.info.code_hash, code.original_bytes());
            }
            let entry = self.accounts.entry(address).or_default();
            if account.is_created() {
                entry.storage.clear();
            }
            let AccountInfo { nonce, balance, code_hash, .. } = account.info;
            entry.account = Account { nonce, balance, code_hash };
            for (slot, value) in account.storage {
                if value.present_value.is_zero() {
                    entry.storage.remove(&slot);
                } else {
                    entry.storage.insert(slot, value.present_value);
                }
            }
        }
    }

    /// What turns another world into this one.
    pub fn since(&self, before: &Self) -> StateDiff {
        let mut diff = StateDiff::default();
        let addresses = before.accounts.keys().chain(self.accounts.keys());
        for address in addresses {
            let (old, new) = (before.accounts.get(address), self.accounts.get(address));
            if old == new {
                continue;
            }
            let mut storage = BTreeMap::new();
            if let Some(new) = new {
                let gone = old.into_iter().flat_map(|old| old.storage.keys());
                storage.extend(gone.map(|slot| (*slot, U256::ZERO)));
                storage.extend(&new.storage);
                storage.retain(|slot, value| {
                    let before = old.and_then(|old| old.storage.get(slot)).copied();
                    before.unwrap_or_default() != *value
                });
                let hash = new.account.code_hash;
                if let Some(code) = self.codes.get(&hash).filter(|code| !code.is_empty()) {
                    diff.codes.insert(hash, code.clone());
                }
            }
            let account = new.map(|new| new.account);
            diff.accounts.insert(*address, AccountChange { account, wiped: false, storage });
        }
        diff
    }
}

/// A quantity, zero where it is absent.
pub fn number(value: &Value) -> U256 {
    value.as_str().map_or(U256::ZERO, |text| text.parse().unwrap())
}

impl DatabaseRef for World {
    type Error = Infallible;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.accounts.get(&address).map(|entry| AccountInfo {
            nonce: entry.account.nonce,
            balance: entry.account.balance,
            code_hash: entry.account.code_hash,
            account_id: None,
            code: None,
        }))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, Infallible> {
        Ok(Bytecode::new_raw(self.codes.get(&hash).cloned().unwrap_or_default()))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Infallible> {
        let entry = self.accounts.get(&address);
        Ok(entry.and_then(|entry| entry.storage.get(&slot)).copied().unwrap_or_default())
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Infallible> {
        Ok(self.hashes.get(&number).copied().unwrap_or_default())
    }
}

impl Database for World {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        self.basic_ref(address)
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, Infallible> {
        self.code_by_hash_ref(hash)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Infallible> {
        self.storage_ref(address, slot)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        self.block_hash_ref(number)
    }
}
