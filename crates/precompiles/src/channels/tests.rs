//! The payment line: deposit, channel, voucher, root, claim.

use alloy_primitives::{Address, B256};
use tributary_contracts::{
    CHAIN_ID_DEV, CHANNELS, DATANETS, IChannels, IDatanets, IRoyalties, ROYALTIES, STAKING,
    voucher_digest,
};
use tributary_primitives::{DatanetId, Party, Role};
use tributary_proofs::{SumLeaf, SumTree};

use crate::Params;
use crate::testing::{COIN, Chain, datanet_spec, sign, who};

pub(super) fn setup() -> Chain {
    let mut chain = Chain::dev();
    chain.provision("gate", 3, 10 * COIN);
    chain
}

pub(super) fn open(chain: &mut Chain, payer: &str, cap: u128) -> B256 {
    chain.ok(payer, CHANNELS, cap, IChannels::depositCall {});
    let expiry = chain.host.timestamp + 1_000;
    let call =
        IChannels::openChannelCall { gateway: who("gate"), signer: who("signer"), cap, expiry };
    let expected = chain.view(
        CHANNELS,
        IChannels::nextChannelIdCall {
            payer: who(payer),
            gateway: who("gate"),
            signer: who("signer"),
        },
    );
    let id = chain.ok(payer, CHANNELS, 0, call);
    assert_eq!(id, expected);
    id
}

pub(super) fn voucher(chain: &Chain, id: B256, seq: u64, cumulative: u128) -> IChannels::Voucher {
    let deadline = chain.host.timestamp + 100;
    IChannels::Voucher { channelId: id, seq, cumulative, usageRoot: B256::ZERO, deadline }
}

pub(super) fn redeem(voucher: &IChannels::Voucher, by: &str) -> IChannels::redeemCall {
    let signature = sign(by, &voucher_digest(voucher, CHAIN_ID_DEV)).into();
    IChannels::redeemCall { voucher: voucher.clone(), signature }
}

pub(super) fn leaf(role: Role, party: Party, cumulative: u128) -> SumLeaf {
    SumLeaf { role: role as u8, party: party.0, cumulative }
}

pub(super) fn post(chain: &mut Chain, epoch: u64, leaves: Vec<SumLeaf>) -> SumTree {
    let tree = SumTree::new(leaves).unwrap();
    chain.ok("gate", CHANNELS, 0, post_call(epoch, &tree));
    tree
}

pub(super) fn post_call(epoch: u64, tree: &SumTree) -> IChannels::postEpochRootCall {
    IChannels::postEpochRootCall {
        epoch,
        root: tree.root(),
        total: tree.total(),
        leaves: tree.leaves().len() as u64,
        dataHash: B256::ZERO,
    }
}

pub(super) fn claim(tree: &SumTree, epoch: u64, index: u64) -> IChannels::Claim {
    let leaf = tree.leaves()[index as usize];
    let siblings = tree.prove(index).unwrap().into_iter();
    IChannels::Claim {
        gateway: who("gate"),
        epoch,
        role: leaf.role,
        party: leaf.party,
        cumulative: leaf.cumulative,
        index,
        siblings: siblings
            .map(|node| IChannels::SumNode { hash: node.hash, sum: node.sum })
            .collect(),
    }
}

pub(super) fn claim_for(tree: &SumTree, epoch: u64, index: u64) -> IChannels::claimForCall {
    IChannels::claimForCall { claim_: claim(tree, epoch, index) }
}

pub(super) fn paid_in(chain: &mut Chain, wei: u128) -> B256 {
    let id = open(chain, "bob", 10 * COIN);
    let voucher = voucher(chain, id, 1, wei);
    assert_eq!(chain.ok("gate", CHANNELS, 0, redeem(&voucher, "signer")), wei);
    id
}

