//! State while a block runs: a view plus what its transactions have changed so far.

use crate::native;
use alloy_primitives::map::HashMap;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use revm::bytecode::Bytecode;
use revm::database_interface::DBErrorMarker;
use revm::state::{AccountInfo, EvmState};
use revm::{Database, DatabaseRef};
use std::collections::BTreeMap;
use tributary_storage::{Account, AccountChange, StateDiff, StateView, StorageError};

/// A storage failure on its way through the EVM.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub(crate) struct DbError(#[from] pub(crate) StorageError);

impl DBErrorMarker for DbError {}

/// A changed account.
#[derive(Debug, Clone)]
struct Entry {
    original: Option<Account>,
    current: Option<Account>,
    wiped: bool,
    storage: BTreeMap<U256, U256>,
}

/// How one application moved money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct BalanceEffect {
    /// Sum of balances afterwards less the sum before, modulo 2^256.
    pub(crate) delta: U256,
    /// An account was destroyed, which may burn money.
    pub(crate) destroyed: bool,
}

/// A [`StateView`] with changes on top.
pub(crate) struct BlockState {
    view: StateView,
    changed: BTreeMap<Address, Entry>,
    codes: BTreeMap<B256, Bytes>,
    hashes: BTreeMap<u64, B256>,
    accounts_read: HashMap<Address, Option<Account>>,
    slots_read: HashMap<(Address, U256), U256>,
    codes_read: HashMap<B256, Bytecode>,
}

impl BlockState {
    pub(crate) fn new(view: StateView) -> Self {
        Self {
            view,
            changed: BTreeMap::new(),
            codes: BTreeMap::new(),
            hashes: BTreeMap::new(),
            accounts_read: HashMap::default(),
            slots_read: HashMap::default(),
            codes_read: HashMap::default(),
        }
    }

    pub(crate) fn account(&self, address: Address) -> Result<Option<Account>, StorageError> {
        if let Some(entry) = self.changed.get(&address) {
            return Ok(entry.current);
        }
        if let Some(account) = self.accounts_read.get(&address) {
            return Ok(*account);
        }
        self.view.account(address)
    }

    pub(crate) fn slot(&self, address: Address, slot: U256) -> Result<U256, StorageError> {
        if let Some(entry) = self.changed.get(&address) {
            if let Some(value) = entry.storage.get(&slot) {
                return Ok(*value);
            }
            if entry.wiped || entry.original.is_none() {
                return Ok(U256::ZERO);
            }
        }
        if let Some(value) = self.slots_read.get(&(address, slot)) {
            return Ok(*value);
        }
        self.view.storage(address, slot)
    }

    /// A slot as the view has it, before all changes.
    pub(crate) fn original_slot(&self, address: Address, slot: U256) -> Result<U256, StorageError> {
        match self.slots_read.get(&(address, slot)) {
            Some(value) => Ok(*value),
            None => self.view.storage(address, slot),
        }
    }

    /// Overrides what `BLOCKHASH` answers (simulations).
    pub(crate) fn set_block_hash(&mut self, number: u64, hash: B256) {
        self.hashes.insert(number, hash);
    }

    fn entry(&mut self, address: Address) -> Result<&mut Entry, StorageError> {
        let original = self.account(address)?;
        Ok(self.changed.entry(address).or_insert(Entry {
            original,
            current: original,
            wiped: false,
            storage: BTreeMap::new(),
        }))
    }

    /// Changes an account, creating it when it is absent.
    pub(crate) fn update(
        &mut self,
        address: Address,
        change: impl FnOnce(&mut Account),
    ) -> Result<(), StorageError> {
        let entry = self.entry(address)?;
        let mut account = entry.current.unwrap_or_default();
        change(&mut account);
        entry.current = Some(account);
        Ok(())
    }

    pub(crate) fn set_slot(
        &mut self,
        address: Address,
        slot: U256,
        value: U256,
    ) -> Result<(), StorageError> {
        self.entry(address)?.storage.insert(slot, value);
        Ok(())
    }

    /// Removes an account with its storage.
    pub(crate) fn remove(&mut self, address: Address) -> Result<(), StorageError> {
        let entry = self.entry(address)?;
        entry.current = None;
        entry.wiped = true;
        entry.storage.clear();
        Ok(())
    }

    /// Drops all storage of an account (simulations that replace it).
    pub(crate) fn wipe(&mut self, address: Address) -> Result<(), StorageError> {
        let entry = self.entry(address)?;
        entry.storage.clear();
        entry.wiped = true;
        Ok(())
    }

    pub(crate) fn set_code(&mut self, address: Address, code: Bytes) -> Result<(), StorageError> {
        let hash = if code.is_empty() {
            KECCAK256_EMPTY
        } else {
            let hash = alloy_primitives::keccak256(&code);
            self.codes.insert(hash, code);
            hash
        };
        self.update(address, |account| account.code_hash = hash)
    }

