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
    pub challenger: Option<Address>,
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
                need(record.challenger.is_none())?;
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
            Op::Challenge { id } => self.challenge(caller, value, *id),
            Op::Tombstone { id } => {
                let datanet = self.contribution(*id)?.datanet;
                let owner = self.datanet_owners.get(&datanet).copied();
                let record = self.contribution(*id)?;
                need(owner == Some(caller) || record.contributor == caller)?;
                need(record.status == Status::Published)?;
                let items = record.items;
                self.pay_out_commons(*id);
                self.contribution(*id)?.status = Status::Ended;
                self.fresh_tombstones.push(datanet);
                self.pools.entry(datanet).or_default().items -= items;
                Ok(())
            }
            Op::CloseDatanet { id } => {
                need(self.datanet_owners.get(id) == Some(&caller))?;
                need(!self.closed_datanets.contains(id))?;
                self.closed_datanets.push(*id);
                Ok(())
            }
            Op::PublishSnapshot { datanet } => {
                need(self.datanet_owners.contains_key(datanet))?;
                need(self.freeze(*datanet)?)
            }
            Op::PokeContribution { id } => need(self.advance(*id)?),
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
            challenger: None,
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
                if block < record.closed_block + 2 {
                    return Ok(false);
                }
                let reviewers = self.provisions.iter().filter(|(_, p)| p.role == 2);
                let active = reviewers.filter(|(id, _)| self.is_active(**id)).map(|(_, p)| p.owner);
                let reviewer = active.into_iter().find(|owner| {
                    *owner != record.contributor && Some(*owner) != record.challenger
                });
                if let Some(reviewer) = reviewer {
                    let end = now + rules.commit_period;
                    let record = self.contribution(id)?;
                    record.reviewer = Some(reviewer);
                    record.status = Status::Committing;
                    record.phase_end = end;
                    self.timers.insert(id, end);
                } else if now >= record.phase_end {
                    self.give_up(id)?;
                } else {
                    self.timers.insert(id, record.phase_end);
                }
            }
            // The reviewer hid a score and never showed it, or never came.
            Status::Committing | Status::Revealing if now >= record.phase_end => {
                let provision = record.reviewer.and_then(|owner| self.provision_of(owner, 2));
                if let Some(provision) = provision {
                    let tokens = self.purse(Purse::Provision(provision));
                    self.slash(provision, rules.no_reveal_slash.of(tokens), record.contributor);
                }
                self.give_up(id)?;
            }
            Status::Accepted if now >= record.phase_end => self.publish_due(id, record.datanet)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Nobody reviewed: everything goes back, and a challenge was never made.
    fn give_up(&mut self, id: u64) -> Outcome {
        let Some(challenger) = self.contribution(id)?.challenger else {
            self.give_back(id);
            return Ok(());
        };
        let bond = self.purse(Purse::Bond(id));
        self.take(Purse::Bond(id), bond);
        self.pay(challenger, bond);
        self.accept(id, 0)
    }

    fn judge(&mut self, id: u64, score: u8) -> Outcome {
        let rules = self.rules.clone();
        let record = self.contribution(id)?.clone();
        let reviewer = record.reviewer.ok_or(Refused)?;
        let good = score >= rules.accept_score;
        let payer = match (record.challenger, good) {
            (None, _) => Purse::ReviewFee(id),
            (Some(_), true) => Purse::Bond(id),
            (Some(_), false) => Purse::ContributionStake(id),
        };
        let fee = rules.review_fee.min(self.purse(payer));
        self.take(payer, fee);
        self.pay(reviewer, fee);
        match (record.challenger, good) {
            (None, false) => self.give_back(id),
            (None, true) => self.accept(id, rules.challenge_window)?,
            (Some(_), true) => {
                self.forfeit(Purse::Bond(id), record.contributor);
                self.accept(id, 0)?;
            }
            (Some(challenger), false) => {
                self.forfeit(Purse::ContributionStake(id), challenger);
                let bond = self.purse(Purse::Bond(id));
                self.take(Purse::Bond(id), bond);
                self.pay(challenger, bond);
                self.give_back(id);
            }
        }
        Ok(())
    }

    /// What the loser has left: a part to the winner, the rest burned.
    fn forfeit(&mut self, from: Purse, winner: Address) {
        let rest = self.purse(from);
        let won = self.rules.winner_cut.of(rest);
        self.take(from, rest);
        self.pay(winner, won);
        self.burn(minus(rest, won));
    }

    /// Accepted, at the end of its datanet's queue.
    fn accept(&mut self, id: u64, window: u64) -> Outcome {
        let end = self.now + window;
        let turn = self.contributions.values().map(|c| c.turn).max().unwrap_or(0) + 1;
        let record = self.contribution(id)?;
        record.turn = turn;
        record.status = Status::Accepted;
        record.phase_end = end;
        self.timers.insert(id, end);
        Ok(())
    }

    fn challenge(&mut self, caller: Address, value: Amount, id: u64) -> Outcome {
        let (now, block, timeout) = (self.now, self.block, self.rules.assign_timeout);
        let bond = self.purse(Purse::ContributionStake(id));
        let record = self.contribution(id)?;
        need(record.status == Status::Accepted && record.challenger.is_none())?;
        need(now < record.phase_end && caller != record.contributor && value == bond)?;
        record.status = Status::Submitted;
        record.challenger = Some(caller);
        record.reviewer = None;
        record.committed = None;
        record.closed_block = block;
        record.phase_end = now + timeout;
        self.timers.insert(id, now);
        self.charge(caller, value)?;
        self.put(Purse::Bond(id), value);
        Ok(())
    }

    /// Of a datanet, what waits in the queue of the accepted, in order.
    fn queue(&self, datanet: u64) -> Vec<(u64, u64)> {
        let waits = |c: &Contribution| c.datanet == datanet && c.status == Status::Accepted;
        let waiting = self.contributions.iter().filter(|(_, c)| waits(c));
        let mut queue: Vec<(u64, u64)> = waiting.map(|(id, c)| (c.turn, *id)).collect();
        queue.sort_unstable();
        queue
    }

    /// At the timer of an accepted contribution: publishes, or waits for the head of the queue.
    fn publish_due(&mut self, id: u64, datanet: u64) -> Outcome {
        if self.freeze(datanet)? {
            return Ok(());
        }
        let head = self.queue(datanet).first().map(|(_, head)| *head);
        let head_end = head.and_then(|head| self.contributions.get(&head)).map(|c| c.phase_end);
        match head_end {
            Some(end) => self.timers.insert(id, end.max(self.now + 1)),
            None => self.timers.remove(&id),
        };
        Ok(())
    }

    /// Makes the next version, if anything is new.
    fn freeze(&mut self, datanet: u64) -> Result<bool, Refused> {
        let published = self.publish(datanet)?;
        let tombstones = self.fresh_tombstones.len();
        self.fresh_tombstones.retain(|marked| *marked != datanet);
        Ok(published || self.fresh_tombstones.len() < tombstones)
    }

    /// Publishes whatever of a datanet stands past its window at the head of the queue.
    fn publish(&mut self, datanet: u64) -> Result<bool, Refused> {
        let now = self.now;
        let ripe = |id: u64| self.contributions.get(&id).is_some_and(|c| now >= c.phase_end);
        let ids: Vec<u64> = self
            .queue(datanet)
            .into_iter()
            .map(|(_, id)| id)
            .take_while(|id| ripe(*id))
            .take(64)
            .collect();
        for id in &ids {
            let paid_up_to = self.pools.entry(datanet).or_default().per_item;
            let record = self.contribution(*id)?;
            record.status = Status::Published;
            record.paid_up_to = paid_up_to;
            let (items, contributor) = (record.items, record.contributor);
            let pool = self.pools.entry(datanet).or_default();
            pool.items += items;
            pool.spread();
            let stake = self.purse(Purse::ContributionStake(*id));
            self.take(Purse::ContributionStake(*id), stake);
            self.pay(contributor, stake);
            self.timers.remove(id);
        }
        Ok(!ids.is_empty())
    }
}