#[test]
fn coins_go_from_balance_to_channel_to_pot_and_the_rest_comes_back() {
    let mut chain = setup();
    let id = open(&mut chain, "bob", 10 * COIN);
    let escrow = chain.view(CHANNELS, IChannels::escrowOfCall { payer: who("bob") });
    assert_eq!((escrow.balance, escrow.reserved), (0, 10 * COIN));
    let first = voucher(&chain, id, 1, COIN);
    assert_eq!(chain.ok("eve", CHANNELS, 0, redeem(&first, "signer")), COIN);
    let third = voucher(&chain, id, 3, 4 * COIN);
    assert_eq!(chain.ok("gate", CHANNELS, 0, redeem(&third, "signer")), 3 * COIN);
    assert_eq!(
        chain.view(CHANNELS, IChannels::getGatewayCall { gateway: who("gate") }).pot,
        4 * COIN
    );
    chain.ok("gate", CHANNELS, 0, IChannels::closeChannelCall { channelId: id });
    chain.ok("bob", CHANNELS, 0, IChannels::withdrawCall { amount: 6 * COIN });
    assert_eq!(chain.balance(who("bob")), 100_000 * COIN - 4 * COIN);
}

#[test]
fn the_line_holds_with_the_main_networks_values_by_moving_time() {
    const DAY: u64 = 86_400;
    let mut chain = Chain::new(&Params::mainnet());
    chain.provision("gate", 3, 1_000 * COIN);
    let id = open(&mut chain, "bob", 10 * COIN);
    let first = voucher(&chain, id, 1, 100);
    chain.ok("gate", CHANNELS, 0, redeem(&first, "signer"));
    let tree = post(&mut chain, 1, vec![leaf(Role::Data, Party::account(who("ann")), 100)]);
    let early = IChannels::RootHeldBack {
        gateway: who("gate"),
        epoch: 1,
        claimableAt: chain.host.timestamp + DAY,
    };
    chain.wait(DAY - 1);
    chain.fails("eve", CHANNELS, 0, claim_for(&tree, 1, 0), early);
    chain.wait(1);
    assert_eq!(chain.ok("eve", CHANNELS, 0, claim_for(&tree, 1, 0)), 100);
    // The channel's thousand seconds are over; a day of grace later the rest is free.
    let close = IChannels::closeChannelCall { channelId: id };
    let error = IChannels::GraceNotOver { channelId: id, closeAt: chain.host.timestamp + 1_000 };
    chain.fails("bob", CHANNELS, 0, close, error);
    chain.wait(1_000);
    assert_eq!(chain.ok("eve", CHANNELS, 0, IChannels::pokeCall { max: 64 }), 1);
    chain.ok("bob", CHANNELS, 0, IChannels::withdrawCall { amount: 10 * COIN - 100 });
}

#[test]
fn a_day_of_held_back_roots_hides_no_claimable_one() {
    let mut chain = Chain::new(&Params::mainnet());
    chain.provision("gate", 3, 1_000 * COIN);
    paid_in(&mut chain, 100);
    let claimable = |chain: &mut Chain| {
        chain.view(CHANNELS, IChannels::claimableRootCall { gateway: who("gate") }).epoch
    };
    for epoch in 1..=150 {
        post(&mut chain, epoch, vec![leaf(Role::Data, Party::account(who("ann")), 100)]);
        chain.wait(600);
        // 144 epochs of ten minutes are a day.
        assert_eq!(claimable(&mut chain), epoch.saturating_sub(143));
    }
}

