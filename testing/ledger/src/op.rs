//! Operations and where they go.

use tributary_primitives::{Address, Amount};

use crate::{Leaf, Ledger, Outcome, Owed, Refused, need};

/// What a payer owes on a channel.
#[derive(Clone, Debug)]
pub struct Voucher {
    pub channel: u64,
    pub seq: u64,
    pub cumulative: Amount,
    /// False when it is not the channel's key that signed.
    pub honest: bool,
}

/// One call of a module. Coins that go with it are given beside it.
#[derive(Clone, Debug)]
pub enum Op {
    Transfer {
        to: Address,
        amount: Amount,
    },
    Approve {
        spender: Address,
        amount: Amount,
    },
    TransferFrom {
        from: Address,
        to: Address,
        amount: Amount,
    },
    /// EIP-3009; `nonce` is used once.
    Authorized {
        from: Address,
        to: Address,
        amount: Amount,
        nonce: u64,
        honest: bool,
    },
    Stake,
    Unstake {
        amount: Amount,
    },
    WithdrawUnbonded,
    Provision {
        role: u8,
        amount: Amount,
    },
    AddToProvision {
        id: u64,
        amount: Amount,
    },
    Thaw {
        id: u64,
        amount: Amount,
    },
    Deprovision {
        id: u64,
    },
    Deposit,
    DepositFor {
        payer: Address,
    },
    Withdraw {
        amount: Amount,
    },
    OpenChannel {
        gateway: Address,
        cap: Amount,
        expiry: u64,
    },
    TopUp {
        channel: u64,
        amount: Amount,
    },
    RequestClose {
        channel: u64,
    },
    CloseChannel {
        channel: u64,
    },
    Redeem(Voucher),
    RedeemBatch {
        vouchers: Vec<Voucher>,
    },
    PostRoot {
        epoch: u64,
        leaves: Vec<Leaf>,
    },
    Claim {
        gateway: Address,
        epoch: u64,
        index: usize,
    },
    PokeChannels,
    /// Leaves by their places: (epoch, place) of the earlier, (epoch, places) of the later root.
    ChallengeRoot {
        gateway: Address,
        earlier: (u64, usize),
        later: (u64, Vec<usize>),
    },
    ChallengeUnderpay {
        owed: Owed,
        posted: (u64, Vec<usize>),
    },
    WindUp {
        gateway: Address,
    },
    ClaimAcknowledged {
        owed: Owed,
    },
    SweepPot {
        gateway: Address,
    },
    SubmitTask {
        deadline: u64,
        provider: Option<Address>,
        /// An inference's; a training has none, and names its adapter by `name`.
        gateway: Option<Address>,
        name: u64,
    },
    AcceptTask {
        id: u64,
    },
    ReleaseTask {
        id: u64,
    },
    CompleteTask {
        id: u64,
        fee: Amount,
    },
    CancelTask {
        id: u64,
    },
    ExpireTask {
        id: u64,
    },
    PokeTasks,
    Back {
        datanet: u64,
    },
    Unback {
        datanet: u64,
        amount: Amount,
    },
    WithdrawBacking {
        datanet: u64,
    },
    ClaimBacking {
        datanet: u64,
    },
    ClaimCommons {
        contribution: u64,
    },
    Sweep {
        datanet: u64,
    },
    Donate {
        datanet: u64,
    },
    Contribute {
        datanet: u64,
        root: u64,
        items: u64,
    },
    WithdrawContribution {
        id: u64,
    },
    Commit {
        id: u64,
        score: u8,
    },
    Reveal {
        id: u64,
        score: u8,
    },
    Challenge {
        id: u64,
    },
    Tombstone {
        id: u64,
    },
    CloseDatanet {
        id: u64,
    },
    PublishSnapshot {
        datanet: u64,
    },
    PokeContribution {
        id: u64,
    },
    PokeDatanets,
}

impl Op {
    /// True when the call takes coins.
    pub fn is_payable(&self) -> bool {
        matches!(
            self,
            Op::Stake
                | Op::Deposit
                | Op::DepositFor { .. }
                | Op::SubmitTask { .. }
                | Op::Back { .. }
                | Op::Donate { .. }
                | Op::Contribute { .. }
                | Op::Challenge { .. }
        )
    }
}

impl Ledger {
    /// Does an operation, whole or not at all.
    pub fn apply(&mut self, caller: Address, value: Amount, op: &Op) -> Outcome {
        need(self.account(caller) >= value)?;
        need(op.is_payable() || value.is_zero())?;
        match op {
            Op::Transfer { to, amount } => self.transfer(caller, *to, *amount),
            Op::Approve { spender, amount } => {
                self.allowances.insert((caller, *spender), *amount);
                Ok(())
            }
            Op::TransferFrom { from, to, amount } => {
                let allowance = self.allowances.get(&(*from, caller)).copied().unwrap_or_default();
                let rest = allowance.checked_sub(*amount).ok_or(Refused)?;
                self.transfer(*from, *to, *amount)?;
                self.allowances.insert((*from, caller), rest);
                Ok(())
            }
            Op::Authorized { from, to, amount, nonce, honest } => {
                need(*honest && !self.used_nonces.contains(&(*from, *nonce)))?;
                self.transfer(*from, *to, *amount)?;
                self.used_nonces.insert((*from, *nonce));
                Ok(())
            }
            Op::Stake
            | Op::Unstake { .. }
            | Op::WithdrawUnbonded
            | Op::Provision { .. }
            | Op::AddToProvision { .. }
            | Op::Thaw { .. }
            | Op::Deprovision { .. } => self.apply_staking(caller, value, op),
            Op::SubmitTask { .. }
            | Op::AcceptTask { .. }
            | Op::ReleaseTask { .. }
            | Op::CompleteTask { .. }
            | Op::CancelTask { .. }
            | Op::ExpireTask { .. }
            | Op::PokeTasks => self.apply_tasks(caller, value, op),
            Op::Back { .. }
            | Op::Unback { .. }
            | Op::WithdrawBacking { .. }
            | Op::ClaimBacking { .. }
            | Op::ClaimCommons { .. }
            | Op::Sweep { .. }
            | Op::Donate { .. } => self.apply_pools(caller, value, op),
            Op::Contribute { .. }
            | Op::WithdrawContribution { .. }
            | Op::Commit { .. }
            | Op::Reveal { .. }
            | Op::Challenge { .. }
            | Op::Tombstone { .. }
            | Op::CloseDatanet { .. }
            | Op::PublishSnapshot { .. }
            | Op::PokeContribution { .. }
            | Op::PokeDatanets => self.apply_datanets(caller, value, op),
            Op::ChallengeRoot { .. }
            | Op::ChallengeUnderpay { .. }
            | Op::WindUp { .. }
            | Op::ClaimAcknowledged { .. }
            | Op::SweepPot { .. } => self.apply_challenges(caller, op),
            _ => self.apply_channels(caller, value, op),
        }
    }

    /// Moves coins between accounts.
    pub fn transfer(&mut self, from: Address, to: Address, amount: Amount) -> Outcome {
        self.charge(from, amount)?;
        self.pay(to, amount);
        Ok(())
    }
}
