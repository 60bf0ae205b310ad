//! Cheat codes over the wire.

use crate::node::{ALICE, BOB, Node, number};
use serde_json::json;
use tributary_rpc::RpcConfig;

const STRANGER: &str = "0x00000000000000000000000000000000000000aa";

#[tokio::test(flavor = "multi_thread")]
async fn outside_the_dev_role_they_are_unknown_methods() {
    let node = Node::with(RpcConfig::default(), false);
    for method in ["anvil_mine", "evm_snapshot", "hardhat_setBalance", "anvil_nodeInfo"] {
        assert_eq!(node.error(method, json!([])).await["code"], -32601, "{method}");
    }
    assert_eq!(node.call("eth_accounts", json!([])).await, json!([]));
    let send = json!([{ "from": ALICE, "to": BOB, "value": "0x1" }]);
    assert_eq!(node.error("eth_sendTransaction", send).await["message"], "unknown account");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_come_in_every_form_that_tools_write() {
    let node = Node::start();
    for (params, height) in [
        (json!([]), 1),
        (json!([2]), 3),
        (json!(["0x2"]), 5),
        (json!(["3", "0x1"]), 8),
        (json!([1.0]), 9),
    ] {
        node.call("anvil_mine", params.clone()).await;
        assert_eq!(node.number("eth_blockNumber", json!([])).await, height, "{params}");
    }
    assert_eq!(node.error("anvil_mine", json!(["many"])).await["code"], -32602);
    assert_eq!(node.error("anvil_mine", json!([1_000_000])).await["code"], -32602);
}

#[tokio::test(flavor = "multi_thread")]
async fn time_moves_as_told() {
    let node = Node::start();
    let block = node.call("eth_getBlockByNumber", json!(["latest", false])).await;
    let next = u64::try_from(number(&block["timestamp"])).unwrap() + 1_000_000_000;
    node.call("evm_setNextBlockTimestamp", json!([next])).await;
    node.call("evm_mine", json!([])).await;
    let block = node.call("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(number(&block["timestamp"]), u128::from(next));
    node.call("evm_increaseTime", json!(["0x64"])).await;
    node.call("evm_mine", json!([{ "blocks": 2 }])).await;
    let block = node.call("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(block["number"], "0x3");
    assert!(number(&block["timestamp"]) >= u128::from(next) + 100);
    node.call("evm_mine", json!([next + 500])).await;
    let block = node.call("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(number(&block["timestamp"]), u128::from(next) + 500);
    assert_eq!(node.error("evm_setNextBlockTimestamp", json!([5])).await["code"], -32602);
}

#[tokio::test(flavor = "multi_thread")]
async fn state_is_set_and_taken_back() {
    let node = Node::start();
    let snapshot = node.call("evm_snapshot", json!([])).await;
    node.call("anvil_setBalance", json!([STRANGER, "0xde0b6b3a7640000"])).await;
    node.call("hardhat_setNonce", json!([STRANGER, "0x9"])).await;
    node.call("anvil_setCode", json!([STRANGER, "0x6001"])).await;
    let value = format!("0x{:064x}", 3);
    let set = node.call("anvil_setStorageAt", json!([STRANGER, "0x1", value])).await;
    assert_eq!(set, true);
    assert_eq!(node.number("eth_getBalance", json!([STRANGER])).await, 10_u128.pow(18));
    assert_eq!(node.call("eth_getTransactionCount", json!([STRANGER])).await, "0x9");
    assert_eq!(node.call("eth_getCode", json!([STRANGER])).await, "0x6001");
    assert_eq!(node.call("eth_getStorageAt", json!([STRANGER, 1])).await, value);
    assert_eq!(node.call("evm_revert", json!([snapshot])).await, true);
    assert_eq!(node.call("evm_revert", json!([snapshot])).await, false);
    assert_eq!(node.call("eth_getBalance", json!([STRANGER])).await, "0x0");
    assert_eq!(node.call("eth_getCode", json!([STRANGER])).await, "0x");
    let too_much = format!("0x{}", "f".repeat(60));
    let error = node.error("anvil_setBalance", json!([STRANGER, too_much])).await;
    assert_eq!(error["code"], -32000);
}

#[tokio::test(flavor = "multi_thread")]
async fn impersonated_accounts_send_until_it_ends() {
    let node = Node::start();
    node.call("anvil_setBalance", json!([STRANGER, "0xde0b6b3a7640000"])).await;
    let request = json!({ "from": STRANGER, "to": BOB, "value": "0x1" });
    let refused = node.error("eth_sendTransaction", json!([request])).await;
    assert_eq!(refused["message"], "unknown account");
    node.call("anvil_impersonateAccount", json!([STRANGER])).await;
    let receipt = node.transact(request.clone()).await;
    assert_eq!((&receipt["from"], &receipt["status"]), (&json!(STRANGER), &json!("0x1")));
    let hash = receipt["transactionHash"].clone();
    let tx = node.call("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(tx["from"], STRANGER);
    let traced = node.call("debug_traceTransaction", json!([hash, {"tracer": "callTracer"}])).await;
    assert_eq!(traced["from"], STRANGER);
    node.call("anvil_stopImpersonatingAccount", json!([STRANGER])).await;
    assert!(node.error("eth_sendTransaction", json!([request])).await.is_object());
    let raw = node.call("eth_getRawTransactionByHash", json!([hash])).await;
    let forged = node.error("eth_sendRawTransaction", json!([raw])).await;
    let message = forged["message"].as_str().unwrap();
    assert!(message.contains("does not recover"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_is_emptied_as_told() {
    let node = Node::start();
    node.call("evm_setAutomine", json!([false])).await;
    assert_eq!(node.call("anvil_getAutomine", json!([])).await, false);
    let mut hashes = Vec::new();
    for from in [ALICE, BOB] {
        let request = json!([{ "from": from, "to": STRANGER, "value": "0x1" }]);
        hashes.push(node.call("eth_sendTransaction", request).await);
    }
    let dropped = node.call("anvil_dropTransaction", json!([hashes[0]])).await;
    assert_eq!(dropped, hashes[0]);
    assert!(node.call("anvil_dropTransaction", json!([hashes[0]])).await.is_null());
    node.call("anvil_removePoolTransactions", json!([BOB])).await;
    assert_eq!(node.call("txpool_status", json!([])).await["pending"], "0x0");
    node.call("evm_setIntervalMining", json!([1])).await;
    assert_eq!(node.call("anvil_getIntervalMining", json!([])).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_starts_again_from_genesis() {
    let node = Node::start();
    node.transact(json!({ "to": BOB, "value": "0x1" })).await;
    node.call("anvil_mine", json!([5])).await;
    node.call("anvil_reset", json!([])).await;
    assert_eq!(node.call("eth_blockNumber", json!([])).await, "0x0");
    assert_eq!(node.call("eth_getTransactionCount", json!([ALICE])).await, "0x0");
    let fork = json!([{ "forking": { "jsonRpcUrl": "http://localhost" } }]);
    assert_eq!(node.error("anvil_reset", fork).await["code"], -32000);
    assert_eq!(node.transact(json!({ "to": BOB, "value": "0x1" })).await["status"], "0x1");
    let about = node.call("anvil_nodeInfo", json!([])).await;
    assert_eq!(about["currentBlockNumber"], "0x1");
    assert_eq!(about["environment"]["chainId"], 7310);
}