#[test]
fn a_bad_voucher_says_what_is_wrong_with_it() {
    let mut chain = setup();
    let id = open(&mut chain, "bob", 10 * COIN);
    let mut good = voucher(&chain, id, 5, 2 * COIN);
    chain.ok("gate", CHANNELS, 0, redeem(&good, "signer"));
    let stale = IChannels::StaleVoucher { channelId: id, seq: 5, lastSeq: 5 };
    chain.fails("gate", CHANNELS, 0, redeem(&good, "signer"), stale);
    good.seq = 6;
    let over = IChannels::Voucher { cumulative: 11 * COIN, ..good.clone() };
    let error = IChannels::VoucherOverCap { channelId: id, cumulative: 11 * COIN, cap: 10 * COIN };
    chain.fails("gate", CHANNELS, 0, redeem(&over, "signer"), error);
    let less = IChannels::Voucher { cumulative: COIN, ..good.clone() };
    let error = IChannels::VoucherDecreases { channelId: id, cumulative: COIN, redeemed: 2 * COIN };
    chain.fails("gate", CHANNELS, 0, redeem(&less, "signer"), error);
    let error = IChannels::VoucherWrongSigner {
        channelId: id,
        recovered: who("gate"),
        signer: who("signer"),
    };
    chain.fails("gate", CHANNELS, 0, redeem(&good, "gate"), error);
    let late = IChannels::Voucher { deadline: 5, ..good.clone() };
    let error = IChannels::VoucherExpired { channelId: id, deadline: 5 };
    chain.fails("gate", CHANNELS, 0, redeem(&late, "signer"), error);
    let nowhere = IChannels::Voucher { channelId: B256::ZERO, ..good.clone() };
    let error = IChannels::UnknownChannel { channelId: B256::ZERO };
    chain.fails("gate", CHANNELS, 0, redeem(&nowhere, "signer"), error);
    chain.wait(1_011);
    let error = IChannels::ChannelExpired { channelId: id, expiry: chain.host.timestamp - 11 };
    chain.fails("gate", CHANNELS, 0, redeem(&good, "signer"), error);
}

#[test]
fn one_bad_voucher_does_not_spoil_a_batch() {
    let mut chain = setup();
    let (one, two) = (open(&mut chain, "bob", COIN), open(&mut chain, "cyn", COIN));
    let vouchers = vec![
        voucher(&chain, one, 1, 10),
        voucher(&chain, two, 1, 2 * COIN),
        voucher(&chain, two, 1, 7),
    ];
    let signatures =
        vouchers.iter().map(|v| sign("signer", &voucher_digest(v, CHAIN_ID_DEV)).into()).collect();
    let call = IChannels::redeemBatchCall { vouchers, signatures };
    assert_eq!(chain.ok("gate", CHANNELS, 0, call.clone()), 17);
    let rejected: IChannels::VoucherRejected = {
        let logs = &chain.host.logs;
        let found = logs
            .iter()
            .filter_map(|log| alloy_sol_types::SolEvent::decode_log_data(&log.data).ok());
        found.last().unwrap()
    };
    assert_eq!(
        rejected.reason.0,
        <IChannels::VoucherOverCap as alloy_sol_types::SolError>::SELECTOR
    );
    assert_eq!(chain.ok("gate", CHANNELS, 0, call), 0, "brought twice, it counts once");
}

#[test]
fn a_payer_alone_closes_within_the_grace_and_the_last_voucher_still_counts() {
    let mut chain = setup();
    let id = open(&mut chain, "bob", 10 * COIN);
    chain.fails(
        "eve",
        CHANNELS,
        0,
        IChannels::requestCloseCall { channelId: id },
        IChannels::NotPayer { channelId: id, caller: who("eve") },
    );
    chain.ok("bob", CHANNELS, 0, IChannels::requestCloseCall { channelId: id });
    let close_at = chain.host.timestamp + 10;
    let close = IChannels::closeChannelCall { channelId: id };
    chain.fails(
        "bob",
        CHANNELS,
        0,
        close.clone(),
        IChannels::GraceNotOver { channelId: id, closeAt: close_at },
    );
    let last = voucher(&chain, id, 1, COIN);
    chain.ok("gate", CHANNELS, 0, redeem(&last, "signer"));
    assert_eq!(chain.view(CHANNELS, IChannels::nextTimerCall {}), close_at);
    chain.wait(10);
    assert_eq!(chain.ok("eve", CHANNELS, 0, IChannels::pokeCall { max: 64 }), 1);
    let escrow = chain.view(CHANNELS, IChannels::escrowOfCall { payer: who("bob") });
    assert_eq!((escrow.balance, escrow.reserved), (9 * COIN, 0));
    chain.fails("bob", CHANNELS, 0, close, IChannels::ChannelNotOpen { channelId: id, status: 3 });
}

