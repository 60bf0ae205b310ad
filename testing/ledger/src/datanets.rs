//! Contributions from stake to snapshot, with one reviewer a contribution and phases that close
//! early.

use tributary_primitives::{Address, Amount};

use crate::{Ledger, Op, Outcome, Purse, Refused, minus, need};

/// How far a contribution has come. The last ones are all endings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Submitted,
    Committing,
    Revealing,
    Accepted,
    Published,
    Ended,
}

/// Rows with stake; the coins lie in their purses.
#[derive(Clone, Debug)]
pub struct Contribution {
    pub datanet: u64,
    pub contributor: Address,
    pub root: u64,
    pub items: u64,
    pub status: Status,
    pub phase_end: u64,
    pub closed_block: u64,
    pub reviewer: Option<Address>,
    pub committed: Option<u8>,
    /// While true, nobody else may bring the same rows: from submission on, and for good once
    /// published.
    pub holds_root: bool,
    /// Its turn among the accepted.
    pub turn: u64,
    /// The commons' pay per item up to which it has been paid.
    pub paid_up_to: u128,
}

impl Ledger {
    /// What contributing takes.
    pub fn contribution_cost(&self, items: u64) -> Amount {
        let stake = self.rules.stake_per_item.checked_mul(items.into());
        let stake = stake.expect("bounded items").max(self.rules.min_stake);
        crate::plus(stake, self.rules.review_fee)
    }

    fn contribution(&mut self, id: u64) -> Result<&mut Contribution, Refused> {
        self.contributions.get_mut(&id).ok_or(Refused)
    }

    /// Pays stake and fee back and ends it.
    fn give_back(&mut self, id: u64) {
        self.timers.remove(&id);
        let Some(record) = self.contributions.get_mut(&id) else { return };
        record.status = Status::Ended;
        record.holds_root = false;
        let contributor = record.contributor;
        for purse in [Purse::ContributionStake(id), Purse::ReviewFee(id)] {
            let rest = self.purse(purse);
            if !rest.is_zero() {
                self.take(purse, rest);
                self.pay(contributor, rest);
            }
        }
    }

    pub(crate) fn apply_datanets(&mut self, caller: Address, value: Amount, op: &Op) -> Outcome {
        let now = self.now;
        match op {
            Op::Contribute { datanet, root, items } => {
                self.contribute(caller, value, (*datanet, *root, *items))
            }
            Op::WithdrawContribution { id } => {
                let record = self.contribution(*id)?;
                need(record.contributor == caller && record.status == Status::Submitted)?;
                self.give_back(*id);
                Ok(())
            }
            Op::Commit { id, score } => {
                let reveal_end = now + self.rules.reveal_period;
                let record = self.contribution(*id)?;
                need(record.reviewer == Some(caller) && record.status == Status::Committing)?;
                need(now < record.phase_end)?;
                record.committed = Some(*score);
                record.status = Status::Revealing;
                record.phase_end = reveal_end;
                self.timers.insert(*id, reveal_end);
                Ok(())
            }
            Op::Reveal { id, score } => {
                let record = self.contribution(*id)?;
                need(record.reviewer == Some(caller) && record.status == Status::Revealing)?;
                need(now < record.phase_end && record.committed == Some(*score))?;
                self.judge(*id, *score)
            }
            Op::Tombstone { id } => {
                let datanet = self.contribution(*id)?.datanet;
                let owner = self.datanet_owners.get(&datanet).copied();
                let record = self.contribution(*id)?;
                need(owner == Some(caller) || record.contributor == caller)?;
                need(record.status == Status::Published)?;
                let items = record.items;
                self.pay_out_commons(*id);
                self.contribution(*id)?.status = Status::Ended;
                self.pools.entry(datanet).or_default().items -= items;
                Ok(())
            }
            Op::CloseDatanet { id } => {
                need(self.datanet_owners.get(id) == Some(&caller))?;
                need(!self.closed_datanets.contains(id))?;
                self.closed_datanets.push(*id);
                Ok(())
            }
            Op::PokeDatanets => {
                for _ in 0..32 {
                    let next = self.timers.iter().map(|(id, due)| (*due, *id)).min();
                    let Some((_, id)) = next.filter(|(due, _)| now >= *due) else { break };
                    if !self.advance(id)? {
                        break;
                    }
                }
                Ok(())
            }
            _ => Err(Refused),
        }
    }

