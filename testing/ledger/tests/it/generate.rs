//! Random programs: nested callers that do random operations and revert at random.

use std::collections::BTreeMap;

use rand::Rng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand_chacha::ChaCha12Rng;
use tributary_ledger::{Leaf, Ledger, Op, Purse, Status, TaskState, Voucher};
use tributary_primitives::{Address, Amount, DatanetId, Party, Role};

use crate::program::Program;
use crate::world::{ACTORS, DATANETS_COUNT, REVIEWER, World};

/// Frames inside frames at most.
const DEPTH: usize = 8;

/// Draws programs and counts their operations.
pub struct Generator {
    pub rng: ChaCha12Rng,
    pub operations: usize,
    pub done: usize,
    pub deepest: usize,
    /// By operation: how many were tried and how many took effect.
    pub kinds: BTreeMap<String, (usize, usize)>,
    roots: u64,
    nonces: u64,
}

impl Generator {
    pub fn new(rng: ChaCha12Rng) -> Self {
        Self {
            rng,
            operations: 0,
            done: 0,
            deepest: 0,
            kinds: BTreeMap::new(),
            roots: 0,
            nonces: 0,
        }
    }

    /// One transaction's program, with what it does applied to the ledger.
    pub fn transaction(&mut self, world: &mut World) {
        let actor = self.rng.random_range(0..ACTORS);
        let reverts = self.rng.random_bool(0.1);
        let program = self.frame(world, actor, (reverts, !reverts), 1);
        world.send(world.actors[actor], program);
    }

    /// A frame by an actor. `live` says whether its effects will last.
    fn frame(
        &mut self,
        world: &mut World,
        actor: usize,
        (reverts, live): (bool, bool),
        depth: usize,
    ) -> Program {
        self.deepest = self.deepest.max(depth);
        let mut program = Program::new(reverts);
        for _ in 0..self.rng.random_range(1..=4) {
            if depth < DEPTH && self.rng.random_bool(0.3) {
                self.nested(world, actor, live, depth, &mut program);
            } else {
                self.operation(world, actor, live, &mut program);
            }
        }
        program
    }

    fn nested(
        &mut self,
        world: &mut World,
        actor: usize,
        live: bool,
        depth: usize,
        program: &mut Program,
    ) {
        let callee = self.rng.random_range(0..ACTORS);
        let (from, to) = (world.actors[actor], world.actors[callee]);
        let value = if self.rng.random_bool(0.2) { self.amount() } else { Amount::ZERO };
        let reverts = self.rng.random_bool(0.25);
        let lasts = live && !reverts && world.ledger.account(from) >= value;
        if lasts {
            world.ledger.transfer(from, to, value).expect("the balance was checked");
            world.recent.push(format!("{from} passes {value} to {to}"));
        }
        let inner = self.frame(world, callee, (reverts, lasts), depth + 1);
        program.step(to, value.wei(), &inner.into_bytes());
    }

    fn operation(&mut self, world: &mut World, actor: usize, live: bool, program: &mut Program) {
        let caller = world.actors[actor];
        let (op, value) = self.draw(&world.ledger, &world.actors, actor);
        let (target, data) = world.encoder.call(&world.ledger, caller, &op);
        program.step(target, value.wei(), &data);
        self.operations += 1;
        let mut name = format!("{op:?}").split([' ', '(']).next().unwrap_or_default().to_owned();
        if let Op::CompleteTask { id, .. } = &op
            && world.ledger.tasks.get(id).is_some_and(|task| task.gateway.is_some())
        {
            name += " for a gateway";
        }
        let kind = self.kinds.entry(name).or_default();
        kind.0 += 1;
        if live && world.apply(caller, value, &op) {
            self.done += 1;
            kind.1 += 1;
        }
    }

    /// Coins: mostly a few, sometimes a wei or far too many.
    fn amount(&mut self) -> Amount {
        let wei = match self.rng.random_range(0..10) {
            0 => self.rng.random_range(0..5),
            1 => self.rng.random_range(0..10u128.pow(21)),
            _ => self.rng.random_range(0..3 * 10u128.pow(18)),
        };
        Amount::from_wei(wei)
    }

