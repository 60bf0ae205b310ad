//! Refusals, with the codes that Ethereum clients expect.

use crate::node::{ALICE, BOB, Node};
use serde_json::json;
use std::time::Duration;
use tributary_rpc::RpcConfig;

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_mistake_has_its_code() {
    let node = Node::start();
    let nobody = "0x00000000000000000000000000000000000000ff";
    let cases = [
        ("eth_noSuchMethod", json!([]), -32601, "not found"),
        ("eth_getBalance", json!([]), -32602, ""),
        ("eth_getBalance", json!(["0x12", "latest"]), -32602, ""),
        ("eth_getBalance", json!([ALICE, "sometime"]), -32602, ""),
        ("eth_getBalance", json!([ALICE, "0xffff"]), -32000, "header not found"),
        ("eth_sendRawTransaction", json!(["0x1234"]), -32602, "invalid transaction"),
        ("eth_sendRawTransaction", json!(["0x03c0"]), -32000, "type 3"),
        ("eth_sendTransaction", json!([{ "from": nobody }]), -32000, "unknown account"),
        ("eth_sign", json!([nobody, "0x00"]), -32000, "unknown account"),
        ("eth_getFilterChanges", json!(["0x99"]), -32000, "filter not found"),
        ("debug_traceTransaction", json!([format!("0x{:064x}", 1)]), -32000, "not found"),
        ("debug_traceBlockByNumber", json!(["0x0"]), -32000, "genesis"),
    ];
    for (method, params, code, words) in cases {
        let error = node.error(method, params).await;
        assert_eq!(error["code"], code, "{method}: {error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.to_lowercase().contains(words), "{method}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_null() {
    let node = Node::start();
    let hash = format!("0x{:064x}", 1);
    for (method, params) in [
        ("eth_getTransactionByHash", json!([hash])),
        ("eth_getTransactionReceipt", json!([hash])),
        ("eth_getBlockByHash", json!([hash, false])),
        ("eth_getBlockByNumber", json!(["0xffff", false])),
        ("eth_getBlockReceipts", json!(["0xffff"])),
        ("eth_getTransactionByBlockNumberAndIndex", json!(["0x0", "0x0"])),
        ("eth_getRawTransactionByHash", json!([hash])),
    ] {
        assert!(node.call(method, params).await.is_null(), "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_transactions_are_named_as_geth_names_them() {
    let node = Node::start();
    let send = async |fields: serde_json::Value| {
        let mut request = json!({ "from": ALICE, "to": BOB, "gas": "0x5208" });
        request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        node.error("eth_sendTransaction", json!([request])).await["message"].to_string()
    };
    let rich = format!("0x{}", "f".repeat(40));
    assert!(send(json!({ "value": rich })).await.contains("insufficient funds"));
    assert!(send(json!({ "gas": "0x5207" })).await.contains("intrinsic gas too low"));
    let fees = json!({ "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2" });
    assert!(send(fees).await.contains("max priority fee per gas higher"));
    assert!(send(json!({ "chainId": "0x1" })).await.contains("chainId"));
    node.transact(json!({ "to": BOB, "value": "0x1" })).await;
    assert!(send(json!({ "nonce": "0x0" })).await.contains("nonce too low"));
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_and_logs_are_bounded() {
    let config = RpcConfig {
        max_filters: 2,
        max_logs: 1,
        max_log_blocks: 3,
        filter_expiry: Duration::from_secs(60),
        ..RpcConfig::default()
    };
    let node = Node::with(config, true);
    for _ in 0..2 {
        node.call("eth_newBlockFilter", json!([])).await;
    }
    assert_eq!(node.error("eth_newBlockFilter", json!([])).await["code"], -32005);
    node.call("anvil_mine", json!([5])).await;
    let wide = node.error("eth_getLogs", json!([{ "fromBlock": "0x0" }])).await;
    assert_eq!(wide["code"], -32005);
    let many: Vec<String> = (0..1_001).map(|nth| format!("0x{nth:040x}")).collect();
    let broad = node.error("eth_getLogs", json!([{ "address": many }])).await;
    assert_eq!(broad["code"], -32005);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_cannot_take_more_gas_than_the_cap() {
    let config = RpcConfig { gas_cap: 100_000, ..RpcConfig::default() };
    let node = Node::with(config, true);
    let target = "0x00000000000000000000000000000000000000bb";
    // JUMPDEST PUSH1 0 JUMP: runs until the gas is gone.
    let forever = json!({ target: { "code": "0x5b600056" } });
    let call = json!([{ "to": target, "gas": "0xffffffffffff" }, "latest", forever]);
    let error = node.error("eth_call", call).await;
    assert_eq!(error["code"], -32000);
    assert!(error["message"].as_str().unwrap().to_lowercase().contains("gas"), "{error}");
}
