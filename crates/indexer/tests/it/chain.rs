//! What the follower makes of a chain: decoded calls, things with their story, and rewinds.

use std::time::Duration;

use alloy_primitives::{Address, B256};
use serde_json::json;
use tributary_contracts::{DATANETS, IDatanets};
use tributary_indexer::{
    RecordPage, RecordRow,
    mocks::{FakeChain, FakeTx},
};
use tributary_primitives::{ContributionId, DatanetId, Digest};

use crate::Desk;

const ADA: Address = Address::repeat_byte(0xad);
const BLOB: Digest = Digest([7; 32]);

fn spec() -> IDatanets::DatanetSpec {
    IDatanets::DatanetSpec { name: "tea".into(), licence: "CC0-1.0".into(), ..Default::default() }
}

fn datanet() -> IDatanets::Datanet {
    IDatanets::Datanet { id: 1, owner: ADA, status: 1, spec: spec(), ..Default::default() }
}

fn contribution(status: u8, version: u32) -> IDatanets::Contribution {
    IDatanets::Contribution {
        id: 1,
        datanetId: 1,
        contributor: ADA,
        itemCount: 2,
        dataCommit: BLOB.to_b256(),
        stake: u128::MAX,
        status,
        version,
        ..Default::default()
    }
}

/// Genesis, then a block that opens the datanet, then one that contributes.
fn contributed() -> FakeChain {
    let chain = FakeChain::new(10);
    chain.set_datanet(datanet());
    let create = IDatanets::createDatanetCall { spec: spec() };
    let created = IDatanets::DatanetCreated { id: 1, owner: ADA, name: "tea".into() };
    chain.add_block(11, vec![FakeTx::call(ADA, DATANETS, &create).emits(&created)]);
    chain.set_contribution(contribution(1, 0));
    let contribute = IDatanets::contributeCall {
        datanetId: 1,
        itemsRoot: B256::ZERO,
        itemCount: 2,
        dataCommit: BLOB.to_b256(),
        uri: String::new(),
    };
    let submitted = IDatanets::ContributionSubmitted {
        id: 1,
        datanetId: 1,
        contributor: ADA,
        itemsRoot: B256::ZERO,
        itemCount: 2,
        dataCommit: BLOB.to_b256(),
        uri: String::new(),
        stake: 5,
        fee: 1,
    };
    let tx = FakeTx::call(ADA, DATANETS, &contribute).with_value(6).emits(&submitted);
    chain.add_block(12, vec![tx]);
    chain
}

fn publish(chain: &FakeChain, time: u64) -> B256 {
    chain.set_contribution(contribution(7, 1));
    let published = IDatanets::ContributionPublished {
        id: 1,
        datanetId: 1,
        contributor: ADA,
        version: 1,
        leafIndex: 0,
        stakeReturned: 5,
    };
    let snapshot = IDatanets::SnapshotPublished {
        datanetId: 1,
        version: 1,
        root: B256::repeat_byte(3),
        contributionCount: 1,
        itemCount: 2,
        tombstoneRoot: B256::ZERO,
    };
    let poke = IDatanets::pokeCall { max: 32 };
    let tx = FakeTx::call(ADA, DATANETS, &poke).emits(&published).emits(&snapshot);
    chain.add_block(time, vec![tx])[0]
}

#[tokio::test]
async fn a_module_call_is_stored_with_its_names() {
    let desk = Desk::new();
    desk.follow(&contributed()).await;
    let txs = desk.index.txs(Some(ADA), 10).unwrap();
    let call = txs[0].call.as_ref().unwrap();
    assert_eq!((call.module.as_str(), call.name.as_str()), ("datanets", "contribute"));
    assert_eq!(call.args[2].name, "itemCount");
    assert_eq!(call.args[2].value, json!("2"));
    assert!(txs[0].success);
    assert_eq!(txs[0].value.wei(), 6);
    let events = desk.index.tx_events(txs[0].hash).unwrap();
    assert_eq!(events[0].decoded.as_ref().unwrap().name, "ContributionSubmitted");
    assert_eq!(desk.index.blocks(None, 10).unwrap().len(), 3);
    assert_eq!(desk.index.tx_count().unwrap(), 2);
}