    fn draw(&mut self, ledger: &Ledger, actors: &[Address], actor: usize) -> (Op, Amount) {
        let none = Amount::ZERO;
        match self.rng.random_range(0..100) {
            0..8 => (self.coin_op(actors), none),
            8..30 => self.staking_op(ledger, actors, actor),
            30..52 => self.channel_op(ledger, actors, actor),
            52..55 => (self.dispute_op(ledger, actors), none),
            55..70 => self.task_op(ledger, actors, actor),
            70..82 => self.pool_op(ledger),
            _ => self.datanet_op(ledger, actors, actor),
        }
    }

    fn coin_op(&mut self, actors: &[Address]) -> Op {
        let (to, amount) = (self.party(actors), self.amount());
        match self.rng.random_range(0..4) {
            0 => Op::Transfer { to, amount },
            1 => Op::Approve { spender: to, amount },
            2 => {
                // One already used, now and then.
                self.nonces += u64::from(self.rng.random_bool(0.9));
                let (from, honest) = (self.party(actors), self.rng.random_bool(0.9));
                Op::Authorized { from, to, amount, nonce: self.nonces, honest }
            }
            _ => Op::TransferFrom { from: self.party(actors), to, amount },
        }
    }

    fn party(&mut self, actors: &[Address]) -> Address {
        *actors.choose(&mut self.rng).expect("there are actors")
    }

    fn staking_op(&mut self, ledger: &Ledger, actors: &[Address], actor: usize) -> (Op, Amount) {
        let amount = self.amount();
        let none = Amount::ZERO;
        let own = ledger.provisions.iter().filter(|(_, p)| p.owner == actors[actor]);
        let id = own.map(|(id, _)| *id).choose(&mut self.rng).unwrap_or(1);
        match self.rng.random_range(0..8) {
            0 | 1 => (Op::Stake, amount),
            2 => (Op::Unstake { amount }, none),
            3 => (Op::WithdrawUnbonded, none),
            4 => {
                let roles: &[u8] = if actor == REVIEWER { &[1, 2, 3] } else { &[1, 3] };
                let role = *roles.choose(&mut self.rng).expect("roles");
                (Op::Provision { role, amount }, none)
            }
            5 => (Op::AddToProvision { id, amount }, none),
            6 => (Op::Thaw { id, amount }, none),
            _ => (Op::Deprovision { id }, none),
        }
    }

    fn channel_op(&mut self, ledger: &Ledger, actors: &[Address], actor: usize) -> (Op, Amount) {
        let (amount, none) = (self.amount(), Amount::ZERO);
        let open = ledger.channels.iter().filter(|(_, c)| !c.closed);
        let channel = open.map(|(number, _)| *number).choose(&mut self.rng).unwrap_or(1);
        match self.rng.random_range(0..16) {
            0 | 1 => (Op::Deposit, amount),
            2 => (Op::DepositFor { payer: self.party(actors) }, amount),
            3 => (Op::Withdraw { amount }, none),
            4 | 5 => {
                let expiry = ledger.now + self.rng.random_range(0..400);
                (Op::OpenChannel { gateway: self.party(actors), cap: amount, expiry }, none)
            }
            6 => (Op::TopUp { channel, amount }, none),
            7 if self.rng.random_bool(0.5) => (Op::RequestClose { channel }, none),
            7 => (Op::CloseChannel { channel }, none),
            8..11 => (Op::Redeem(self.voucher(ledger, channel)), none),
            11 => {
                let open = ledger.channels.iter().filter(|(_, c)| !c.closed);
                let picked = open.map(|(number, _)| *number).choose_multiple(&mut self.rng, 3);
                let vouchers = picked.into_iter().map(|c| self.voucher(ledger, c)).collect();
                (Op::RedeemBatch { vouchers }, none)
            }
            12 => (self.root(ledger, actors, actors[actor]), none),
            13 | 14 => (self.claim(ledger), none),
            _ => (Op::PokeChannels, none),
        }
    }

    fn voucher(&mut self, ledger: &Ledger, channel: u64) -> Voucher {
        let (redeemed, cap, seq) = ledger
            .channels
            .get(&channel)
            .map_or((0, 1, 0), |c| (c.redeemed.wei(), c.cap.wei(), c.seq));
        let cumulative = match self.rng.random_range(0..8) {
            0 => cap + 1,
            1 => redeemed / 2,
            _ => self.rng.random_range(redeemed..=cap),
        };
        let seq = seq + self.rng.random_range(0..3);
        let honest = self.rng.random_bool(0.95);
        Voucher { channel, seq, cumulative: Amount::from_wei(cumulative), honest }
    }

