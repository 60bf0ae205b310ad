//! Backers and the commons.

use tributary_primitives::{Address, Amount, U256};

use crate::{Ledger, Op, Outcome, Purse, Refused, Status, minus, need, plus};

/// A datanet's two pools, beside the coins in their purses.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    pub backing: Amount,
    /// Credited to backers and not claimed.
    pub credited: Amount,
    /// Earned per wei of backing, 128 fractional bits.
    pub per_wei: U256,
    pub remainder: U256,
    pub items: u64,
    pub per_item: u128,
    pub undistributed: u128,
}

/// One backer of one datanet.
#[derive(Clone, Debug, Default)]
pub struct Backer {
    pub amount: Amount,
    pub thawing: Amount,
    pub thaw_end: u64,
    pub earned: Amount,
    pub paid_up_to: U256,
}

impl Pool {
    pub(crate) fn spread(&mut self) {
        if self.items > 0 {
            let items = u128::from(self.items);
            self.per_item += self.undistributed / items;
            self.undistributed %= items;
        }
    }
}

impl Ledger {
    pub(crate) fn pay_commons(&mut self, datanet: u64, amount: Amount) {
        self.put(Purse::Commons(datanet), amount);
        let pool = self.pools.entry(datanet).or_default();
        pool.undistributed += amount.wei();
        pool.spread();
    }

    pub(crate) fn pay_backers(&mut self, datanet: u64, amount: Amount) {
        let pool = self.pools.entry(datanet).or_default();
        if pool.backing.is_zero() {
            return self.pay_commons(datanet, amount);
        }
        let scaled = (amount.to_u256() << 128usize) + pool.remainder;
        pool.per_wei += scaled / pool.backing.to_u256();
        pool.remainder = scaled % pool.backing.to_u256();
        self.put(Purse::BackersPool(datanet), amount);
    }

    fn settle(&mut self, datanet: u64, owner: Address) {
        let pool = self.pools.entry(datanet).or_default();
        let backer = self.backers.entry((datanet, owner)).or_default();
        let each = pool.per_wei - backer.paid_up_to;
        let fresh = (each * backer.amount.to_u256()) >> 128usize;
        let fresh = Amount::try_from_u256(fresh).expect("a part of what was paid in");
        backer.earned = plus(backer.earned, fresh);
        backer.paid_up_to = pool.per_wei;
        pool.credited = plus(pool.credited, fresh);
    }

    /// What a published contribution has earned and not been paid.
    pub fn commons_earned(&self, id: u64) -> Amount {
        let Some(contribution) = self.contributions.get(&id) else { return Amount::ZERO };
        let Some(pool) = self.pools.get(&contribution.datanet) else { return Amount::ZERO };
        let each = pool.per_item - contribution.paid_up_to;
        Amount::from_wei(each * u128::from(contribution.items))
    }

    pub(crate) fn pay_out_commons(&mut self, id: u64) -> Amount {
        let amount = self.commons_earned(id);
        let Some(contribution) = self.contributions.get_mut(&id) else { return amount };
        let (datanet, contributor) = (contribution.datanet, contribution.contributor);
        if let Some(pool) = self.pools.get(&datanet) {
            contribution.paid_up_to = pool.per_item;
        }
        if !amount.is_zero() {
            self.take(Purse::Commons(datanet), amount);
            self.pay(contributor, amount);
        }
        amount
    }

    pub(crate) fn apply_pools(&mut self, caller: Address, value: Amount, op: &Op) -> Outcome {
        match op {
            Op::Back { datanet } => {
                need(!value.is_zero() && self.datanet_owners.contains_key(datanet))?;
                self.settle(*datanet, caller);
                self.charge(caller, value)?;
                self.put(Purse::Backing(*datanet), value);
                let backer = self.backers.entry((*datanet, caller)).or_default();
                backer.amount = plus(backer.amount, value);
                let pool = self.pools.entry(*datanet).or_default();
                pool.backing = plus(pool.backing, value);
                Ok(())
            }
            Op::Unback { datanet, amount } => self.unback(*datanet, caller, *amount),
            Op::WithdrawBacking { datanet } => {
                let now = self.now;
                let backer = self.backers.get_mut(&(*datanet, caller)).ok_or(Refused)?;
                let amount = backer.thawing;
                need(!amount.is_zero() && now >= backer.thaw_end)?;
                backer.thawing = Amount::ZERO;
                self.take(Purse::Backing(*datanet), amount);
                self.pay(caller, amount);
                Ok(())
            }
            Op::ClaimBacking { datanet } => {
                let before = (
                    self.pools.get(datanet).cloned(),
                    self.backers.get(&(*datanet, caller)).cloned(),
                );
                let (Some(pool), Some(backer)) = before else { return Err(Refused) };
                self.settle(*datanet, caller);
                let record = self.backers.entry((*datanet, caller)).or_default();
                let amount = std::mem::take(&mut record.earned);
                if amount.is_zero() {
                    self.pools.insert(*datanet, pool);
                    self.backers.insert((*datanet, caller), backer);
                    return Err(Refused);
                }
                let pool = self.pools.entry(*datanet).or_default();
                pool.credited = minus(pool.credited, amount);
                self.take(Purse::BackersPool(*datanet), amount);
                self.pay(caller, amount);
                Ok(())
            }
            Op::ClaimCommons { contribution } => {
                let found = self.contributions.get(contribution).ok_or(Refused)?;
                need(found.status == Status::Published)?;
                need(!self.commons_earned(*contribution).is_zero())?;
                self.pay_out_commons(*contribution);
                Ok(())
            }
            Op::Sweep { datanet } => {
                let closed = self.closed_datanets.contains(datanet);
                let pool = self.pools.get_mut(datanet).ok_or(Refused)?;
                need((pool.items > 0 || closed) && pool.undistributed > 0)?;
                let amount = Amount::from_wei(std::mem::take(&mut pool.undistributed));
                self.take(Purse::Commons(*datanet), amount);
                self.pay(self.rules.treasury, amount);
                Ok(())
            }
            Op::Donate { datanet } => {
                need(!value.is_zero() && self.datanet_owners.contains_key(datanet))?;
                self.charge(caller, value)?;
                self.pay_commons(*datanet, value);
                Ok(())
            }
            _ => Err(Refused),
        }
    }

    fn unback(&mut self, datanet: u64, caller: Address, amount: Amount) -> Outcome {
        let backing = self.backers.get(&(datanet, caller)).map_or(Amount::ZERO, |b| b.amount);
        need(!amount.is_zero() && backing >= amount)?;
        self.settle(datanet, caller);
        let thaw_end = self.now + self.rules.backing_thaw;
        let backer = self.backers.entry((datanet, caller)).or_default();
        backer.amount = minus(backer.amount, amount);
        backer.thawing = plus(backer.thawing, amount);
        backer.thaw_end = thaw_end;
        let held = self.purse(Purse::BackersPool(datanet));
        let pool = self.pools.entry(datanet).or_default();
        pool.backing = minus(pool.backing, amount);
        if pool.backing.is_zero() {
            pool.remainder = U256::ZERO;
            let leftover = minus(held, pool.credited);
            if !leftover.is_zero() {
                self.take(Purse::BackersPool(datanet), leftover);
                self.pay_commons(datanet, leftover);
            }
        }
        Ok(())
    }
}
