//! Proofs against a gateway, and the way out of one that vanished.

use tributary_primitives::{Address, Amount, Party, Role};

use crate::{Ledger, Op, Outcome, Purse, Refused, Root, need};

/// A gateway's word that it owes so much from an epoch on.
#[derive(Clone, Debug)]
pub struct Owed {
    pub gateway: Address,
    pub role: Role,
    pub party: Party,
    pub cumulative: Amount,
    pub epoch: u64,
    /// False when somebody else signed it.
    pub honest: bool,
}

impl Root {
    /// True when the leaves at these places show that a payee has less than `least` here.
    fn shows_less(&self, payee: (u8, Party), least: Amount, places: &[usize]) -> bool {
        let Some(shown) =
            places.iter().map(|place| self.leaves.get(*place)).collect::<Option<Vec<_>>>()
        else {
            return false;
        };
        let last = self.leaves.len() - 1;
        match (shown.as_slice(), places) {
            ([leaf], _) if leaf.payee() == payee => leaf.cumulative < least,
            ([leaf], [place]) => {
                let beyond = (*place == 0 && payee < leaf.payee())
                    || (*place == last && payee > leaf.payee());
                beyond && !least.is_zero()
            }
            ([left, right], [here, next]) => {
                let between = left.payee() < payee && payee < right.payee();
                here + 1 == *next && between && !least.is_zero()
            }
            _ => false,
        }
    }
}

impl Ledger {
    fn root_in_force(&self, gateway: Address, epoch: u64) -> Result<&Root, Refused> {
        let root = self.gateways.get(&gateway).and_then(|sums| sums.roots.get(&epoch));
        root.filter(|root| !root.rejected).ok_or(Refused)
    }

    pub(crate) fn apply_challenges(&mut self, caller: Address, op: &Op) -> Outcome {
        match op {
            Op::ChallengeRoot { gateway, earlier: (before, place), later: (epoch, places) } => {
                let later = self.root_in_force(*gateway, *epoch)?;
                need(self.now < later.claimable_at)?;
                let earlier = self.root_in_force(*gateway, *before)?;
                let leaf = earlier.leaves.get(*place).ok_or(Refused)?;
                let proven = if before < epoch {
                    later.shows_less(leaf.payee(), leaf.cumulative, places)
                } else {
                    // Twice in one root.
                    let other = |at: usize| later.leaves.get(at).map(|leaf| leaf.payee());
                    before == epoch
                        && places.len() == 1
                        && places[0] != *place
                        && other(places[0]) == Some(leaf.payee())
                };
                need(proven)?;
                self.reject(caller, *gateway, *epoch)
            }
            Op::ChallengeUnderpay { owed, posted: (epoch, places) } => {
                let root = self.root_in_force(owed.gateway, *epoch)?;
                need(self.now < root.claimable_at && owed.honest && owed.epoch <= *epoch)?;
                let payee = (owed.role as u8, owed.party);
                need(root.shows_less(payee, owed.cumulative, places))?;
                self.reject(caller, owed.gateway, *epoch)
            }
            Op::WindUp { gateway } => {
                let (now, rules) = (self.now, self.rules.clone());
                need(!self.purse(Purse::Pot(*gateway)).is_zero())?;
                let sums = self.gateways.get_mut(gateway).ok_or(Refused)?;
                need(sums.wind_up_end.is_none())?;
                need(now >= sums.owing_since + rules.abandon_period)?;
                sums.wind_up_end = Some(now + rules.wind_up_period);
                Ok(())
            }
            Op::ClaimAcknowledged { owed } => {
                let pot = self.purse(Purse::Pot(owed.gateway));
                let sums = self.gateways.get(&owed.gateway).ok_or(Refused)?;
                need(sums.wind_up_end.is_some() && owed.honest)?;
                let paid = sums.paid.get(&(owed.role as u8, owed.party));
                let paid = paid.copied().unwrap_or_default();
                let amount = owed.cumulative.saturating_sub(paid).min(pot);
                need(!amount.is_zero())?;
                self.pay_payee(owed.gateway, owed.role, owed.party, amount)
            }
            Op::SweepPot { gateway } => {
                let now = self.now;
                let sums = self.gateways.get_mut(gateway).ok_or(Refused)?;
                need(sums.wind_up_end.is_some_and(|end| now >= end))?;
                sums.wind_up_end = None;
                sums.owing_since = now;
                sums.rooted = sums.redeemed;
                let rest = self.purse(Purse::Pot(*gateway));
                if !rest.is_zero() {
                    self.take(Purse::Pot(*gateway), rest);
                    self.pay(self.rules.treasury, rest);
                }
                Ok(())
            }
            _ => Err(Refused),
        }
    }

    fn reject(&mut self, challenger: Address, gateway: Address, epoch: u64) -> Outcome {
        let sums = self.gateways.get_mut(&gateway).ok_or(Refused)?;
        if let Some(root) = sums.roots.get_mut(&epoch) {
            root.rejected = true;
        }
        if sums.epoch == epoch {
            let in_force = sums.roots.values().rev().find(|root| !root.rejected);
            sums.rooted = in_force.map_or(Amount::ZERO, Root::total);
        }
        if let Some(provision) = self.provision_of(gateway, 3) {
            let tokens = self.purse(Purse::Provision(provision));
            self.slash(provision, self.rules.challenge_slash.of(tokens), challenger);
        }
        Ok(())
    }

    /// True when a gateway's provision must stay.
    pub fn gateway_owes(&self, gateway: Address) -> bool {
        let Some(sums) = self.gateways.get(&gateway) else { return false };
        let unpromised = sums.redeemed > sums.rooted && !self.purse(Purse::Pot(gateway)).is_zero();
        unpromised || (sums.epoch != 0 && self.now < sums.posted_at + self.rules.hold_back)
    }
}
