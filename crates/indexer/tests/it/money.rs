//! Receipts, books, roots and claims: where every wei is at each moment.

use alloy_primitives::{Address, B256, Bytes};
use serde_json::json;
use tributary_contracts::{CHANNELS, IChannels};
use tributary_indexer::{
    Accrued, Earnings, EpochRow, Event, Index, KeyCharge, KeyRow, LeafRow, SettledCall, Source,
    mocks::{FakeChain, FakeTx},
};
use tributary_primitives::{
    Amount, ChannelId, DatanetId, Digest, ModelId, Party, PayState, Receipt, ReceiptBody, Role,
    Share, SignedReceipt, SnapshotRef,
};

use crate::Desk;

const GATEWAY: Address = Address::repeat_byte(0x61);
const PAYER: Address = Address::repeat_byte(0x70);
const DEE: Address = Address::repeat_byte(0xde);
const ADA: Address = Address::repeat_byte(0xad);

fn wei(amount: u128) -> Amount {
    Amount::from_wei(amount)
}

fn share(role: Role, account: Address, amount: u128, record: Option<Digest>) -> Share {
    Share { role, party: Party::account(account), amount: wei(amount), record, model: None }
}

/// A receipt of `provider` wei compute and `data` wei for Ada's record.
pub fn receipt(number: u8, provider: u128, data: u128) -> Receipt {
    let shares = vec![
        share(Role::Provider, DEE, provider, None),
        share(Role::Data, ADA, data, Some(Digest([9; 32]))),
    ];
    let body = ReceiptBody {
        gateway: GATEWAY,
        payer: PAYER,
        channel: ChannelId::default(),
        provider: DEE,
        model: ModelId(2),
        model_digest: Digest([1; 32]),
        adapter_digest: Digest([2; 32]),
        tokenizer_digest: Digest([3; 32]),
        snapshot: SnapshotRef { datanet: DatanetId(1), version: 1, root: B256::ZERO },
        prompt_commitment: Digest::ZERO,
        completion_commitment: Digest::ZERO,
        prompt_tokens: 1,
        completion_tokens: 1,
        temperature_micro: 0,
        top_p_ppm: 1_000_000,
        top_k: 0,
        max_tokens: 8,
        sampler_digest: Digest::ZERO,
        job_seed: Digest::ZERO,
        logits_digest: Digest::ZERO,
        fee_compute: wei(provider),
        fee_licence: wei(data),
        spans_digest: Digest::ZERO,
        shares_digest: Share::digest_all(&shares),
        block_number: 1,
        block_hash: B256::ZERO,
        issued_at: 1,
    };
    let signed =
        SignedReceipt { id: B256::repeat_byte(number), body, signature: Bytes::from(vec![0; 65]) };
    Receipt { signed, spans: Vec::new(), shares }
}

fn settled(receipt: Receipt) -> SettledCall {
    SettledCall { receipt, transcript: None, charge: None, job: None }
}

/// Cuts the next epoch and writes it, as a gateway does before it sends the root.
async fn cut(index: &Index, root: B256) -> EpochRow {
    let cut = index.epoch_cut(GATEWAY).unwrap().unwrap();
    let total = cut.accrued.iter().map(|leaf| leaf.cumulative).sum();
    let leaves = cut
        .accrued
        .into_iter()
        .zip(0..)
        .map(|(leaf, position)| LeafRow { leaf, position, proof: json!({"index": position}) })
        .collect();
    let row =
        EpochRow { gateway: GATEWAY, epoch: cut.epoch, root, total, up_to: cut.up_to, leaves };
    index.put_epoch(row.clone()).await.unwrap();
    row
}

fn root_tx(epoch: &EpochRow) -> FakeTx {
    let dummy = IChannels::pokeCall { max: 0 };
    FakeTx::call(GATEWAY, CHANNELS, &dummy).emits(&IChannels::EpochRootPosted {
        gateway: GATEWAY,
        epoch: epoch.epoch,
        root: epoch.root,
        total: epoch.total.wei(),
        leaves: epoch.leaves.len() as u64,
        dataHash: B256::ZERO,
        claimableAt: 100,
    })
}

