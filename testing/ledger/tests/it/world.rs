//! A chain without fees whose accounts are caller contracts, and the ledger beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_consensus::{SignableTransaction, TxEnvelope, TxLegacy};
use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use tributary_contracts::*;
use tributary_execution::{
    Allocation, BlockAttributes, BlockContext, BlockExecutor, BlockLimits, ChainSpec,
    ContractAlloc, EvmVersion, Genesis, HeaderContext, Parent, SequentialExecutor, StateView,
    burned, dev_accounts, dev_signer_key,
};
use tributary_ledger::{Ledger, Op, Purse, Rules};
use tributary_precompiles::money::{Bucket, Purpose};
use tributary_precompiles::{Params, bucket_content, held_slot};
use tributary_primitives::{Amount, Ppm};
use tributary_storage::Store;

use crate::encode::{Encoder, key};
use crate::program::{Program, runner_code};

/// Caller contracts in the world.
pub const ACTORS: usize = 10;
/// The one reviewer; a second one would make the draw a matter of chance.
pub const REVIEWER: usize = 0;
/// Datanets in the world.
pub const DATANETS_COUNT: u64 = 2;

/// Chain and ledger, in step.
pub struct World {
    pub ledger: Ledger,
    pub encoder: Encoder,
    pub actors: Vec<Address>,
    spec: Arc<ChainSpec>,
    store: Store,
    executor: SequentialExecutor,
    sender: PrivateKeySigner,
    nonce: u64,
    queue: Vec<TxEnvelope>,
    /// What the ledger did since the last comparison, for the message when they differ.
    pub recent: Vec<String>,
}

fn runner_key(index: usize) -> PrivateKeySigner {
    key(&format!("runner {index}"))
}

fn runner(index: usize) -> Address {
    runner_key(index).address()
}

fn genesis() -> Genesis {
    let mut genesis = Genesis::dev();
    genesis.base_fee = 0;
    // Gateways vanish often enough in the time that a run lasts.
    let mut params: Params = genesis.modules.clone().try_into().expect("module parameters");
    (params.channels.abandon_period, params.channels.wind_up_period) = (120, 15);
    genesis.modules = toml::Table::try_from(&params).expect("module parameters");
    for fork in &mut genesis.forks {
        fork.evm = EvmVersion::Prague;
        fork.gas_limit = 100_000_000_000;
        fork.min_base_fee = 0;
    }
    let launch = genesis.launch_bucket.clone();
    for index in 0..ACTORS {
        let (address, code) = (runner(index), runner_code());
        genesis.contracts.push(ContractAlloc {
            name: format!("runner{index}"),
            address,
            code,
            storage: BTreeMap::new(),
        });
        let amount = Amount::from_wei((500 + 100 * index as u128) * 10u128.pow(18));
        let bucket = genesis.buckets.iter_mut().find(|bucket| bucket.name == launch);
        bucket.expect("the launch bucket").allocations.push(Allocation { address, amount });
    }
    genesis
}

fn rules(params: &Params) -> Rules {
    let ppm = |millionths: u32| Ppm::try_from(millionths).expect("parameters are parts");
    let wei = Amount::from_wei;
    Rules {
        treasury: params.treasury,
        unbonding_period: params.staking.unbonding_period,
        thaw_period: params.staking.thaw_period,
        minimum: wei(params.staking.min_provider),
        victim_cut: ppm(params.staking.victim_cut_ppm),
        hold_back: params.channels.hold_back,
        close_grace: params.channels.close_grace,
        max_expiry: params.channels.max_expiry,
        min_epoch: params.channels.min_epoch,
        cover: ppm(params.tasks.cover_ppm),
        protocol: ppm(params.tasks.protocol_ppm),
        cancel: ppm(params.tasks.cancel_ppm),
        expire_penalty: ppm(params.tasks.expire_penalty_ppm),
        min_duration: params.tasks.min_duration,
        max_duration: params.tasks.max_duration,
        backing_thaw: params.royalties.backing_thaw,
        compute_burn: ppm(params.royalties.compute_burn_ppm),
        licence_burn: ppm(params.royalties.licence_burn_ppm),
        stake_per_item: wei(params.datanets.stake_per_item),
        min_stake: wei(params.datanets.min_stake),
        review_fee: wei(params.datanets.review_fee),
        accept_score: params.datanets.accept_score,
        assign_timeout: params.datanets.assign_timeout,
        commit_period: params.datanets.commit_period,
        reveal_period: params.datanets.reveal_period,
        challenge_window: params.datanets.challenge_window,
        no_reveal_slash: ppm(params.datanets.no_reveal_slash_ppm),
        winner_cut: ppm(params.datanets.winner_cut_ppm),
        challenge_slash: ppm(params.channels.challenge_slash_ppm),
        abandon_period: params.channels.abandon_period,
        wind_up_period: params.channels.wind_up_period,
    }
}