#[test]
fn a_channel_needs_a_gateway_a_balance_and_a_sane_expiry() {
    let mut chain = setup();
    chain.ok("bob", CHANNELS, COIN, IChannels::depositCall {});
    let expiry = chain.host.timestamp + 100;
    let call = |gateway, cap, expiry| IChannels::openChannelCall {
        gateway,
        signer: who("signer"),
        cap,
        expiry,
    };
    chain.fails(
        "bob",
        CHANNELS,
        0,
        call(who("eve"), COIN, expiry),
        IChannels::NotAGateway { gateway: who("eve") },
    );
    let error = IChannels::BalanceTooSmall { payer: who("bob"), balance: COIN, needed: 2 * COIN };
    chain.fails("bob", CHANNELS, 0, call(who("gate"), 2 * COIN, expiry), error);
    for expiry in [0, u64::MAX] {
        chain.fails(
            "bob",
            CHANNELS,
            0,
            call(who("gate"), COIN, expiry),
            IChannels::BadExpiry { expiry },
        );
    }
    // The same coin never backs two channels.
    chain.ok("bob", CHANNELS, 0, call(who("gate"), COIN, expiry));
    let error = IChannels::BalanceTooSmall { payer: who("bob"), balance: 0, needed: COIN };
    chain.fails("bob", CHANNELS, 0, call(who("gate"), COIN, expiry), error);
}

#[test]
fn claims_fold_epochs_pay_the_difference_and_never_less_or_twice() {
    let mut chain = setup();
    let id = paid_in(&mut chain, 100);
    let (ann, dan) = (Party::account(who("ann")), Party::account(who("dan")));
    let first = post(&mut chain, 1, vec![leaf(Role::Data, ann, 30), leaf(Role::Provider, dan, 70)]);
    let held = IChannels::RootHeldBack {
        gateway: who("gate"),
        epoch: 1,
        claimableAt: chain.host.timestamp + 5,
    };
    chain.fails("eve", CHANNELS, 0, claim_for(&first, 1, 0), held);
    chain.wait(5);
    assert_eq!(chain.ok("eve", CHANNELS, 0, claim_for(&first, 1, 0)), 30);
    assert_eq!(chain.balance(who("ann")), 100_000 * COIN + 30);
    let error = IChannels::NothingToClaim { cumulative: 30, paid: 30 };
    chain.fails("eve", CHANNELS, 0, claim_for(&first, 1, 0), error);
    let more = voucher(&chain, id, 2, 250);
    chain.ok("gate", CHANNELS, 0, redeem(&more, "signer"));
    let second =
        post(&mut chain, 2, vec![leaf(Role::Data, ann, 100), leaf(Role::Provider, dan, 150)]);
    chain.wait(5);
    let own = claim(&second, 2, 0);
    let call = IChannels::claimCall {
        gateway: own.gateway,
        epoch: 2,
        role: own.role,
        cumulative: own.cumulative,
        index: 0,
        siblings: own.siblings,
    };
    chain.fails("eve", CHANNELS, 0, call.clone(), IChannels::BadProof {});
    assert_eq!(chain.ok("ann", CHANNELS, 0, call), 70);
    let many = IChannels::claimManyCall {
        claims: vec![claim(&first, 1, 1), claim(&second, 2, 1), claim(&second, 2, 0)],
    };
    assert_eq!(chain.ok("eve", CHANNELS, 0, many), 150);
    let gateway = chain.view(CHANNELS, IChannels::getGatewayCall { gateway: who("gate") });
    assert_eq!((gateway.pot, gateway.redeemed, gateway.rooted, gateway.paid), (0, 250, 250, 250));
    assert_eq!(
        chain.view(CHANNELS, IChannels::claimableRootCall { gateway: who("gate") }).epoch,
        2
    );
}