    /// The last root's leaves with what came in since spread over some of them.
    pub fn root(&mut self, ledger: &Ledger, actors: &[Address], gateway: Address) -> Op {
        let sums = ledger.gateways.get(&gateway).cloned().unwrap_or_default();
        let in_force = sums.roots.values().rev().find(|root| !root.rejected);
        let mut leaves = in_force.map(|root| root.leaves.clone()).unwrap_or_default();
        let mut rest = sums.redeemed.saturating_sub(sums.rooted).wei();
        for last in [false, false, true] {
            let part = if last { rest } else { self.rng.random_range(0..=rest) };
            rest -= part;
            let (role, party) = self.payee(actors);
            match leaves.iter_mut().find(|leaf| leaf.role == role && leaf.party == party) {
                Some(leaf) => leaf.cumulative = Amount::from_wei(leaf.cumulative.wei() + part),
                None => leaves.push(Leaf { role, party, cumulative: Amount::from_wei(part) }),
            }
        }
        if self.rng.random_bool(0.2) && leaves.len() > 1 {
            self.cheat(&mut leaves);
        }
        leaves.sort_by_key(|leaf| (leaf.role as u8, leaf.party));
        if self.rng.random_bool(0.05) {
            let extra = Amount::from_wei(leaves[0].cumulative.wei() + 1);
            leaves[0].cumulative = extra;
        }
        Op::PostRoot { epoch: sums.epoch + self.rng.random_range(1..3), leaves }
    }

    /// Takes from one payee and gives to another, or names one twice.
    fn cheat(&mut self, leaves: &mut Vec<Leaf>) {
        let (one, other) =
            (self.rng.random_range(0..leaves.len()), self.rng.random_range(0..leaves.len()));
        let wei = leaves[one].cumulative.wei();
        let taken = if self.rng.random_bool(0.5) { wei } else { self.rng.random_range(0..=wei) };
        leaves[one].cumulative = Amount::from_wei(wei - taken);
        let given = Amount::from_wei(leaves[other].cumulative.wei() + taken);
        if self.rng.random_bool(0.2) {
            leaves.push(Leaf { cumulative: Amount::from_wei(taken), ..leaves[other].clone() });
        } else {
            leaves[other].cumulative = given;
        }
        if leaves.len() > 2 && leaves[one].cumulative.is_zero() {
            leaves.remove(one);
        }
    }

    fn payee(&mut self, actors: &[Address]) -> (Role, Party) {
        let role = *Role::ALL.choose(&mut self.rng).expect("roles");
        let party = match role {
            Role::Provider | Role::Lineage | Role::Data => Party::account(self.party(actors)),
            Role::Backers | Role::Commons => {
                Party::datanet(DatanetId(self.rng.random_range(1..=DATANETS_COUNT)))
            }
            Role::ProtocolCompute | Role::ProtocolLicence => Party::NONE,
        };
        (role, party)
    }

    fn claim(&mut self, ledger: &Ledger) -> Op {
        let Some((gateway, sums)) =
            ledger.gateways.iter().filter(|(_, g)| g.epoch > 0).choose(&mut self.rng)
        else {
            return Op::PokeChannels;
        };
        let recent = sums.roots.iter().rev().take(3).choose(&mut self.rng);
        let Some((epoch, root)) = recent else { return Op::PokeChannels };
        let index = self.rng.random_range(0..root.leaves.len());
        Op::Claim { gateway: *gateway, epoch: *epoch, index }
    }

