//! The modules' flows in real blocks with the main network's parameters, by moving time.

use super::*;
use alloy_sol_types::{SolCall, SolError};
use tributary_contracts::{
    CHANNELS, ContributionStatus, DATANETS, IChannels, IDatanets, IModels, IStaking, ITasks,
    MODELS, STAKING, TASKS, TaskState, voucher_digest,
};
use tributary_precompiles::Params;
use tributary_primitives::{Party, Role};
use tributary_proofs::{SumLeaf, SumTree};

const COIN: u128 = OPEN.wei();
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// A chain with the main network's parameters whose clock is moved by hand.
struct Main {
    chain: Chain,
    /// Seconds to the next block.
    pause: u64,
}

impl Main {
    fn new() -> Self {
        let mut genesis = Genesis::dev();
        let treasury = genesis.buckets.iter().find(|bucket| bucket.name == "treasury").unwrap();
        let params = Params { treasury: treasury.address, ..Params::mainnet() };
        genesis.modules = toml::Table::try_from(&params).unwrap();
        Self { chain: Chain::with(genesis), pause: 1 }
    }

    fn wait(&mut self, seconds: u64) {
        self.pause += seconds;
    }

    fn mine(&mut self, txs: &[TxEnvelope]) -> BuiltBlock {
        let mut attributes = self.chain.attributes();
        attributes.context.timestamp_ms += (self.pause - 1) * 1_000;
        self.pause = 1;
        let head = self.chain.store.head();
        attributes.prev_randao = alloy_primitives::keccak256(head.number.to_be_bytes());
        let built = self.chain.mine_with(&attributes, txs);
        assert!(built.skipped.is_empty(), "{:?}", built.skipped);
        let books = check_books(&self.chain.store.latest_state()).unwrap();
        assert_eq!(books, Vec::<String>::new());
        built
    }

    fn now(&self) -> u64 {
        self.chain.store.head().timestamp
    }

    /// A call in a block of its own; whether it succeeded.
    fn send(&mut self, by: usize, to: Address, value: u128, call: &impl SolCall) -> bool {
        let call = Call::to(to).value(U256::from(value)).input(call.abi_encode()).gas(5_000_000);
        let tx = call.sign(by, self.chain.nonce(user(by).address));
        self.mine(&[tx]).receipts[0].envelope.status()
    }

    fn ok(&mut self, by: usize, to: Address, value: u128, call: &impl SolCall) {
        assert!(self.send(by, to, value, call), "{} is refused", std::any::type_name_of_val(call));
    }

    /// The call reverts with this error in the pending block.
    fn refused<E: SolError>(&self, by: usize, to: Address, call: &impl SolCall) {
        let (succeeded, output) = self.ask(by, to, call);
        assert!(!succeeded && output.starts_with(&E::SELECTOR), "not {}: {output}", E::SIGNATURE);
    }

    fn view<C: SolCall>(&self, to: Address, call: C) -> C::Return {
        let (succeeded, output) = self.ask(0, to, &call);
        assert!(succeeded, "{output}");
        C::abi_decode_returns(&output).unwrap()
    }

    fn ask(&self, by: usize, to: Address, call: &impl SolCall) -> (bool, Bytes) {
        let request = alloy_rpc_types_eth::TransactionRequest::default()
            .from(user(by).address)
            .to(to)
            .input(Bytes::from(call.abi_encode()).into());
        let head = self.chain.store.head();
        let pending = BlockContext::pending(&self.chain.spec, &head, head.timestamp + self.pause);
        let state = self.chain.store.latest_state();
        let overrides = SimulationOverrides::default();
        let outcome = self.chain.simulator.call(&state, &pending, &request, &overrides).unwrap();
        (outcome.status == CallStatus::Success, outcome.output)
    }

    fn provision(&mut self, by: usize, role: u8, tokens: u128) {
        self.ok(by, STAKING, tokens, &IStaking::stakeCall {});
        self.ok(by, STAKING, 0, &IStaking::provisionCall { role, amount: tokens });
    }

    fn coins(&self, index: usize) -> u128 {
        self.chain.balance(user(index).address).to()
    }
}