#[test]
fn a_root_promises_no_more_than_was_redeemed_and_never_less_than_before() {
    let mut chain = setup();
    paid_in(&mut chain, 100);
    let ann = Party::account(who("ann"));
    let tree = |wei| SumTree::new(vec![leaf(Role::Data, ann, wei)]).unwrap();
    let error = IChannels::TotalOverRedeemed { total: 101, redeemed: 100 };
    chain.fails("gate", CHANNELS, 0, post_call(1, &tree(101)), error);
    chain.ok("gate", CHANNELS, 0, post_call(1, &tree(100)));
    chain.wait(1);
    let error = IChannels::TotalDecreases { total: 99, rooted: 100 };
    chain.fails("gate", CHANNELS, 0, post_call(2, &tree(99)), error);
    chain.fails(
        "gate",
        CHANNELS,
        0,
        post_call(1, &tree(100)),
        IChannels::StaleEpoch { epoch: 1, lastEpoch: 1 },
    );
    chain.fails(
        "eve",
        CHANNELS,
        0,
        post_call(2, &tree(100)),
        IChannels::NotAGateway { gateway: who("eve") },
    );
    let empty = IChannels::postEpochRootCall {
        epoch: 2,
        root: B256::ZERO,
        total: 100,
        leaves: 1,
        dataHash: B256::ZERO,
    };
    chain.fails("gate", CHANNELS, 0, empty, IChannels::EmptyRoot {});
}

#[test]
fn a_late_contradiction_can_still_not_take_more_than_the_pot() {
    let mut chain = setup();
    paid_in(&mut chain, 100);
    let (ann, bob) = (Party::account(who("ann")), Party::account(who("bob")));
    let first = post(&mut chain, 1, vec![leaf(Role::Data, ann, 100)]);
    chain.wait(5);
    let second = post(&mut chain, 2, vec![leaf(Role::Data, bob, 100)]);
    chain.wait(5);
    chain.ok("eve", CHANNELS, 0, claim_for(&first, 1, 0));
    let error = IChannels::PotTooSmall { pot: 0, needed: 100 };
    chain.fails("eve", CHANNELS, 0, claim_for(&second, 2, 0), error);
}

#[test]
fn pools_and_protocol_parts_go_where_their_role_says() {
    let mut chain = setup();
    let spec = datanet_spec(true);
    let net = chain.ok("ann", DATANETS, 0, IDatanets::createDatanetCall { spec });
    paid_in(&mut chain, 1_000);
    let pool = Party::datanet(DatanetId(net));
    let tree = post(
        &mut chain,
        1,
        vec![
            leaf(Role::Backers, pool, 100),
            leaf(Role::Commons, pool, 200),
            leaf(Role::ProtocolCompute, Party::NONE, 300),
            leaf(Role::ProtocolLicence, Party::NONE, 400),
        ],
    );
    chain.wait(5);
    for index in 0..4 {
        chain.ok("eve", CHANNELS, 0, claim_for(&tree, 1, index));
    }
    let found = chain.view(ROYALTIES, IRoyalties::poolOfCall { datanetId: net });
    assert_eq!((found.backersReceived, found.commonsReceived), (0, 300), "no backer: the commons");
    assert_eq!(chain.balance(Params::dev().treasury), 300 + 200);
    assert_eq!(chain.burned(), 200);
}

#[test]
fn a_leaf_for_nobody_a_module_or_an_unknown_datanet_pays_nothing() {
    let mut chain = setup();
    paid_in(&mut chain, 1_000);
    let bad = [
        leaf(Role::Data, Party::account(Address::ZERO), 1),
        leaf(Role::Data, Party::account(STAKING), 2),
        leaf(Role::Data, Party(B256::repeat_byte(0xff)), 3),
        leaf(Role::Commons, Party::datanet(DatanetId(9)), 4),
        leaf(Role::ProtocolCompute, Party::account(who("ann")), 5),
    ];
    let tree = post(&mut chain, 1, bad.to_vec());
    chain.wait(5);
    for (index, leaf) in bad.iter().enumerate() {
        let error = IChannels::BadParty { role: leaf.role, party: leaf.party };
        chain.fails("eve", CHANNELS, 0, claim_for(&tree, 1, index as u64), error);
    }
    let odd = SumLeaf { role: 9, party: B256::ZERO, cumulative: 20 };
    chain.wait(1);
    let tree = post(&mut chain, 2, vec![odd]);
    chain.wait(5);
    chain.fails("eve", CHANNELS, 0, claim_for(&tree, 2, 0), IChannels::UnknownLeafRole { role: 9 });
}
