//! The payment line.

use std::collections::BTreeMap;

use tributary_primitives::{Address, Amount, Party, Role};

use crate::{Ledger, Op, Outcome, Purse, Refused, Voucher, minus, need, plus};

/// A channel; what it reserves lies in its purse.
#[derive(Clone, Debug)]
pub struct Channel {
    pub payer: Address,
    pub gateway: Address,
    pub cap: Amount,
    pub redeemed: Amount,
    pub seq: u64,
    pub close_at: u64,
    pub closing: bool,
    pub closed: bool,
}

/// One payee's cumulative part.
#[derive(Clone, Debug)]
pub struct Leaf {
    pub role: Role,
    pub party: Party,
    pub cumulative: Amount,
}

/// A posted root.
#[derive(Clone, Debug)]
pub struct Root {
    pub leaves: Vec<Leaf>,
    pub claimable_at: u64,
    pub rejected: bool,
}

impl Root {
    pub(crate) fn total(&self) -> Amount {
        self.leaves.iter().map(|leaf| leaf.cumulative).sum()
    }
}

impl Leaf {
    pub(crate) fn payee(&self) -> (u8, Party) {
        (self.role as u8, self.party)
    }
}

/// What a gateway took in, promised and paid.
#[derive(Clone, Debug, Default)]
pub struct Gateway {
    pub redeemed: Amount,
    pub rooted: Amount,
    pub epoch: u64,
    pub posted_at: u64,
    pub owing_since: u64,
    pub wind_up_end: Option<u64>,
    pub roots: BTreeMap<u64, Root>,
    pub paid: BTreeMap<(u8, Party), Amount>,
}

impl Ledger {
    /// How many channels a payer ever opened.
    pub fn channels_of(&self, payer: Address) -> u64 {
        self.channels.values().filter(|channel| channel.payer == payer).count() as u64
    }

    fn open_channel(&mut self, number: u64, caller: Address) -> Result<&mut Channel, Refused> {
        let open = |c: &&mut Channel| c.payer == caller && !c.closing && !c.closed;
        self.channels.get_mut(&number).filter(open).ok_or(Refused)
    }

    fn from_balance(&mut self, payer: Address, number: u64, amount: Amount) -> Outcome {
        need(!amount.is_zero() && self.purse(Purse::Balance(payer)) >= amount)?;
        self.take(Purse::Balance(payer), amount);
        self.put(Purse::Reserved(number), amount);
        Ok(())
    }

    pub(crate) fn apply_channels(&mut self, caller: Address, value: Amount, op: &Op) -> Outcome {
        match op {
            Op::Deposit => self.deposit(caller, caller, value),
            Op::DepositFor { payer } => self.deposit(caller, *payer, value),
            Op::Withdraw { amount } => {
                need(!amount.is_zero() && self.purse(Purse::Balance(caller)) >= *amount)?;
                self.take(Purse::Balance(caller), *amount);
                self.pay(caller, *amount);
                Ok(())
            }
            Op::OpenChannel { gateway, cap, expiry } => {
                need(self.acts_as(*gateway, 3))?;
                need(*expiry > self.now && *expiry <= self.now + self.rules.max_expiry)?;
                let number = self.channels.len() as u64 + 1;
                self.from_balance(caller, number, *cap)?;
                let channel = Channel {
                    payer: caller,
                    gateway: *gateway,
                    cap: *cap,
                    redeemed: Amount::ZERO,
                    seq: 0,
                    close_at: expiry + self.rules.close_grace,
                    closing: false,
                    closed: false,
                };
                self.channels.insert(number, channel);
                Ok(())
            }
            Op::TopUp { channel, amount } => {
                self.open_channel(*channel, caller)?;
                self.from_balance(caller, *channel, *amount)?;
                let record = self.open_channel(*channel, caller)?;
                record.cap = plus(record.cap, *amount);
                Ok(())
            }
            Op::RequestClose { channel } => {
                let grace_end = self.now + self.rules.close_grace;
                let record = self.open_channel(*channel, caller)?;
                record.closing = true;
                record.close_at = record.close_at.min(grace_end);
                Ok(())
            }
            Op::CloseChannel { channel } => self.close_channel(*channel, caller),
            Op::Redeem(voucher) => self.redeem(voucher),
            Op::RedeemBatch { vouchers } => {
                // A bad one harms no other.
                for voucher in vouchers {
                    let _ = self.redeem(voucher);
                }
                Ok(())
            }
            Op::PostRoot { epoch, leaves } => self.post_root(caller, *epoch, leaves),
            Op::Claim { gateway, epoch, index } => self.claim(*gateway, *epoch, *index),
            Op::PokeChannels => {
                let due = |c: &Channel| !c.closed && self.now >= c.close_at;
                let mut found: Vec<(u64, u64)> = self
                    .channels
                    .iter()
                    .filter(|(_, c)| due(c))
                    .map(|(number, c)| (c.close_at, *number))
                    .collect();
                found.sort_unstable();
                let mut numbers = found.into_iter().take(64).map(|(_, number)| number);
                numbers.try_for_each(|number| self.close_channel(number, caller))
            }
            _ => Err(Refused),
        }
    }

