//! Stake and provisions.

use tributary_primitives::{Address, Amount};

use crate::{Ledger, Op, Outcome, Purse, Refused, minus, need, plus};

/// A provision; its tokens lie in its purse.
#[derive(Clone, Debug)]
pub struct Provision {
    pub owner: Address,
    pub role: u8,
    pub thawing: Amount,
    pub thaw_end: u64,
    pub locked: Amount,
}

impl Ledger {
    /// An owner's provision for a role.
    pub fn provision_of(&self, owner: Address, role: u8) -> Option<u64> {
        let found = self.provisions.iter().find(|(_, p)| p.owner == owner && p.role == role);
        found.map(|(id, _)| *id)
    }

    /// True when it holds the minimum, thawing tokens aside.
    pub fn is_active(&self, id: u64) -> bool {
        let thawing = self.provisions.get(&id).map_or(Amount::ZERO, |p| p.thawing);
        minus(self.purse(Purse::Provision(id)), thawing) >= self.rules.minimum
    }

    /// True when the owner has an active provision for the role.
    pub fn acts_as(&self, owner: Address, role: u8) -> bool {
        self.provision_of(owner, role).is_some_and(|id| self.is_active(id))
    }

    /// Tokens neither thawing nor locked.
    pub fn available(&self, id: u64) -> Amount {
        let Some(provision) = self.provisions.get(&id) else { return Amount::ZERO };
        let tokens = self.purse(Purse::Provision(id));
        tokens.saturating_sub(provision.thawing).saturating_sub(provision.locked)
    }

    fn own(&mut self, id: u64, caller: Address) -> Result<&mut Provision, Refused> {
        self.provisions.get_mut(&id).filter(|p| p.owner == caller).ok_or(Refused)
    }

    fn from_free(&mut self, owner: Address, to: Purse, amount: Amount) -> Outcome {
        need(!amount.is_zero() && self.purse(Purse::FreeStake(owner)) >= amount)?;
        self.take(Purse::FreeStake(owner), amount);
        self.put(to, amount);
        Ok(())
    }

    pub(crate) fn apply_staking(&mut self, caller: Address, value: Amount, op: &Op) -> Outcome {
        let now = self.now;
        match op {
            Op::Stake => {
                need(!value.is_zero())?;
                self.charge(caller, value)?;
                self.put(Purse::FreeStake(caller), value);
            }
            Op::Unstake { amount } => {
                need(self.unbondings.get(&caller).map_or(0, Vec::len) < 32)?;
                self.from_free(caller, Purse::Unbonding(caller), *amount)?;
                let due = now + self.rules.unbonding_period;
                self.unbondings.entry(caller).or_default().push((*amount, due));
            }
            Op::WithdrawUnbonded => {
                let queue = self.unbondings.entry(caller).or_default();
                let ripe = queue.iter().take_while(|(_, due)| *due <= now).count();
                let amount: Amount = queue.drain(..ripe).map(|(amount, _)| amount).sum();
                need(!amount.is_zero())?;
                self.take(Purse::Unbonding(caller), amount);
                self.pay(caller, amount);
            }
            Op::Provision { role, amount } => {
                need((1..=3).contains(role) && self.provision_of(caller, *role).is_none())?;
                need(*amount >= self.rules.minimum)?;
                let id = self.provisions.len() as u64 + 1;
                self.from_free(caller, Purse::Provision(id), *amount)?;
                let (thawing, locked) = (Amount::ZERO, Amount::ZERO);
                let fresh = Provision { owner: caller, role: *role, thawing, thaw_end: 0, locked };
                self.provisions.insert(id, fresh);
            }
            Op::AddToProvision { id, amount } => {
                self.own(*id, caller)?;
                self.from_free(caller, Purse::Provision(*id), *amount)?;
            }
            Op::Thaw { id, amount } => {
                need(!amount.is_zero() && self.available(*id) >= *amount)?;
                let thaw_end = now + self.rules.thaw_period;
                let role = self.own(*id, caller)?.role;
                need(role != 3 || !self.gateway_owes(caller))?;
                let provision = self.own(*id, caller)?;
                provision.thawing = plus(provision.thawing, *amount);
                provision.thaw_end = thaw_end;
            }
            Op::Deprovision { id } => {
                let provision = self.own(*id, caller)?;
                let amount = provision.thawing;
                need(!amount.is_zero() && now >= provision.thaw_end)?;
                provision.thawing = Amount::ZERO;
                self.take(Purse::Provision(*id), amount);
                self.put(Purse::FreeStake(caller), amount);
            }
            _ => return Err(Refused),
        }
        Ok(())
    }

    /// Takes stake: a part to the victim, the rest burned.
    pub(crate) fn slash(&mut self, id: u64, amount: Amount, victim: Address) {
        let tokens = self.purse(Purse::Provision(id));
        let amount = amount.min(tokens);
        let cut = self.rules.victim_cut.of(amount);
        if amount.is_zero() {
            return;
        }
        self.take(Purse::Provision(id), amount);
        self.pay(victim, cut);
        self.burn(minus(amount, cut));
        let left = minus(tokens, amount);
        if let Some(provision) = self.provisions.get_mut(&id) {
            provision.locked = provision.locked.min(left);
            provision.thawing = provision.thawing.min(minus(left, provision.locked));
        }
    }
}
