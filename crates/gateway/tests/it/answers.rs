//! Answers: their form, their price, and what a caller who leaves pays.

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use tributary_client::{SignedVoucher, recover};
use tributary_contracts::{IChannels, acknowledgement_digest};
use tributary_primitives::{Party, Role};

use crate::fake::{CHAIN_ID, MODEL, PRICE, PROMPT_TOKENS, World, bytes_of, json_of};

fn chat(max_tokens: u32) -> Value {
    json!({
        "model": MODEL, "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": max_tokens,
    })
}

fn cost(tokens: u32) -> u128 {
    u128::from(PROMPT_TOKENS + tokens) * PRICE
}

#[tokio::test]
async fn an_answer_is_paid_by_one_voucher_before_it_arrives() {
    let world = World::new(1_000_000).await;
    let response = world.post("/v1/chat/completions", chat(3), &[]).await;
    assert_eq!(response.status().as_u16(), 200);
    let receipt = response.headers()["x-tributary-receipt"].to_str().expect("text").to_owned();
    let body = json_of(response).await;
    assert_eq!(body["choices"][0]["message"]["content"], "w0 w1 w2 ");
    assert_eq!(body["choices"][0]["finish_reason"], "length");
    assert_eq!(body["usage"]["total_tokens"], PROMPT_TOKENS + 3);
    assert_eq!(body["tributary"]["receipt_id"], receipt.as_str());
    let key = world.key();
    assert_eq!((key.spent.wei(), key.held.wei()), (cost(3), 0));
    let voucher = key.voucher.expect("a voucher");
    assert_eq!(voucher["cumulative"], cost(3).to_string());
    let signed = SignedVoucher {
        voucher: IChannels::Voucher {
            channelId: voucher["channel"].as_str().expect("text").parse().expect("a word"),
            seq: voucher["seq"].as_u64().expect("a number"),
            cumulative: cost(3),
            usageRoot: voucher["usage_root"].as_str().expect("text").parse().expect("a word"),
            deadline: voucher["deadline"].as_str().expect("text").parse().expect("a number"),
        },
        signature: voucher["signature"].as_str().expect("text").parse().expect("hex"),
    };
    assert_eq!(signed.signer(CHAIN_ID), Some(key.signer), "the channel's key signed it");
    let stored = world.index.receipt(receipt.parse().expect("an id")).expect("a read");
    assert!(stored.is_some(), "the receipt is durable");
}

#[tokio::test]
async fn a_receipts_payees_get_the_gateways_signed_word() {
    let world = World::new(1_000_000).await;
    let mut receipt = String::new();
    for _ in 0..2 {
        let response = world.post("/v1/chat/completions", chat(3), &[]).await;
        receipt = response.headers()["x-tributary-receipt"].to_str().expect("text").to_owned();
    }
    let found = world.get(&format!("/api/v1/receipts/{receipt}/acknowledgements")).await;
    let [item] = found["items"].as_array().expect("a list").as_slice() else { panic!("{found}") };
    let text = |name: &str| item[name].as_str().expect("text").to_owned();
    let acknowledgement = IChannels::Acknowledgement {
        gateway: world.account,
        role: Role::Provider as u8,
        party: Party::account(world.provider.account()).0,
        // What both calls owe, and no root can lack it from the second on.
        cumulative: 2 * cost(3),
        epoch: 2,
        receiptId: receipt.parse().expect("an id"),
    };
    assert_eq!(text("cumulative"), acknowledgement.cumulative.to_string());
    let digest = acknowledgement_digest(&acknowledgement, CHAIN_ID);
    let signature: alloy_primitives::Bytes = text("signature").parse().expect("hex");
    assert_eq!(recover(&digest, &signature), Some(world.account));
    let unknown = alloy_primitives::B256::repeat_byte(9);
    let refused = world.get(&format!("/api/v1/receipts/{unknown}/acknowledgements")).await;
    assert!(refused["items"].is_null(), "{refused}");
}

#[tokio::test]
async fn many_calls_at_once_never_sign_the_same_money_twice() {
    let world = World::new(1_000_000).await;
    let calls = (0..16).map(|_| world.post("/v1/chat/completions", chat(2), &[]));
    let statuses: Vec<u16> =
        futures::future::join_all(calls).await.iter().map(|r| r.status().as_u16()).collect();
    assert_eq!(statuses, vec![200; 16]);
    let key = world.key();
    assert_eq!((key.spent.wei(), key.held.wei()), (16 * cost(2), 0));
    assert_eq!(key.voucher.expect("a voucher")["seq"], 16);
}