    fn deposit(&mut self, from: Address, payer: Address, value: Amount) -> Outcome {
        need(!value.is_zero())?;
        self.charge(from, value)?;
        self.put(Purse::Balance(payer), value);
        Ok(())
    }

    fn close_channel(&mut self, number: u64, caller: Address) -> Outcome {
        let now = self.now;
        let channel = self.channels.get_mut(&number).filter(|c| !c.closed).ok_or(Refused)?;
        need(caller == channel.gateway || now >= channel.close_at)?;
        channel.closed = true;
        let payer = channel.payer;
        let rest = self.purse(Purse::Reserved(number));
        self.take(Purse::Reserved(number), rest);
        self.put(Purse::Balance(payer), rest);
        Ok(())
    }

    fn redeem(&mut self, voucher: &Voucher) -> Outcome {
        let (now, number) = (self.now, voucher.channel);
        let Voucher { seq, cumulative, honest, .. } = *voucher;
        let channel = self.channels.get_mut(&number).filter(|c| !c.closed).ok_or(Refused)?;
        need(now < channel.close_at && seq > channel.seq && honest)?;
        need(cumulative <= channel.cap && cumulative >= channel.redeemed)?;
        let delta = minus(cumulative, channel.redeemed);
        channel.seq = seq;
        channel.redeemed = cumulative;
        let gateway = channel.gateway;
        self.take(Purse::Reserved(number), delta);
        self.take_in(gateway, delta);
        Ok(())
    }

    pub(crate) fn take_in(&mut self, gateway: Address, amount: Amount) {
        self.put(Purse::Pot(gateway), amount);
        let now = self.now;
        let sums = self.gateways.entry(gateway).or_default();
        if sums.redeemed == sums.rooted && !amount.is_zero() {
            sums.owing_since = now;
        }
        sums.redeemed = plus(sums.redeemed, amount);
    }

    fn post_root(&mut self, caller: Address, epoch: u64, leaves: &[Leaf]) -> Outcome {
        need(self.acts_as(caller, 3) && !leaves.is_empty())?;
        let total: Amount = leaves.iter().map(|leaf| leaf.cumulative).sum();
        let (now, rules) = (self.now, self.rules.clone());
        let sums = self.gateways.entry(caller).or_default();
        need(epoch > sums.epoch)?;
        need(sums.epoch == 0 || now >= sums.posted_at + rules.min_epoch)?;
        need(total <= sums.redeemed && total >= sums.rooted)?;
        sums.epoch = epoch;
        sums.posted_at = now;
        sums.rooted = total;
        sums.owing_since = now;
        sums.wind_up_end = None;
        let claimable_at = now + rules.hold_back;
        let root = Root { leaves: leaves.to_vec(), claimable_at, rejected: false };
        sums.roots.insert(epoch, root);
        Ok(())
    }

    fn claim(&mut self, gateway: Address, epoch: u64, index: usize) -> Outcome {
        let pot = self.purse(Purse::Pot(gateway));
        let now = self.now;
        let sums = self.gateways.get_mut(&gateway).ok_or(Refused)?;
        let root = sums.roots.get(&epoch).filter(|root| now >= root.claimable_at);
        let root = root.filter(|root| !root.rejected);
        let leaf = root.and_then(|root| root.leaves.get(index)).cloned().ok_or(Refused)?;
        let paid = sums.paid.get(&leaf.payee()).copied().unwrap_or_default();
        let amount = leaf.cumulative.checked_sub(paid).ok_or(Refused)?;
        need(!amount.is_zero() && pot >= amount)?;
        self.pay_payee(gateway, leaf.role, leaf.party, amount)
    }

    /// Pays out of a gateway's pot to whomever a role and party mean.
    pub(crate) fn pay_payee(
        &mut self,
        gateway: Address,
        role: Role,
        party: Party,
        amount: Amount,
    ) -> Outcome {
        let sums = self.gateways.get_mut(&gateway).ok_or(Refused)?;
        let paid = sums.paid.entry((role as u8, party)).or_default();
        *paid = plus(*paid, amount);
        self.take(Purse::Pot(gateway), amount);
        let datanet = party.as_datanet().map_or(0, |id| id.0);
        match role {
            Role::Provider | Role::Lineage | Role::Data => {
                self.pay(party.as_account().ok_or(Refused)?, amount);
            }
            Role::Backers => self.pay_backers(datanet, amount),
            Role::Commons => self.pay_commons(datanet, amount),
            Role::ProtocolCompute => self.pay_protocol(self.rules.compute_burn.of(amount), amount),
            Role::ProtocolLicence => self.pay_protocol(self.rules.licence_burn.of(amount), amount),
        }
        Ok(())
    }

    fn pay_protocol(&mut self, burned: Amount, amount: Amount) {
        self.burn(burned);
        self.pay(self.rules.treasury, minus(amount, burned));
    }
}
