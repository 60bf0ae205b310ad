//! The reference ledger: what the native modules do with money, written a second time, plainly,
//! over ordinary maps. It imports only `primitives`, shares no line with the modules, and says of
//! every operation whether it succeeds and where each coin then lies.
//!
//! Left out on purpose: signatures beyond honest or not, and everything that moves no money.

mod challenges;
mod channels;
mod datanets;
mod op;
mod pools;
mod staking;
mod tasks;

use std::collections::{BTreeMap, BTreeSet};

use tributary_primitives::{Address, Amount, Ppm};

pub use challenges::Owed;
pub use channels::{Channel, Gateway, Leaf, Root};
pub use datanets::{Contribution, Status};
pub use op::{Op, Voucher};
pub use pools::{Backer, Pool};
pub use staking::Provision;
pub use tasks::{Task, TaskState};

/// Parameters of the chain that is compared with.
#[derive(Clone, Debug)]
pub struct Rules {
    pub treasury: Address,
    pub unbonding_period: u64,
    pub thaw_period: u64,
    pub minimum: Amount,
    pub victim_cut: Ppm,
    pub hold_back: u64,
    pub close_grace: u64,
    pub max_expiry: u64,
    pub min_epoch: u64,
    pub cover: Ppm,
    pub protocol: Ppm,
    pub cancel: Ppm,
    pub expire_penalty: Ppm,
    pub min_duration: u64,
    pub max_duration: u64,
    pub backing_thaw: u64,
    pub compute_burn: Ppm,
    pub licence_burn: Ppm,
    pub stake_per_item: Amount,
    pub min_stake: Amount,
    pub review_fee: Amount,
    pub accept_score: u8,
    pub assign_timeout: u64,
    pub commit_period: u64,
    pub reveal_period: u64,
    pub challenge_window: u64,
    pub no_reveal_slash: Ppm,
    pub winner_cut: Ppm,
    pub challenge_slash: Ppm,
    pub abandon_period: u64,
    pub wind_up_period: u64,
}

/// A purse inside a module, as the books name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purse {
    FreeStake(Address),
    Unbonding(Address),
    Provision(u64),
    Balance(Address),
    /// By the channel's number, from 1.
    Reserved(u64),
    Pot(Address),
    Escrow(u64),
    Backing(u64),
    BackersPool(u64),
    Commons(u64),
    ContributionStake(u64),
    ReviewFee(u64),
    Bond(u64),
}

/// An operation that changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// What an operation comes to.
pub type Outcome = Result<(), Refused>;

/// All the money there is, and who may do what with it.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub rules: Rules,
    pub now: u64,
    pub block: u64,
    pub accounts: BTreeMap<Address, Amount>,
    pub purses: BTreeMap<Purse, Amount>,
    pub burned: Amount,
    pub allowances: BTreeMap<(Address, Address), Amount>,
    pub used_nonces: BTreeSet<(Address, u64)>,
    pub unbondings: BTreeMap<Address, Vec<(Amount, u64)>>,
    pub provisions: BTreeMap<u64, Provision>,
    pub channels: BTreeMap<u64, Channel>,
    pub gateways: BTreeMap<Address, Gateway>,
    pub tasks: BTreeMap<u64, Task>,
    pub task_count: u64,
    pub pools: BTreeMap<u64, Pool>,
    pub backers: BTreeMap<(u64, Address), Backer>,
    pub datanet_owners: BTreeMap<u64, Address>,
    pub closed_datanets: Vec<u64>,
    pub contributions: BTreeMap<u64, Contribution>,
    /// Datanets with a tombstone that no version carries yet.
    pub fresh_tombstones: Vec<u64>,
    pub timers: BTreeMap<u64, u64>,
}

/// `Err(Refused)` unless the condition holds.
pub(crate) fn need(holds: bool) -> Outcome {
    if holds { Ok(()) } else { Err(Refused) }
}

impl Ledger {
    /// A world of accounts.
    pub fn new(rules: Rules, accounts: BTreeMap<Address, Amount>) -> Self {
        Self {
            rules,
            now: 0,
            block: 0,
            accounts,
            purses: BTreeMap::new(),
            burned: Amount::ZERO,
            allowances: BTreeMap::new(),
            used_nonces: BTreeSet::new(),
            unbondings: BTreeMap::new(),
            provisions: BTreeMap::new(),
            channels: BTreeMap::new(),
            gateways: BTreeMap::new(),
            tasks: BTreeMap::new(),
            task_count: 0,
            pools: BTreeMap::new(),
            backers: BTreeMap::new(),
            datanet_owners: BTreeMap::new(),
            closed_datanets: Vec::new(),
            contributions: BTreeMap::new(),
            fresh_tombstones: Vec::new(),
            timers: BTreeMap::new(),
        }
    }

    /// What an account has.
    pub fn account(&self, owner: Address) -> Amount {
        self.accounts.get(&owner).copied().unwrap_or_default()
    }

    /// What a purse has.
    pub fn purse(&self, purse: Purse) -> Amount {
        self.purses.get(&purse).copied().unwrap_or_default()
    }

    /// All coins, wherever they lie, and the burned ones.
    pub fn total(&self) -> Amount {
        let accounts: Amount = self.accounts.values().copied().sum();
        let purses: Amount = self.purses.values().copied().sum();
        [accounts, purses, self.burned].into_iter().sum()
    }

    pub(crate) fn pay(&mut self, to: Address, amount: Amount) {
        let sum = plus(self.account(to), amount);
        self.accounts.insert(to, sum);
    }

    pub(crate) fn charge(&mut self, from: Address, amount: Amount) -> Outcome {
        let rest = self.account(from).checked_sub(amount).ok_or(Refused)?;
        self.accounts.insert(from, rest);
        Ok(())
    }

    pub(crate) fn put(&mut self, purse: Purse, amount: Amount) {
        let sum = plus(self.purse(purse), amount);
        if !sum.is_zero() {
            self.purses.insert(purse, sum);
        }
    }

    pub(crate) fn take(&mut self, purse: Purse, amount: Amount) {
        let rest = self.purse(purse).checked_sub(amount);
        match rest.expect("a purse is checked before it is opened") {
            Amount::ZERO => self.purses.remove(&purse),
            rest => self.purses.insert(purse, rest),
        };
    }

    pub(crate) fn burn(&mut self, amount: Amount) {
        self.burned = plus(self.burned, amount);
    }
}

pub(crate) fn plus(a: Amount, b: Amount) -> Amount {
    a.checked_add(b).expect("sums of parts of the supply fit")
}

pub(crate) fn minus(a: Amount, b: Amount) -> Amount {
    a.checked_sub(b).expect("a part is not larger than the whole")
}