#[tokio::test]
async fn a_stream_has_the_text_of_the_whole_answer_and_ends_as_openai_ends() {
    let world = World::new(1_000_000).await;
    let mut body = chat(4);
    body["stream"] = true.into();
    body["stream_options"] = json!({"include_usage": true});
    body["n"] = 2.into();
    let response = world.post("/v1/chat/completions", body, &[]).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = String::from_utf8(bytes_of(response).await).expect("UTF-8");
    let events: Vec<&str> =
        text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
    assert_eq!(events.last(), Some(&"[DONE]"));
    let chunks: Vec<Value> = events[..events.len() - 1]
        .iter()
        .map(|event| serde_json::from_str(event).expect("JSON"))
        .collect();
    let mut texts = [String::new(), String::new()];
    for choice in chunks.iter().filter_map(|chunk| chunk["choices"].get(0)) {
        let index = choice["index"].as_u64().expect("an index") as usize;
        texts[index].push_str(choice["delta"]["content"].as_str().unwrap_or_default());
    }
    assert_eq!(texts, ["w0 w1 w2 w3 ", "w0 w1 w2 w3 "]);
    let last = chunks.last().expect("chunks");
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["completion_tokens"], 8);
    assert_eq!(last["tributary"]["receipts"].as_array().map(Vec::len), Some(2));
    assert!(chunks[..chunks.len() - 1].iter().all(|chunk| chunk["usage"].is_null()));
}

#[tokio::test]
async fn who_leaves_in_mid_stream_pays_for_what_was_delivered() {
    let world = World::new(1_000_000).await;
    *world.provider.pace.lock().expect("a lock") = Duration::from_millis(5);
    let mut body = chat(500);
    body["stream"] = true.into();
    let response = world.post("/v1/chat/completions", body, &[]).await;
    let mut chunks = response.into_body().into_data_stream();
    for _ in 0..3 {
        chunks.next().await.expect("a chunk").expect("bytes");
    }
    drop(chunks);
    let end = tokio::time::Instant::now() + Duration::from_secs(20);
    while world.key().spent.is_zero() {
        assert!(tokio::time::Instant::now() < end, "the call was never settled");
        tokio::task::yield_now().await;
    }
    let key = world.key();
    assert!(key.spent.wei() < cost(100), "{} was paid for three chunks", key.spent);
    assert_eq!(key.held.wei(), 0);
}

#[tokio::test]
async fn a_call_above_the_cap_names_the_cap_and_holds_nothing() {
    let world = World::new(100).await;
    let response = world.post("/v1/chat/completions", chat(50), &[]).await;
    assert_eq!(response.status().as_u16(), 402);
    let error = json_of(response).await["error"].clone();
    assert_eq!(error["code"], "key_cap_reached");
    assert!(error["message"].as_str().is_some_and(|message| message.contains("top-up")));
    assert!(world.key().held.is_zero() && world.provider.jobs.lock().expect("a lock").is_empty());
}

#[tokio::test]
async fn a_receipt_that_lies_is_refused_and_nothing_is_paid() {
    let world = World::new(1_000_000).await;
    let lies: [fn(&mut tributary_primitives::ReceiptBody); 6] = [
        |body| body.gateway = Default::default(),
        |body| body.payer = Default::default(),
        |body| body.completion_tokens += 1,
        |body| body.fee_licence = tributary_primitives::Amount::from_wei(1),
        |body| body.model = tributary_primitives::ModelId(2),
        |body| body.shares_digest = tributary_primitives::Digest::ZERO,
    ];
    for lie in lies {
        *world.provider.lie.lock().expect("a lock") = Some(lie);
        let response = world.post("/v1/chat/completions", chat(3), &[]).await;
        assert_eq!(response.status().as_u16(), 502);
        assert_eq!(json_of(response).await["error"]["code"], "bad_receipt");
    }
    let key = world.key();
    assert!(key.spent.is_zero() && key.held.is_zero());
}

#[tokio::test]
async fn the_same_seed_asks_the_provider_for_the_same_random_numbers() {
    let world = World::new(1_000_000).await;
    let mut body = chat(1);
    body["n"] = 2.into();
    body["seed"] = 7.into();
    for _ in 0..2 {
        world.post("/v1/chat/completions", body.clone(), &[]).await;
    }
    let jobs = world.provider.jobs.lock().expect("a lock");
    let mut seeds: Vec<_> = jobs.iter().map(|job| job.request_seed.expect("a seed")).collect();
    seeds.sort();
    assert_eq!((seeds[0], seeds[2]), (seeds[1], seeds[3]));
    assert_ne!(seeds[0], seeds[2], "choices differ");
}

#[tokio::test]
async fn a_receipt_pays_for_one_call_alone() {
    let world = World::new(1_000_000).await;
    *world.provider.lie.lock().expect("a lock") =
        Some(|body| body.prompt_commitment = tributary_primitives::Digest::ZERO);
    let first = world.post("/v1/chat/completions", chat(3), &[]).await;
    assert_eq!(first.status().as_u16(), 200);
    let second = world.post("/v1/chat/completions", chat(3), &[]).await;
    assert_eq!(second.status().as_u16(), 502);
    assert_eq!(json_of(second).await["error"]["code"], "receipt_reused");
    let key = world.key();
    assert_eq!((key.spent.wei(), key.held.wei()), (cost(3), 0));
}