impl World {
    pub fn new() -> Self {
        let genesis = genesis();
        let params: Params = genesis.modules.clone().try_into().expect("module parameters");
        let spec = Arc::new(genesis.spec().expect("a valid genesis"));
        let store = Store::in_memory(&genesis.build().expect("a genesis block")).expect("a store");
        let key = dev_signer_key(0);
        let sender = PrivateKeySigner::from_bytes(&key).expect("a dev key");
        assert_eq!(sender.address(), dev_accounts()[0].address);
        let actors: Vec<Address> = (0..ACTORS).map(runner).collect();
        let mut world = Self {
            ledger: Ledger::new(rules(&params), BTreeMap::new()),
            encoder: Encoder::new(genesis.chain_id, (0..ACTORS).map(runner_key).collect()),
            actors,
            executor: SequentialExecutor::new(spec.clone()),
            spec,
            store,
            sender,
            nonce: 0,
            queue: Vec::new(),
            recent: Vec::new(),
        };
        world.settle_in(params.treasury);
        world
    }

    /// A model and the datanets that operations refer to, and the first balances.
    fn settle_in(&mut self, treasury: Address) {
        let mut program = Program::new(false);
        let spec = IModels::ModelSpec {
            kind: 1,
            name: "base".into(),
            digest: alloy_primitives::B256::repeat_byte(1),
            ..Default::default()
        };
        program.step(MODELS, 0, &IModels::registerModelCall { spec }.abi_encode());
        for number in 1..=DATANETS_COUNT {
            let spec = IDatanets::DatanetSpec {
                name: format!("net {number}"),
                autoPublish: true,
                ..Default::default()
            };
            program.step(DATANETS, 0, &IDatanets::createDatanetCall { spec }.abi_encode());
            self.ledger.datanet_owners.insert(number, self.actors[1]);
        }
        self.send(self.actors[1], program);
        self.mine(1);
        for account in self.actors.iter().copied().chain([treasury]) {
            let balance = chain_balance(&self.store.latest_state(), account);
            self.ledger.accounts.insert(account, balance);
        }
        self.sync();
    }

    /// The clock of the next block, `seconds` after the last one's.
    fn sync(&mut self) {
        let head = self.store.head();
        self.ledger.now = head.timestamp;
        self.ledger.block = head.number + 1;
    }

    /// Lets the next block come so much later. For the ledger that is now.
    pub fn later(&mut self, seconds: u64) {
        self.ledger.now += seconds;
    }

    /// Queues a transaction that starts a caller contract.
    pub fn send(&mut self, to: Address, program: Program) {
        let input = Bytes::from(program.into_bytes());
        let tx = TxLegacy {
            chain_id: Some(self.encoder.chain_id),
            nonce: self.nonce,
            gas_price: 0,
            gas_limit: 1_000_000_000,
            to: TxKind::Call(to),
            value: U256::ZERO,
            input,
        };
        let signature = self.sender.sign_hash_sync(&tx.signature_hash()).expect("signing works");
        self.queue.push(tx.into_signed(signature).into());
        self.nonce += 1;
    }

    /// One operation in a transaction of its own, on both sides; must succeed in the ledger.
    pub fn act(&mut self, actor: Address, value: Amount, op: &Op) {
        let (target, data) = self.encoder.call(&self.ledger, actor, op);
        let mut program = Program::new(false);
        program.step(target, value.wei(), &data);
        self.send(actor, program);
        assert!(self.apply(actor, value, op), "the drain could not {op:?} by {actor}");
    }

    fn mine(&mut self, seconds: u64) {
        let head = self.store.head();
        let timestamp_ms =
            (head.timestamp + seconds) * 1_000 + BlockContext::timestamp_ms(&head) % 1_000;
        let attributes = BlockAttributes {
            context: HeaderContext { timestamp_ms, ..Default::default() },
            beneficiary: Address::repeat_byte(0xbe),
            prev_randao: alloy_primitives::keccak256(head.number.to_be_bytes()),
            ..Default::default()
        };
        let parent = Parent { header: head, state: self.store.latest_state() };
        let spec = self.spec.clone();
        let mut txs = std::mem::take(&mut self.queue)
            .into_iter()
            .map(|tx| spec.recover(tx).expect("our own signature"));
        let limits = BlockLimits { max_txs: 1 << 20, max_bytes: 1 << 30 };
        let built = self.executor.build(&parent, &attributes, &mut txs, &limits).expect("a block");
        assert!(built.skipped.is_empty(), "{:?}", built.skipped);
        self.store.commit(&built.block, &built.receipts, &built.state).expect("a commit");
    }