/// 0 owns the datanet, 1 to 5 review, 6 contributes, 7 pokes.
#[test]
fn rows_go_from_contribution_to_snapshot_in_the_main_networks_periods() {
    let mut main = Main::new();
    for reviewer in 1..=5 {
        main.provision(reviewer, 2, 100 * COIN);
    }
    let spec = IDatanets::DatanetSpec { name: "tea".into(), ..Default::default() };
    main.ok(0, DATANETS, 0, &IDatanets::createDatanetCall { spec });
    let call = IDatanets::contributeCall {
        datanetId: 1,
        itemsRoot: B256::repeat_byte(1),
        itemCount: 20,
        dataCommit: B256::repeat_byte(2),
        uri: String::new(),
    };
    let (stake, fee) = (20 * COIN, 5 * COIN / 500);
    main.ok(6, DATANETS, stake + fee, &call);
    let poke = IDatanets::pokeCall { max: 32 };
    let status = |main: &Main| {
        main.view(DATANETS, IDatanets::getContributionCall { contributionId: 1 }).status
    };
    main.ok(7, DATANETS, 0, &poke);
    assert_eq!(status(&main), ContributionStatus::Submitted.code(), "the beacon is too young");
    main.wait(1);
    main.ok(7, DATANETS, 0, &poke);
    assert_eq!(status(&main), ContributionStatus::Committing.code());
    let salt = B256::repeat_byte(3);
    for reviewer in 1..=5 {
        let call = IDatanets::reviewCommitmentCall {
            score: 80,
            salt,
            reviewer: user(reviewer).address,
            contributionId: 1,
            round: 0,
        };
        let commitment = main.view(DATANETS, call);
        let call = IDatanets::commitReviewCall { contributionId: 1, commitment };
        main.ok(reviewer, DATANETS, 0, &call);
    }
    let reveal = IDatanets::revealReviewCall { contributionId: 1, score: 80, salt };
    // The phase lasts its whole day, though all have acted.
    main.refused::<IDatanets::WrongContributionStatus>(1, DATANETS, &reveal);
    main.wait(DAY);
    main.ok(7, DATANETS, 0, &poke);
    for reviewer in 1..=4 {
        main.ok(reviewer, DATANETS, 0, &reveal);
    }
    assert_eq!(status(&main), ContributionStatus::Revealing.code());
    main.wait(12 * HOUR);
    main.ok(7, DATANETS, 0, &poke);
    assert_eq!(status(&main), ContributionStatus::Accepted.code());
    let absent = main.view(STAKING, IStaking::provisionOfCall { owner: user(5).address, role: 2 });
    assert_eq!(absent.tokens, 95 * COIN, "who does not reveal loses 5 %");
    let publish = IDatanets::publishSnapshotCall { datanetId: 1 };
    main.wait(7 * DAY - 10);
    main.refused::<IDatanets::NothingToPublish>(7, DATANETS, &publish);
    main.wait(10);
    let before = main.coins(6);
    main.ok(7, DATANETS, 0, &publish);
    assert_eq!(main.coins(6) - before, stake, "the stake is back");
    let snapshot = main.view(DATANETS, IDatanets::snapshotCall { datanetId: 1, version: 1 });
    assert_eq!((snapshot.contributionCount, snapshot.itemCount), (1, 20));
}

