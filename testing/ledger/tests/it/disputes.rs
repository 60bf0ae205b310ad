//! Random proofs against gateways: some hold, some are a wei or a place beside it.

use rand::Rng;
use rand::seq::IteratorRandom;
use tributary_ledger::{Gateway, Ledger, Op, Owed, Root};
use tributary_primitives::{Address, Amount, Party, Role};

use crate::generate::Generator;

impl Generator {
    pub fn dispute_op(&mut self, ledger: &Ledger, actors: &[Address]) -> Op {
        let choice = self.rng.random_range(0..8);
        // Mostly where something is going on; anywhere now and then.
        let busy = |(_, sums): &(&Address, &Gateway)| match choice {
            0..5 => sums.roots.values().next_back().is_some_and(|r| ledger.now < r.claimable_at),
            5 => sums.wind_up_end.is_none(),
            _ => sums.wind_up_end.is_some(),
        };
        let busy = ledger.gateways.iter().filter(busy).choose(&mut self.rng);
        let any = ledger.gateways.iter().choose(&mut self.rng);
        let some = busy.filter(|_| self.rng.random_bool(0.9)).or(any);
        let Some((gateway, sums)) = some else { return Op::PokeChannels };
        match choice {
            0..3 => self.challenge_root(*gateway, sums),
            3..5 => {
                let owed = self.owed(*gateway, sums, actors);
                let newest = sums.roots.iter().next_back();
                let posted = newest.map_or((1, vec![0]), |(epoch, root)| {
                    (*epoch, self.places(root, (owed.role as u8, owed.party)))
                });
                Op::ChallengeUnderpay { owed, posted }
            }
            5 => Op::WindUp { gateway: *gateway },
            6 => Op::ClaimAcknowledged { owed: self.owed(*gateway, sums, actors) },
            _ => Op::SweepPot { gateway: *gateway },
        }
    }

    /// The newest root against one before it, or itself. Half of the time by a leaf that it pays
    /// less, where there is one.
    fn challenge_root(&mut self, gateway: Address, sums: &Gateway) -> Op {
        let newest: Vec<(&u64, &Root)> = sums.roots.iter().rev().take(4).collect();
        let Some((epoch, later)) = newest.first() else { return Op::PokeChannels };
        let Some((before, earlier)) = newest.iter().choose(&mut self.rng) else {
            return Op::PokeChannels;
        };
        let less = |place: &usize| {
            let leaf = &earlier.leaves[*place];
            let same = later.leaves.iter().find(|l| (l.role, l.party) == (leaf.role, leaf.party));
            same.is_none_or(|same| same.cumulative < leaf.cumulative)
        };
        let wronged = (0..earlier.leaves.len()).filter(less).choose(&mut self.rng);
        let any = self.rng.random_range(0..earlier.leaves.len());
        let place = wronged.filter(|_| self.rng.random_bool(0.5)).unwrap_or(any);
        let leaf = &earlier.leaves[place];
        let places = self.places(later, (leaf.role as u8, leaf.party));
        Op::ChallengeRoot { gateway, earlier: (**before, place), later: (**epoch, places) }
    }

    /// A payee's leaf or the neighbours of its absence; now and then another place.
    fn places(&mut self, root: &Root, payee: (u8, Party)) -> Vec<usize> {
        if self.rng.random_bool(0.2) {
            let count = self.rng.random_range(1..=2);
            return (0..count).map(|_| self.rng.random_range(0..root.leaves.len() + 1)).collect();
        }
        let key = |place: &usize| (root.leaves[*place].role as u8, root.leaves[*place].party);
        let all = 0..root.leaves.len();
        if let Some(own) = all.clone().find(|place| key(place) == payee) {
            return vec![own];
        }
        let behind = all.clone().find(|place| key(place) > payee).unwrap_or(all.end);
        let around = behind.saturating_sub(1)..=behind.min(all.end - 1);
        around.collect()
    }

    fn owed(&mut self, gateway: Address, sums: &Gateway, actors: &[Address]) -> Owed {
        let newest = sums.roots.values().next_back();
        let known = newest.and_then(|root| root.leaves.iter().choose(&mut self.rng));
        let (role, party, promised) = match known.filter(|_| self.rng.random_bool(0.8)) {
            Some(leaf) => (leaf.role, leaf.party, leaf.cumulative.wei()),
            None => {
                let at = self.rng.random_range(0..actors.len());
                (Role::Data, Party::account(actors[at]), 0)
            }
        };
        let more = [0, 1, 1_000_000_007, 10u128.pow(17)];
        let more = more[self.rng.random_range(0..more.len())];
        let epoch = sums.epoch + self.rng.random_range(0..3);
        Owed {
            gateway,
            role,
            party,
            cumulative: Amount::from_wei(promised + more),
            epoch: epoch.saturating_sub(1),
            honest: self.rng.random_bool(0.9),
        }
    }
}