    fn contribute(
        &mut self,
        caller: Address,
        value: Amount,
        (datanet, root, items): (u64, u64, u64),
    ) -> Outcome {
        need(self.datanet_owners.contains_key(&datanet))?;
        need(!self.closed_datanets.contains(&datanet))?;
        need((1..=10_000).contains(&items) && value == self.contribution_cost(items))?;
        let taken = |c: &Contribution| c.datanet == datanet && c.root == root && c.holds_root;
        need(!self.contributions.values().any(taken))?;
        let id = self.contributions.len() as u64 + 1;
        self.charge(caller, value)?;
        self.put(Purse::ReviewFee(id), self.rules.review_fee);
        self.put(Purse::ContributionStake(id), minus(value, self.rules.review_fee));
        let record = Contribution {
            datanet,
            contributor: caller,
            root,
            items,
            status: Status::Submitted,
            phase_end: self.now + self.rules.assign_timeout,
            closed_block: self.block,
            reviewer: None,
            committed: None,
            holds_root: true,
            turn: 0,
            paid_up_to: 0,
        };
        self.contributions.insert(id, record);
        self.timers.insert(id, self.now);
        Ok(())
    }

    /// Does what is due; `false` when it needs a later block.
    fn advance(&mut self, id: u64) -> Result<bool, Refused> {
        let (now, rules, block) = (self.now, self.rules.clone(), self.block);
        let record = self.contribution(id)?.clone();
        match record.status {
            Status::Submitted => {
                if block <= record.closed_block {
                    return Ok(false);
                }
                let reviewers = self.provisions.iter().filter(|(_, p)| p.role == 2);
                let active = reviewers.filter(|(id, _)| self.is_active(**id)).map(|(_, p)| p.owner);
                let reviewer = active.into_iter().find(|owner| *owner != record.contributor);
                if let Some(reviewer) = reviewer {
                    let end = now + rules.commit_period;
                    let record = self.contribution(id)?;
                    record.reviewer = Some(reviewer);
                    record.status = Status::Committing;
                    record.phase_end = end;
                    self.timers.insert(id, end);
                } else if now >= record.phase_end {
                    self.give_back(id);
                } else {
                    self.timers.insert(id, record.phase_end);
                }
            }
            // The reviewer hid a score and never showed it, or never came.
            Status::Committing | Status::Revealing => {
                let provision = record.reviewer.and_then(|owner| self.provision_of(owner, 2));
                if let Some(provision) = provision {
                    let tokens = self.purse(Purse::Provision(provision));
                    self.slash(provision, rules.no_reveal_slash.of(tokens), record.contributor);
                }
                self.give_back(id);
            }
            Status::Accepted => self.publish(record.datanet)?,
            Status::Published | Status::Ended => return Ok(false),
        }
        Ok(true)
    }

    fn judge(&mut self, id: u64, score: u8) -> Outcome {
        let rules = self.rules.clone();
        let record = self.contribution(id)?.clone();
        self.take(Purse::ReviewFee(id), rules.review_fee);
        self.pay(record.reviewer.ok_or(Refused)?, rules.review_fee);
        if score < rules.accept_score {
            self.give_back(id);
            return Ok(());
        }
        let end = self.now + rules.challenge_window;
        let turn = self.contributions.values().map(|c| c.turn).max().unwrap_or(0) + 1;
        let record = self.contribution(id)?;
        record.turn = turn;
        record.status = Status::Accepted;
        record.phase_end = end;
        self.timers.insert(id, end);
        Ok(())
    }

    /// Publishes whatever of a datanet is past its window.
    fn publish(&mut self, datanet: u64) -> Outcome {
        let now = self.now;
        let ripe = |c: &Contribution| {
            c.datanet == datanet && c.status == Status::Accepted && now >= c.phase_end
        };
        // In the order of acceptance: each shares what waits with those before it.
        let mut ids: Vec<(u64, u64)> = self
            .contributions
            .iter()
            .filter(|(_, c)| ripe(c))
            .map(|(id, c)| (c.turn, *id))
            .collect();
        ids.sort_unstable();
        for (_, id) in ids {
            let paid_up_to = self.pools.entry(datanet).or_default().per_item;
            let record = self.contribution(id)?;
            record.status = Status::Published;
            record.paid_up_to = paid_up_to;
            let (items, contributor) = (record.items, record.contributor);
            let pool = self.pools.entry(datanet).or_default();
            pool.items += items;
            pool.spread();
            let stake = self.purse(Purse::ContributionStake(id));
            self.take(Purse::ContributionStake(id), stake);
            self.pay(contributor, stake);
            self.timers.remove(&id);
        }
        Ok(())
    }
}