#[tokio::test]
async fn a_contribution_tells_its_story_step_by_step_with_transactions() {
    let desk = Desk::new();
    let chain = contributed();
    let rows = ["green tea", "black tea"].map(|text| RecordRow {
        record: Digest::of(text.as_bytes()),
        own_id: None,
        body: json!({"text": text}),
    });
    desk.index.put_records(BLOB, rows.to_vec()).await.unwrap();
    desk.follow(&chain).await;
    let page = RecordPage { limit: 10, ..RecordPage::default() };
    let datanet = DatanetId(1);
    assert!(desk.index.datanet_records(datanet, page).unwrap().is_empty(), "not published");
    let published = publish(&chain, 13);
    desk.follow(&chain).await;
    let steps = desk.index.steps(ContributionId(1)).unwrap();
    let story: Vec<_> = steps.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(story, ["submitted", "published"]);
    assert_eq!(steps[1].tx, published);
    let rows = desk.index.datanet_records(datanet, page).unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].contributor, rows[0].version), (ADA, Some(1)));
    let search = RecordPage { search: Some("black"), ..page };
    assert_eq!(desk.index.datanet_records(datanet, search).unwrap().len(), 1);
    let wild = RecordPage { search: Some("%"), ..page };
    assert!(desk.index.datanet_records(datanet, wild).unwrap().is_empty(), "no wildcards");
    let record = desk.index.record(Digest::of(b"green tea")).unwrap().unwrap();
    assert_eq!(record.contribution, ContributionId(1));
    let stored = desk.index.contribution(ContributionId(1)).unwrap().unwrap();
    assert_eq!(stored.body.stake, u128::MAX, "128 bits survive the JSON column");
}

#[tokio::test]
async fn a_rewind_forgets_what_only_the_lost_blocks_said() {
    let desk = Desk::new();
    let chain = contributed();
    publish(&chain, 13);
    desk.follow(&chain).await;
    assert_eq!(desk.index.snapshots(DatanetId(1)).unwrap().len(), 1);
    chain.rewind(2);
    chain.set_contribution(contribution(1, 0));
    chain.add_block(14, Vec::new());
    desk.follow(&chain).await;
    assert!(desk.index.snapshots(DatanetId(1)).unwrap().is_empty());
    let stored = desk.index.contribution(ContributionId(1)).unwrap().unwrap();
    assert_eq!((stored.body.status, stored.body.version), (1, 0), "the view was read again");
    assert_eq!(desk.index.steps(ContributionId(1)).unwrap().len(), 1);
    assert_eq!(desk.index.block(3).unwrap().unwrap().hash, chain.block_hash(3).unwrap());
}

#[tokio::test]
async fn another_chain_behind_the_transport_replaces_everything() {
    let desk = Desk::new();
    desk.follow(&contributed()).await;
    let fresh = FakeChain::default();
    fresh.rewind(0);
    fresh.add_block(5, Vec::new());
    desk.follow(&fresh).await;
    assert_eq!(desk.index.blocks(None, 10).unwrap().len(), 1);
    assert!(desk.index.datanets().unwrap().is_empty());
    assert!(desk.index.contribution(ContributionId(1)).unwrap().is_none());
}

#[tokio::test]
async fn whoever_waits_for_a_block_hears_of_it_or_of_the_end_of_patience() {
    let (desk, chain) = (Desk::new(), contributed());
    assert!(!desk.index.reach(2, Duration::ZERO).await.unwrap());
    let waits = desk.index.reach(2, Duration::from_secs(60));
    let (reached, ()) = tokio::join!(waits, desk.follow(&chain));
    assert!(reached.unwrap());
    assert!(desk.index.reach(2, Duration::ZERO).await.unwrap(), "it is there already");
    assert!(!desk.index.reach(3, Duration::ZERO).await.unwrap());
}