    /// Takes over what a transaction left in the journal.
    pub(crate) fn apply(&mut self, state: EvmState) -> Result<BalanceEffect, StorageError> {
        let mut effect = BalanceEffect::default();
        for (address, account) in state {
            let slots_changed = account.storage.values().any(|slot| slot.is_changed());
            if !account.is_touched() && !slots_changed {
                continue;
            }
            if let Some(code) = account.info.code.as_ref().filter(|code| !code.is_empty()) {
                self.codes.entry(account.info.code_hash).or_insert_with(|| code.original_bytes());
            }
            let entry = self.entry(address)?;
            let before = entry.current.map_or(U256::ZERO, |account| account.balance);
            if account.is_selfdestructed() {
                effect.destroyed = true;
                entry.current = None;
                entry.wiped = true;
                entry.storage.clear();
            } else {
                if account.is_created() {
                    entry.wiped = true;
                    entry.storage.clear();
                }
                let now = Account {
                    nonce: account.info.nonce,
                    balance: account.info.balance,
                    code_hash: account.info.code_hash,
                };
                // EIP-161: a touched empty account does not stay.
                entry.current = (!now.is_empty()).then_some(now);
                for (slot, value) in account.storage {
                    if value.is_changed() {
                        entry.storage.insert(slot, value.present_value());
                    }
                }
            }
            let after = entry.current.map_or(U256::ZERO, |account| account.balance);
            effect.delta = effect.delta.wrapping_add(after).wrapping_sub(before);
        }
        Ok(effect)
    }

    /// Sum of all balance changes since the view, modulo 2^256.
    pub(crate) fn balance_delta(&self) -> U256 {
        self.changed.values().fold(U256::ZERO, |sum, entry| {
            let before = entry.original.map_or(U256::ZERO, |account| account.balance);
            let after = entry.current.map_or(U256::ZERO, |account| account.balance);
            sum.wrapping_add(after).wrapping_sub(before)
        })
    }

    /// The net difference to the view, in canonical order and form.
    pub(crate) fn take_diff(&mut self) -> Result<StateDiff, StorageError> {
        let mut diff = StateDiff::default();
        for (address, entry) in core::mem::take(&mut self.changed) {
            let wiped = entry.wiped && entry.original.is_some();
            let fresh = wiped || entry.original.is_none();
            let mut storage = BTreeMap::new();
            if entry.current.is_some() {
                for (slot, value) in entry.storage {
                    let before =
                        if fresh { U256::ZERO } else { self.view.storage(address, slot)? };
                    if before != value {
                        storage.insert(slot, value);
                    }
                }
            }
            if entry.current == entry.original && storage.is_empty() && !wiped {
                continue;
            }
            if entry.current.is_none() && entry.original.is_none() {
                continue;
            }
            if let Some(account) = entry.current
                && let Some(code) = self.codes.get(&account.code_hash)
                && entry.original.is_none_or(|before| before.code_hash != account.code_hash)
            {
                diff.codes.insert(account.code_hash, code.clone());
            }
            let change = AccountChange { account: entry.current, wiped, storage };
            diff.accounts.insert(address, change);
        }
        Ok(diff)
    }
}

fn code_info(account: Account) -> AccountInfo {
    AccountInfo {
        balance: account.balance,
        nonce: account.nonce,
        code_hash: account.code_hash,
        account_id: None,
        code: None,
    }
}

impl DatabaseRef for BlockState {
    type Error = DbError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, DbError> {
        Ok(self.account(address)?.map(code_info))
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, DbError> {
        if let Some(code) = self.codes_read.get(&code_hash) {
            return Ok(code.clone());
        }
        let code = match self.codes.get(&code_hash) {
            Some(code) => code.clone(),
            None => self.view.code(code_hash)?,
        };
        Ok(native::bytecode(code))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, DbError> {
        Ok(self.slot(address, slot)?)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, DbError> {
        if let Some(hash) = self.hashes.get(&number) {
            return Ok(*hash);
        }
        Ok(self.view.block_hash(number)?.unwrap_or_default())
    }
}

impl Database for BlockState {
    type Error = DbError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, DbError> {
        let account = self.account(address)?;
        if !self.changed.contains_key(&address) {
            self.accounts_read.insert(address, account);
        }
        Ok(account.map(code_info))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, DbError> {
        let code = self.code_by_hash_ref(code_hash)?;
        self.codes_read.insert(code_hash, code.clone());
        Ok(code)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, DbError> {
        let value = self.slot(address, slot)?;
        let written = self.changed.get(&address).is_some_and(|entry| {
            entry.wiped || entry.original.is_none() || entry.storage.contains_key(&slot)
        });
        if !written {
            self.slots_read.insert((address, slot), value);
        }
        Ok(value)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, DbError> {
        self.block_hash_ref(number)
    }
}