fn claim_tx(role: Role, account: Address, cumulative: u128, amount: u128) -> FakeTx {
    let dummy = IChannels::pokeCall { max: 0 };
    FakeTx::call(account, CHANNELS, &dummy).emits(&IChannels::Claimed {
        gateway: GATEWAY,
        role: role as u8,
        party: Party::account(account).0,
        epoch: 1,
        cumulative,
        amount,
    })
}

fn earnings(pending: u128, earned: u128, paid: u128) -> Earnings {
    Earnings { pending: wei(pending), earned: wei(earned), paid: wei(paid) }
}

#[tokio::test]
async fn money_goes_from_pending_to_earned_to_paid_and_never_counts_twice() {
    let desk = Desk::new();
    let index = &desk.index;
    let chain = FakeChain::new(10);
    assert!(index.settle_call(settled(receipt(1, 600, 400))).await.unwrap());
    assert!(index.settle_call(settled(receipt(2, 60, 40))).await.unwrap());
    assert_eq!(index.earnings(ADA).unwrap(), earnings(440, 0, 0));

    let epoch = cut(index, B256::repeat_byte(1)).await;
    desk.follow(&chain).await;
    assert_eq!(index.earnings(ADA).unwrap(), earnings(440, 0, 0), "a cut is not a posted root");
    assert_eq!(index.unposted_epochs(GATEWAY).unwrap(), vec![epoch.clone()]);

    let mut events = index.subscribe();
    chain.add_block(20, vec![root_tx(&epoch)]);
    desk.follow(&chain).await;
    assert_eq!(index.earnings(ADA).unwrap(), earnings(0, 440, 0));
    assert!(index.unposted_epochs(GATEWAY).unwrap().is_empty());
    let mut earned = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let Event::Earned { account, amount, answers, receipt } = event {
            earned.push((account, amount, answers, receipt));
        }
    }
    let newest = Some(B256::repeat_byte(2));
    assert_eq!(earned, [(ADA, wei(440), 2, newest), (DEE, wei(660), 2, newest)]);

    index.settle_call(settled(receipt(3, 6, 4))).await.unwrap();
    chain.add_block(30, vec![claim_tx(Role::Data, ADA, 440, 440)]);
    desk.follow(&chain).await;
    assert_eq!(index.earnings(ADA).unwrap(), earnings(4, 0, 440));
    assert_eq!(index.earnings(DEE).unwrap(), earnings(6, 660, 0));
    assert!(index.claimable(Party::account(ADA)).unwrap().is_empty());
    let first = index.receipt(B256::repeat_byte(1)).unwrap().unwrap();
    assert_eq!(first.share_states, [PayState::Earned, PayState::Paid]);
    assert_eq!(first.state, PayState::Earned);
    let third = index.receipt(B256::repeat_byte(3)).unwrap().unwrap();
    assert_eq!((third.state, third.epoch), (PayState::Pending, None));
}

#[tokio::test]
async fn a_root_that_is_not_the_cut_one_earns_nothing() {
    let desk = Desk::new();
    let chain = FakeChain::new(10);
    desk.index.settle_call(settled(receipt(1, 600, 400))).await.unwrap();
    let mut epoch = cut(&desk.index, B256::repeat_byte(1)).await;
    epoch.root = B256::repeat_byte(0xbb);
    chain.add_block(20, vec![root_tx(&epoch)]);
    desk.follow(&chain).await;
    assert_eq!(desk.index.earnings(ADA).unwrap(), earnings(400, 0, 0));
}

#[tokio::test]
async fn a_rewind_takes_earned_back_to_pending() {
    let desk = Desk::new();
    let chain = FakeChain::new(10);
    desk.index.settle_call(settled(receipt(1, 600, 400))).await.unwrap();
    let epoch = cut(&desk.index, B256::repeat_byte(1)).await;
    chain.add_block(20, vec![root_tx(&epoch)]);
    chain.add_block(30, vec![claim_tx(Role::Data, ADA, 400, 400)]);
    desk.follow(&chain).await;
    assert_eq!(desk.index.earnings(ADA).unwrap(), earnings(0, 0, 400));
    chain.rewind(1);
    chain.add_block(31, Vec::new());
    desk.follow(&chain).await;
    assert_eq!(desk.index.earnings(ADA).unwrap(), earnings(0, 400, 0));
    chain.rewind(0);
    desk.follow(&chain).await;
    assert_eq!(desk.index.earnings(ADA).unwrap(), earnings(400, 0, 0));
}

