//! `eth_subscribe`.

use crate::node::{BOB, Node, init_code, recorder_code};
use jsonrpsee::core::server::Subscription;
use serde_json::{Value, json, value::RawValue};
use std::time::Duration;

async fn subscribe(node: &Node, params: Value) -> Subscription {
    let Value::Array(params) = params else { panic!("positional") };
    node.module.subscribe("eth_subscribe", params, 64).await.unwrap()
}

async fn next(subscription: &mut Subscription) -> Value {
    let next = tokio::time::timeout(Duration::from_secs(60), subscription.next::<Box<RawValue>>());
    let (value, _) = next.await.expect("nothing came").expect("it ended").unwrap();
    serde_json::from_str(value.get()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_come_in_order_without_a_gap() {
    let node = Node::start();
    let mut heads = subscribe(&node, json!(["newHeads"])).await;
    node.call("anvil_mine", json!([5])).await;
    let mut parent = node.chain.store().genesis_hash().to_string();
    for number in 1..=5 {
        let head = next(&mut heads).await;
        assert_eq!(head["number"], format!("{number:#x}"));
        assert_eq!(head["parentHash"], parent);
        parent = head["hash"].as_str().unwrap().to_owned();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_pass_the_filter_and_come_back_as_removed() {
    let node = Node::start();
    let receipt = node.transact(json!({ "data": init_code(&recorder_code()) })).await;
    let to = receipt["contractAddress"].clone();
    let topic = format!("0x{:064x}", 7);
    let mut logs = subscribe(&node, json!(["logs", { "address": to, "topics": [topic] }])).await;
    let mut none = subscribe(&node, json!(["logs", { "address": BOB }])).await;
    let snapshot = node.call("evm_snapshot", json!([])).await;
    let receipt = node.transact(json!({ "to": to, "data": format!("0x{:064x}", 5) })).await;
    let log = next(&mut logs).await;
    assert_eq!(log, receipt["logs"][0]);
    node.call("evm_revert", json!([snapshot])).await;
    let removed = next(&mut logs).await;
    assert_eq!(removed["removed"], true);
    assert_eq!(removed["transactionHash"], receipt["transactionHash"]);
    let nothing = tokio::time::timeout(Duration::from_millis(50), none.next::<Box<RawValue>>());
    assert!(nothing.await.is_err(), "another address's logs came");
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_transactions_come_as_hashes_or_whole() {
    let node = Node::start();
    let mut hashes = subscribe(&node, json!(["newPendingTransactions"])).await;
    let mut whole = subscribe(&node, json!(["newPendingTransactions", true])).await;
    node.call("evm_setAutomine", json!([false])).await;
    let request = json!([{ "from": crate::node::ALICE, "to": BOB, "value": "0x1" }]);
    let hash = node.call("eth_sendTransaction", request).await;
    assert_eq!(next(&mut hashes).await, hash);
    assert_eq!(next(&mut whole).await["hash"], hash);
}

#[tokio::test(flavor = "multi_thread")]
async fn syncing_is_answered_once_and_nonsense_is_refused() {
    let node = Node::start();
    let mut syncing = subscribe(&node, json!(["syncing"])).await;
    assert_eq!(next(&mut syncing).await, false);
    let refused = node.module.subscribe("eth_subscribe", vec!["weather"], 1).await;
    assert!(refused.is_err());
}