    /// Makes the queued transactions a block at the ledger's time and compares the two.
    pub fn mine_and_compare(&mut self) {
        let seconds = self.ledger.now - self.store.head().timestamp;
        self.mine(seconds);
        assert_eq!(self.store.head().timestamp, self.ledger.now);
        let differences = self.differences();
        assert!(
            differences.is_empty(),
            "chain and ledger differ in {differences:#?} after {:#?}",
            self.recent
        );
        self.recent.clear();
        self.ledger.block = self.store.head().number + 1;
    }

    /// Applies an operation to the ledger and remembers it.
    pub fn apply(&mut self, caller: Address, value: Amount, op: &Op) -> bool {
        let outcome = self.ledger.apply(caller, value, op);
        self.recent.push(format!("{caller} {value} {op:?}: {outcome:?}"));
        outcome.is_ok()
    }

    fn differences(&self) -> Vec<String> {
        let state = self.store.latest_state();
        let mut found = Vec::new();
        let mut same = |what: String, chain: U256, ledger: U256| {
            if chain != ledger {
                found.push(format!("{what}: chain {chain}, ledger {ledger}"));
            }
        };
        for (account, expected) in &self.ledger.accounts {
            let balance = chain_balance(&state, *account).to_u256();
            same(format!("balance of {account}"), balance, expected.to_u256());
        }
        let burned = burned(&state).expect("a readable state");
        same("burned".into(), burned, self.ledger.burned.to_u256());
        let mut sums: BTreeMap<Address, u128> = BTreeMap::new();
        for (purse, expected) in &self.ledger.purses {
            let bucket = self.bucket(*purse);
            let mut read =
                |module, slot| state.storage(module, slot).map_err(|error| error.to_string());
            let content = bucket_content(&mut read, &bucket).expect("a readable state");
            same(format!("{purse:?}"), U256::from(content), expected.to_u256());
            *sums.entry(bucket.module()).or_default() += content;
        }
        for module in [STAKING, DATANETS, TASKS, CHANNELS, ROYALTIES] {
            let name = module_name(&module).unwrap_or_default();
            let slot = held_slot(module).expect("a module that holds coins");
            let held: u128 = state.storage(module, slot).expect("a readable state").to();
            let expected = sums.get(&module).copied().unwrap_or_default();
            same(format!("what {name} owes"), U256::from(held), U256::from(expected));
            let coins = chain_balance(&state, module).to_u256();
            same(format!("what {name} has"), coins, U256::from(held));
        }
        found
    }

    fn bucket(&self, purse: Purse) -> Bucket {
        let id = |number: u64| U256::from(number);
        let party = |owner: Address| U256::from_be_bytes(owner.into_word().0);
        let (purpose, id) = match purse {
            Purse::FreeStake(owner) => (Purpose::FreeStake, party(owner)),
            Purse::Unbonding(owner) => (Purpose::Unbonding, party(owner)),
            Purse::Provision(number) => (Purpose::Provision, id(number)),
            Purse::Balance(owner) => (Purpose::Balance, party(owner)),
            Purse::Reserved(number) => {
                (Purpose::Reserved, self.encoder.channel_id(&self.ledger, number).into())
            }
            Purse::Pot(owner) => (Purpose::Pot, party(owner)),
            Purse::Escrow(number) => (Purpose::Escrow, id(number)),
            Purse::Backing(number) => (Purpose::Backing, id(number)),
            Purse::BackersPool(number) => (Purpose::BackersPool, id(number)),
            Purse::Commons(number) => (Purpose::Commons, id(number)),
            Purse::ContributionStake(number) => (Purpose::ContributionStake, id(number)),
            Purse::ReviewFee(number) => (Purpose::ReviewFee, id(number)),
            Purse::Bond(number) => (Purpose::Bond, id(number)),
        };
        Bucket { purpose, id }
    }
}

fn chain_balance(state: &StateView, account: Address) -> Amount {
    let found = state.account(account).expect("a readable state").unwrap_or_default();
    Amount::try_from_u256(found.balance).expect("balances are parts of the supply")
}