/// 0 is the gateway, 1 the payer (whose key signs vouchers), 2 a contributor, 3 anyone.
#[test]
fn a_voucher_becomes_a_claim_in_the_main_networks_periods() {
    let mut main = Main::new();
    main.provision(0, 3, 1_000 * COIN);
    let gateway = user(0).address;
    main.ok(1, CHANNELS, 10 * COIN, &IChannels::depositCall {});
    let (signer, cap) = (user(1).address, 10 * COIN);
    let id = main.view(CHANNELS, IChannels::nextChannelIdCall { payer: signer, gateway, signer });
    let expiry = main.now() + 30 * DAY;
    main.ok(1, CHANNELS, 0, &IChannels::openChannelCall { gateway, signer, cap, expiry });
    let voucher = IChannels::Voucher {
        channelId: id,
        seq: 1,
        cumulative: 4 * COIN,
        usageRoot: B256::ZERO,
        deadline: u64::MAX,
    };
    let signed = signature(voucher_digest(&voucher, 7310), 1).as_bytes().to_vec().into();
    main.ok(3, CHANNELS, 0, &IChannels::redeemCall { voucher, signature: signed });
    let payee = user(2).address;
    let party = Party::account(payee).0;
    let leaf = SumLeaf { role: Role::Data as u8, party, cumulative: 4 * COIN };
    let tree = SumTree::new(vec![leaf]).unwrap();
    let call = IChannels::postEpochRootCall {
        epoch: 1,
        root: tree.root(),
        total: tree.total(),
        leaves: 1,
        dataHash: B256::ZERO,
    };
    main.ok(0, CHANNELS, 0, &call);
    let claim_ = IChannels::Claim {
        gateway,
        epoch: 1,
        role: leaf.role,
        party,
        cumulative: leaf.cumulative,
        ..Default::default()
    };
    let claim = IChannels::claimForCall { claim_ };
    main.wait(DAY - 2);
    main.refused::<IChannels::RootHeldBack>(3, CHANNELS, &claim);
    main.wait(1);
    let before = main.coins(2);
    main.ok(3, CHANNELS, 0, &claim);
    assert_eq!(main.coins(2) - before, 4 * COIN);
    main.ok(1, CHANNELS, 0, &IChannels::requestCloseCall { channelId: id });
    let close = IChannels::closeChannelCall { channelId: id };
    main.wait(DAY - 2);
    main.refused::<IChannels::GraceNotOver>(1, CHANNELS, &close);
    main.wait(1);
    main.ok(1, CHANNELS, 0, &close);
    main.ok(1, CHANNELS, 0, &IChannels::withdrawCall { amount: 6 * COIN });
    assert_eq!(main.chain.balance(CHANNELS), U256::ZERO);
}

/// 0 owns the model, 1 asks, 2 provides, 3 is anyone.
#[test]
fn a_task_expires_with_refund_and_penalty_in_the_main_networks_periods() {
    let mut main = Main::new();
    main.provision(2, 1, 100 * COIN);
    main.provision(4, 3, 1_000 * COIN);
    let spec = IModels::ModelSpec {
        kind: 1,
        name: "base".into(),
        digest: B256::repeat_byte(1),
        ..Default::default()
    };
    main.ok(0, MODELS, 0, &IModels::registerModelCall { spec });
    let deadline = main.now() + 30 * DAY;
    let gateway = user(4).address;
    let spec = ITasks::TaskSpec { kind: 2, modelId: 1, deadline, gateway, ..Default::default() };
    let hasty = ITasks::TaskSpec { deadline: main.now() + 50, ..spec.clone() };
    assert!(!main.send(1, TASKS, COIN, &ITasks::submitTaskCall { spec: hasty }));
    for _ in 0..2 {
        main.ok(1, TASKS, 10 * COIN, &ITasks::submitTaskCall { spec: spec.clone() });
    }
    main.ok(2, TASKS, 0, &ITasks::acceptTaskCall { taskId: 1 });
    main.ok(2, TASKS, 0, &ITasks::acceptTaskCall { taskId: 2 });
    // One is delivered for a part of the escrow; the requester has the rest at once.
    let before = main.coins(1);
    let result = B256::repeat_byte(9);
    let call = ITasks::completeTaskCall {
        taskId: 1,
        resultDigest: result,
        cardDigest: B256::ZERO,
        fee: 3 * COIN,
    };
    main.ok(2, TASKS, 0, &call);
    assert_eq!(main.coins(1) - before, 7 * COIN);
    let taken = main.view(CHANNELS, IChannels::getGatewayCall { gateway });
    assert_eq!((taken.pot, taken.redeemed), (3 * COIN, 3 * COIN));
    // The other never is.
    let expire = ITasks::expireTaskCall { taskId: 2 };
    main.refused::<ITasks::DeadlineNotReached>(3, TASKS, &expire);
    main.wait(30 * DAY);
    let before = main.coins(1);
    main.ok(3, TASKS, 0, &expire);
    // The whole escrow, and half of a tenth of it out of the provider's provision.
    assert_eq!(main.coins(1) - before, 10 * COIN + COIN / 2);
    let task = main.view(TASKS, ITasks::getTaskCall { taskId: 2 });
    assert_eq!(task.state, TaskState::Expired.code());
    let owner = user(2).address;
    let provision = main.view(STAKING, IStaking::provisionOfCall { owner, role: 1 });
    assert_eq!((provision.tokens, provision.locked), (99 * COIN, 0));
    assert_eq!(main.chain.balance(TASKS), U256::ZERO);
}