#[tokio::test]
async fn a_receipt_that_comes_twice_pays_once() {
    let desk = Desk::new();
    assert!(desk.index.settle_call(settled(receipt(1, 600, 400))).await.unwrap());
    assert!(!desk.index.settle_call(settled(receipt(1, 600, 400))).await.unwrap());
    assert_eq!(desk.index.earnings(ADA).unwrap(), earnings(400, 0, 0));
    assert_eq!(desk.index.receipt_totals(None).unwrap(), (1, wei(1000)));
}

#[tokio::test]
async fn sources_name_the_datanet_the_model_and_the_record() {
    let desk = Desk::new();
    desk.index.settle_call(settled(receipt(1, 600, 400))).await.unwrap();
    desk.index.settle_call(settled(receipt(2, 60, 40))).await.unwrap();
    let sources = desk.index.earnings_by_source(Party::account(ADA)).unwrap();
    let named: Vec<_> = sources.iter().map(|s| (s.source.clone(), s.total, s.answers)).collect();
    assert_eq!(
        named,
        [
            (Source::Datanet(DatanetId(1)), wei(440), 2),
            (Source::Model(ModelId(2)), wei(440), 2),
            (Source::Record(Digest([9; 32])), wei(440), 2),
        ]
    );
    assert_eq!(desk.index.datanet_income(DatanetId(1)).unwrap(), wei(440));
    let record = desk.index.record_earnings(&[Digest([9; 32]), Digest([8; 32])]).unwrap();
    assert_eq!((record[0].answers, record[0].total, record[1].answers), (2, wei(440), 0));
}

#[tokio::test]
async fn the_books_of_the_next_epoch_hold_every_receipt_so_far() {
    let desk = Desk::new();
    desk.index.settle_call(settled(receipt(1, 600, 400))).await.unwrap();
    cut(&desk.index, B256::repeat_byte(1)).await;
    assert_eq!(desk.index.epoch_cut(GATEWAY).unwrap(), None, "nothing new");
    desk.index.settle_call(settled(receipt(2, 60, 40))).await.unwrap();
    let next = desk.index.epoch_cut(GATEWAY).unwrap().unwrap();
    assert_eq!((next.epoch, next.receipts), (2, 1));
    let dee = Accrued { role: Role::Provider, party: Party::account(DEE), cumulative: wei(660) };
    assert!(next.accrued.contains(&dee));
    let stale = EpochRow {
        gateway: GATEWAY,
        epoch: 1,
        root: B256::ZERO,
        total: Amount::ZERO,
        up_to: 1,
        leaves: Vec::new(),
    };
    assert!(desk.index.put_epoch(stale).await.is_err(), "an epoch is cut once");
}

#[tokio::test]
async fn a_call_over_the_cap_of_its_key_leaves_no_trace() {
    let desk = Desk::new();
    let hash = Digest([5; 32]);
    desk.index.put_key(key(hash, 500)).await.unwrap();
    let charge = Some(KeyCharge { key_hash: hash, hold: None, voucher: json!({"seq": 1}) });
    let call = SettledCall { receipt: receipt(1, 600, 400), transcript: None, charge, job: None };
    assert!(desk.index.settle_call(call).await.is_err());
    assert_eq!(desk.index.receipt(B256::repeat_byte(1)).unwrap(), None);
    assert_eq!(desk.index.earnings(ADA).unwrap(), earnings(0, 0, 0));
    assert_eq!(desk.index.key(hash).unwrap().unwrap().spent, Amount::ZERO);
}

/// A fresh key with a cap.
pub fn key(hash: Digest, cap: u128) -> KeyRow {
    KeyRow {
        hash,
        owner: PAYER,
        name: "test".into(),
        channel: ChannelId::default(),
        signer: Address::ZERO,
        cap: wei(cap),
        spent: Amount::ZERO,
        held: Amount::ZERO,
        redeemed: Amount::ZERO,
        voucher: None,
        sealed_secret: None,
        active: true,
        expires_at: 0,
        created_ms: 0,
    }
}