    fn task_op(&mut self, ledger: &Ledger, actors: &[Address], actor: usize) -> (Op, Amount) {
        let (amount, none) = (self.amount(), Amount::ZERO);
        let me = actors[actor];
        let mine = ledger.tasks.iter().filter(|(_, task)| {
            task.requester == me || matches!(task.state, TaskState::Accepted(by, ..) if by == me)
        });
        let mine = mine.map(|(id, _)| *id).choose(&mut self.rng);
        let any = ledger.tasks.keys().copied().choose(&mut self.rng).unwrap_or(1);
        let id = mine.filter(|_| self.rng.random_bool(0.7)).unwrap_or(any);
        match self.rng.random_range(0..9) {
            0 | 1 => {
                let deadline = ledger.now + self.rng.random_range(0..120);
                let provider = self.rng.random_bool(0.3).then(|| self.party(actors));
                let gateway = self.rng.random_bool(0.6).then(|| self.party(actors));
                let name = self.rng.random();
                (Op::SubmitTask { deadline, provider, gateway, name }, amount)
            }
            2 | 3 => (Op::AcceptTask { id: any }, none),
            4 => (Op::ReleaseTask { id }, none),
            5 => {
                let most = ledger.tasks.get(&id).map_or(5, |task| task.max_fee.wei());
                let fee = Amount::from_wei(self.rng.random_range(0..=most + most / 10));
                (Op::CompleteTask { id, fee }, none)
            }
            6 => (Op::CancelTask { id }, none),
            7 => (Op::ExpireTask { id: any }, none),
            _ => (Op::PokeTasks, none),
        }
    }

    fn pool_op(&mut self, ledger: &Ledger) -> (Op, Amount) {
        let (amount, none) = (self.amount(), Amount::ZERO);
        // One id too many, now and then.
        let datanet = self
            .rng
            .random_range(1..=DATANETS_COUNT + 1)
            .min(DATANETS_COUNT + u64::from(self.rng.random_bool(0.2)));
        match self.rng.random_range(0..8) {
            0 | 1 => (Op::Back { datanet }, amount),
            2 => (Op::Unback { datanet, amount }, none),
            3 => (Op::WithdrawBacking { datanet }, none),
            4 => (Op::ClaimBacking { datanet }, none),
            5 => {
                let published =
                    ledger.contributions.iter().filter(|(_, c)| c.status == Status::Published);
                let contribution = published.map(|(id, _)| *id).choose(&mut self.rng).unwrap_or(1);
                (Op::ClaimCommons { contribution }, none)
            }
            6 => (Op::Sweep { datanet }, none),
            _ => (Op::Donate { datanet }, amount),
        }
    }

    fn datanet_op(&mut self, ledger: &Ledger, actors: &[Address], actor: usize) -> (Op, Amount) {
        let none = Amount::ZERO;
        let with = |status: Status| {
            ledger.contributions.iter().filter(move |(_, c)| c.status == status).map(|(id, _)| *id)
        };
        let score = if self.rng.random_bool(0.8) { 90 } else { 10 };
        match self.rng.random_range(0..16) {
            0..3 => {
                self.roots += 1;
                let root = if self.rng.random_bool(0.9) {
                    self.roots
                } else {
                    self.rng.random_range(1..=self.roots)
                };
                let (datanet, items) =
                    (self.rng.random_range(1..=DATANETS_COUNT), self.rng.random_range(1..60));
                let wrong = Amount::from_wei(u128::from(self.rng.random_bool(0.1)));
                let value = ledger.contribution_cost(items).saturating_add(wrong);
                (Op::Contribute { datanet, root, items }, value)
            }
            3 => {
                let id = with(Status::Submitted).choose(&mut self.rng).unwrap_or(1);
                (Op::WithdrawContribution { id }, none)
            }
            4 | 5 => {
                let id = with(Status::Committing).choose(&mut self.rng).unwrap_or(1);
                (Op::Commit { id, score }, none)
            }
            6 | 7 => {
                let id = with(Status::Revealing).choose(&mut self.rng).unwrap_or(1);
                let known = ledger.contributions.get(&id).and_then(|c| c.committed);
                let score = known.filter(|_| self.rng.random_bool(0.9)).unwrap_or(score);
                (Op::Reveal { id, score }, none)
            }
            8 => {
                let id = with(Status::Accepted).choose(&mut self.rng).unwrap_or(1);
                (Op::Challenge { id }, ledger.purse(Purse::ContributionStake(id)))
            }
            9 => {
                let datanet = self.rng.random_range(1..=DATANETS_COUNT);
                (Op::PublishSnapshot { datanet }, none)
            }
            10 => {
                let id = self.rng.random_range(1..=ledger.contributions.len() as u64 + 1);
                (Op::PokeContribution { id }, none)
            }
            11 if actor < 3 => {
                let id = with(Status::Published).choose(&mut self.rng).unwrap_or(1);
                (Op::Tombstone { id }, none)
            }
            _ => {
                let _ = actors;
                (Op::PokeDatanets, none)
            }
        }
    }
}
