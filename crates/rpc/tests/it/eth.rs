//! `eth_*`, `debug_*`, `txpool_*` and `trib_*`.

use crate::node::{ALICE, BOB, Node, init_code, number, recorder_code};
use alloy_primitives::{Address, Signature};
use serde_json::{Value, json};

fn word(value: u64) -> String {
    format!("0x{value:064x}")
}

async fn deployed(node: &Node) -> String {
    let receipt = node.transact(json!({ "data": init_code(&recorder_code()) })).await;
    assert_eq!(receipt["status"], "0x1", "{receipt}");
    let address = receipt["contractAddress"].as_str().unwrap().to_owned();
    assert_eq!(node.call("eth_getCode", json!([address, "latest"])).await, recorder_code());
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_is_found_by_every_method() {
    let node = Node::start();
    let before = node.number("eth_getBalance", json!([BOB])).await;
    let receipt = node.transact(json!({ "to": BOB, "value": "0x64" })).await;
    let hash = receipt["transactionHash"].clone();
    assert_eq!(receipt["gasUsed"], "0x5208");
    assert_eq!(receipt["from"], ALICE);
    assert_eq!(receipt["type"], "0x2");
    let balance = node.number("eth_getBalance", json!([BOB, "latest"])).await;
    assert_eq!(balance, before + 100);
    let block_hash = receipt["blockHash"].clone();
    let block = node.call("eth_getBlockByHash", json!([block_hash, true])).await;
    assert_eq!(block["transactions"][0]["hash"], hash);
    assert_eq!(block["transactions"][0]["from"], ALICE);
    let tag = receipt["blockNumber"].clone();
    let hashes = node.call("eth_getBlockByNumber", json!([tag, false])).await;
    assert_eq!(hashes["transactions"], json!([hash]));
    let by_hash = node.call("eth_getTransactionByHash", json!([hash])).await;
    let at = json!([tag, "0x0"]);
    let by_index = node.call("eth_getTransactionByBlockNumberAndIndex", at).await;
    assert_eq!(by_hash, by_index);
    let receipts = node.call("eth_getBlockReceipts", json!([tag])).await;
    assert_eq!(receipts, json!([receipt]));
    let count = node.call("eth_getBlockTransactionCountByNumber", json!([tag])).await;
    assert_eq!(count, "0x1");
    assert_eq!(node.call("eth_getTransactionCount", json!([ALICE, "pending"])).await, "0x1");
    let old = node.number("eth_getBalance", json!([BOB, "0x0"])).await;
    assert_eq!(old, before, "the state of an earlier block is still known");
    let raw = node.call("eth_getRawTransactionByHash", json!([hash])).await;
    assert!(raw.as_str().unwrap().starts_with("0x02"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_transaction_is_sent_and_known_only_once() {
    let node = Node::start();
    node.call("evm_setAutomine", json!([false])).await;
    let request = json!([{ "from": ALICE, "to": BOB, "value": "0x1" }]);
    let raw = node.call("eth_signTransaction", request).await;
    let hash = node.call("eth_sendRawTransaction", json!([raw])).await;
    let again = node.error("eth_sendRawTransaction", json!([raw])).await;
    assert_eq!(
        (again["code"].as_i64(), again["message"].as_str()),
        (Some(-32000), Some("already known"))
    );
    let pending = node.call("eth_getTransactionByHash", json!([hash])).await;
    assert!(pending["blockHash"].is_null());
    assert_eq!(
        node.call("txpool_status", json!([])).await,
        json!({"pending": "0x1", "queued": "0x0"})
    );
    let block = node.call("eth_getBlockByNumber", json!(["pending", false])).await;
    assert_eq!(block["transactions"], json!([hash]));
    assert!(block["hash"].is_null());
    let content = node.call("txpool_content", json!([])).await;
    let lanes = content["pending"].as_object().unwrap();
    assert_eq!(lanes.values().next().unwrap()["0"]["hash"], hash);
    let inspect = node.call("txpool_inspect", json!([])).await;
    assert!(inspect.to_string().contains("1 wei + 21000 gas"), "{inspect}");
    let from = node.call("txpool_contentFrom", json!([ALICE])).await;
    assert_eq!(from["pending"]["0"]["hash"], hash);
    node.call("evm_mine", json!([])).await;
    assert_eq!(node.receipt(&hash).await["status"], "0x1");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_reverts_estimates_and_overrides() {
    let node = Node::start();
    let to = deployed(&node).await;
    let call = json!({ "from": ALICE, "to": to });
    let error = node.error("eth_call", json!([call, "latest"])).await;
    assert_eq!(error["code"], 3);
    assert_eq!(error["message"], "execution reverted: empty");
    assert!(error["data"].as_str().unwrap().starts_with("0x08c379a0"));
    let error = node.error("eth_estimateGas", json!([call])).await;
    assert_eq!(error["code"], 3);
    let write = json!({ "from": ALICE, "to": to, "data": word(5) });
    let gas = node.number("eth_estimateGas", json!([write])).await;
    assert!(gas > 21_000);
    let mut exact = write.clone();
    exact["gas"] = format!("{gas:#x}").into();
    assert_eq!(node.transact(exact).await["status"], "0x1");
    assert_eq!(node.call("eth_getStorageAt", json!([to, "0x0", "latest"])).await, word(5));
    // Code that answers with slot 0.
    let reader = json!({ &to: { "code": "0x60005460005260206000f3" } });
    let read = json!([{ "to": to }, "latest", reader]);
    assert_eq!(node.call("eth_call", read).await, word(5));
    // Code that answers with the block's number.
    let clock = json!({ &to: { "code": "0x4360005260206000f3" } });
    let read = json!([{ "to": to }, "latest", clock, { "number": "0x3039" }]);
    assert_eq!(node.call("eth_call", read).await, word(12_345));
    let list = node.call("eth_createAccessList", json!([write])).await;
    assert_eq!(list["accessList"][0]["address"], to);
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_found_by_range_hash_address_and_topic() {
    let node = Node::start();
    let to = deployed(&node).await;
    let mut receipts = Vec::new();
    for value in 1..=3 {
        receipts.push(node.transact(json!({ "to": to, "data": word(value) })).await);
    }
    let log = &receipts[1]["logs"][0];
    assert_eq!(log["data"], word(2));
    assert_eq!(log["blockHash"], receipts[1]["blockHash"]);
    let all = json!([{ "fromBlock": "earliest", "address": to }]);
    let found = node.call("eth_getLogs", all).await;
    assert_eq!(found.as_array().unwrap().len(), 3);
    assert_eq!(&found[1], log);
    let by_hash =
        json!([{ "blockHash": receipts[2]["blockHash"], "topics": [[word(7), word(8)]] }]);
    assert_eq!(node.call("eth_getLogs", by_hash).await, receipts[2]["logs"]);
    let other = json!([{ "fromBlock": "0x0", "topics": [word(8)] }]);
    assert_eq!(node.call("eth_getLogs", other).await, json!([]));
    let backwards = json!([{ "fromBlock": "0x2", "toBlock": "0x1" }]);
    assert_eq!(node.error("eth_getLogs", backwards).await["code"], -32602);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_give_each_change_once() {
    let node = Node::start();
    let to = deployed(&node).await;
    let logs = node.call("eth_newFilter", json!([{ "address": to }])).await;
    let blocks = node.call("eth_newBlockFilter", json!([])).await;
    let pending = node.call("eth_newPendingTransactionFilter", json!([])).await;
    let receipt = node.transact(json!({ "to": to, "data": word(9) })).await;
    assert_eq!(node.call("eth_getFilterChanges", json!([logs])).await, receipt["logs"]);
    assert_eq!(node.call("eth_getFilterChanges", json!([logs])).await, json!([]));
    assert_eq!(node.call("eth_getFilterLogs", json!([logs])).await, receipt["logs"]);
    let changed = node.call("eth_getFilterChanges", json!([blocks])).await;
    assert_eq!(changed, json!([receipt["blockHash"]]));
    let hashes = node.call("eth_getFilterChanges", json!([pending])).await;
    assert_eq!(hashes, json!([receipt["transactionHash"]]));
    assert_eq!(node.call("eth_uninstallFilter", json!([logs])).await, true);
    let gone = node.error("eth_getFilterChanges", json!([logs])).await;
    assert_eq!(gone["message"], "filter not found");
}

#[tokio::test(flavor = "multi_thread")]
async fn fees_have_a_history() {
    let node = Node::start();
    node.transact(json!({ "to": BOB, "value": "0x1" })).await;
    let history = node.call("eth_feeHistory", json!(["0x5", "latest", [10.0, 50.0]])).await;
    let blocks = history["gasUsedRatio"].as_array().unwrap().len();
    assert_eq!(history["baseFeePerGas"].as_array().unwrap().len(), blocks + 1);
    assert_eq!(history["reward"].as_array().unwrap().len(), blocks);
    assert!(number(&history["reward"][blocks - 1][1]) > 0);
    let falling = node.error("eth_feeHistory", json!([1, "latest", [50.0, 10.0]])).await;
    assert_eq!(falling["code"], -32602);
    let price = node.number("eth_gasPrice", json!([])).await;
    let tip = node.number("eth_maxPriorityFeePerGas", json!([])).await;
    assert_eq!(price, tip + u128::from(node.chain.next_base_fee()));
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_show_account_and_storage() {
    let node = Node::start();
    let to = deployed(&node).await;
    node.transact(json!({ "to": to, "data": word(11) })).await;
    let proof = node.call("eth_getProof", json!([to, ["0x0", word(3)], "latest"])).await;
    assert_eq!(proof["storageProof"][0]["value"], "0xb");
    assert_eq!(proof["storageProof"][0]["key"], "0x0");
    assert_eq!(proof["storageProof"][1]["value"], "0x0");
    assert_eq!(proof["nonce"], "0x1");
    assert!(!proof["accountProof"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_blocks_and_calls_are_traced() {
    let node = Node::start();
    let to = deployed(&node).await;
    let receipt = node.transact(json!({ "to": to, "data": word(1) })).await;
    let hash = receipt["transactionHash"].clone();
    let options = json!({ "tracer": "callTracer", "tracerConfig": { "withLog": true } });
    let trace = node.call("debug_traceTransaction", json!([hash, options])).await;
    assert_eq!(trace["to"], to);
    assert_eq!(trace["logs"].as_array().unwrap().len(), 1);
    let steps = node.call("debug_traceTransaction", json!([hash])).await;
    assert!(steps["structLogs"].as_array().unwrap().iter().any(|step| step["op"] == "SSTORE"));
    let block = json!([receipt["blockNumber"], options]);
    let traces = node.call("debug_traceBlockByNumber", block).await;
    assert_eq!(traces[0]["txHash"], hash);
    let call = json!([{ "from": ALICE, "to": to, "data": word(2) }, "latest", options]);
    assert_eq!(node.call("debug_traceCall", call).await["type"], "CALL");
    let before = json!({ "tracer": "prestateTracer" });
    let state = node.call("debug_traceTransaction", json!([hash, before])).await;
    assert!(state.get(&to).is_some(), "{state}");
    for method in ["debug_getRawBlock", "debug_getRawHeader", "debug_getRawReceipts"] {
        assert!(!node.call(method, json!(["latest"])).await.is_null());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_from_many_senders_is_included_whole() {
    let node = Node::start();
    let accounts = node.call("eth_accounts", json!([])).await;
    let mut hashes = Vec::new();
    for round in 0..10 {
        for account in accounts.as_array().unwrap() {
            let request = json!([{ "from": account, "to": BOB, "value": "0x1", "gas": "0x5208",
                "nonce": format!("{round:#x}") }]);
            hashes.push(node.call("eth_sendTransaction", request).await);
        }
    }
    for hash in &hashes {
        assert_eq!(node.receipt(hash).await["status"], "0x1");
    }
    let height = node.number("eth_blockNumber", json!([])).await;
    assert!(height <= 100, "{height} blocks for 100 transactions");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_says_what_it_is() {
    let node = Node::start();
    assert_eq!(node.call("eth_chainId", json!([])).await, "0x1c8e");
    assert_eq!(node.call("net_version", json!([])).await, "7310");
    assert_eq!(node.call("net_listening", json!([])).await, true);
    assert_eq!(node.call("eth_syncing", json!([])).await, false);
    let version = node.call("web3_clientVersion", json!([])).await;
    assert!(version.as_str().unwrap().starts_with("tributary/v"));
    let hash = node.call("web3_sha3", json!(["0x68656c6c6f20776f726c64"])).await;
    assert_eq!(hash, "0x47173285a8d7341e5e972fc677286384f802f8ef42a5ec5f03bbfa254cb01fad");
    let modules = node.call("rpc_modules", json!([])).await;
    assert_eq!(modules["anvil"], "1.0");
    for tag in ["latest", "earliest", "safe", "finalized"] {
        let block = node.call("eth_getBlockByNumber", json!([tag, false])).await;
        assert_eq!(block["number"], "0x0", "{tag}");
    }
    assert_eq!(node.call("eth_getBlockByNumber", json!(["0x7", false])).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_supply_counts_what_is_burned() {
    let node = Node::start();
    let supply = node.call("trib_supply", json!([])).await;
    assert_eq!(number(&supply["total"]), 10_u128.pow(27));
    let before = number(&supply["burned"]);
    node.transact(json!({ "to": BOB, "value": "0x1" })).await;
    let supply = node.call("trib_supply", json!([])).await;
    assert!(number(&supply["burned"]) > before, "the base fee burns");
    assert_eq!(number(&supply["existing"]) + number(&supply["burned"]), 10_u128.pow(27));
    let chain = node.call("trib_chain", json!([])).await;
    assert_eq!(chain["dev"], true);
    node.call("trib_nextTimer", json!([])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn typed_data_is_signed_for_dev_accounts_alone() {
    let node = Node::start();
    let field = |name: &str, kind: &str| json!({ "name": name, "type": kind });
    // The example of EIP-712, with the digest that it publishes.
    let data = json!({
        "types": {
            "EIP712Domain": [
                field("name", "string"),
                field("version", "string"),
                field("chainId", "uint256"),
                field("verifyingContract", "address"),
            ],
            "Person": [field("name", "string"), field("wallet", "address")],
            "Mail": [field("from", "Person"), field("to", "Person"), field("contents", "string")],
        },
        "primaryType": "Mail",
        "domain": {
            "name": "Ether Mail",
            "version": "1",
            "chainId": 1,
            "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
        },
        "message": {
            "from": { "name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826" },
            "to": { "name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB" },
            "contents": "Hello, Bob!",
        },
    });
    let digest = "0xbe609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2";
    for shown in [data.clone(), Value::from(data.to_string())] {
        let signature = node.call("eth_signTypedData_v4", json!([ALICE, shown])).await;
        let signature: Signature = signature.as_str().unwrap().parse().unwrap();
        let signer = signature.recover_address_from_prehash(&digest.parse().unwrap()).unwrap();
        assert_eq!(signer, ALICE.parse::<Address>().unwrap());
    }
    let stranger = "0x00000000000000000000000000000000000000ff";
    let error = node.error("eth_signTypedData_v4", json!([stranger, data])).await;
    assert_eq!(error["message"], "unknown account");
    let broken = node.error("eth_signTypedData_v4", json!([ALICE, { "types": {} }])).await;
    assert_eq!(broken["code"], -32602);
}
