//! The live stream: a page hears of what it shows, and its owner of what was earned.

use alloy_primitives::B256;
use axum::{
    body::{Body, BodyDataStream},
    http::{Request, header},
};
use futures::StreamExt;
use serde_json::json;
use tower::ServiceExt;
use tributary_contracts::{CHANNELS, IChannels};
use tributary_indexer::{EpochRow, LeafRow, ProgressPoint, mocks::FakeTx};
use tributary_primitives::{Amount, TaskId};

use crate::fixture::{ADA, BO, Fixture, GATEWAY, TOKEN};

async fn listen(fixture: &Fixture, path: &str) -> BodyDataStream {
    listen_told(fixture, path, "").await
}

async fn listen_told(fixture: &Fixture, path: &str, more: &str) -> BodyDataStream {
    let request = Request::get(format!("/live?path={path}"))
        .header(header::COOKIE, format!("tributary_session={TOKEN}; {more}"))
        .body(Body::empty())
        .unwrap();
    let response = fixture.console.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    response.into_body().into_data_stream()
}

/// Reads until the stream has said `words`; everything read so far.
async fn until(stream: &mut BodyDataStream, words: &str) -> String {
    let mut seen = String::new();
    let reading = async {
        while !seen.contains(words) {
            let chunk = stream.next().await.expect("the stream goes on").unwrap();
            seen.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    // A hang limit, far above what it takes.
    let limit = std::time::Duration::from_secs(30);
    assert!(tokio::time::timeout(limit, reading).await.is_ok(), "no `{words}`");
    seen
}

#[tokio::test]
async fn a_job_page_is_sent_its_curve_again_after_each_point() {
    let fixture = Fixture::new().await;
    let mut stream = listen(&fixture, "/jobs/2").await;
    until(&mut stream, "#live").await;
    let point = ProgressPoint {
        step: 76,
        loss: 0.777,
        val_loss: None,
        tokens_per_s: 1.0,
        eta_ms: 5_000,
        at_ms: 0,
    };
    fixture.index.put_progress(TaskId(2), point).await.unwrap();
    let seen = until(&mut stream, "Loss 3.350 at step 0, 0.777 at step 76.").await;
    assert!(seen.contains("hx-partial hx-target=\"#live\""));
    assert!(seen.contains("about 5 s left"));
}

#[tokio::test]
async fn a_posted_root_toasts_the_earner_on_any_page() {
    let fixture = Fixture::new().await;
    let mut stream = listen(&fixture, "/play").await;
    until(&mut stream, "#account").await;
    let cut = fixture.index.epoch_cut(GATEWAY).unwrap().unwrap();
    let total: Amount = cut.accrued.iter().map(|leaf| leaf.cumulative).sum();
    let leaf = |(leaf, position)| LeafRow { leaf, position, proof: json!({}) };
    let epoch = EpochRow {
        gateway: GATEWAY,
        epoch: cut.epoch,
        root: B256::repeat_byte(5),
        total,
        up_to: cut.up_to,
        leaves: cut.accrued.into_iter().zip(0..).map(leaf).collect(),
    };
    fixture.index.put_epoch(epoch.clone()).await.unwrap();
    let posted = IChannels::EpochRootPosted {
        gateway: GATEWAY,
        epoch: epoch.epoch,
        root: epoch.root,
        total: total.wei(),
        leaves: 1,
        dataHash: B256::ZERO,
        claimableAt: 0,
    };
    let call = IChannels::pokeCall { max: 0 };
    let tx = FakeTx::call(GATEWAY, CHANNELS, &call).emits(&posted);
    fixture.chain.add_block(fixture.time + 9, vec![tx]);
    fixture.follow().await;
    let seen = until(&mut stream, "See why").await;
    assert!(seen.contains("You earned"), "{seen}");
    assert!(seen.contains("from 1 answer"), "{seen}");
    assert!(seen.contains("data-amount=\"2333333333333456\""), "{seen}");
}

#[tokio::test]
async fn what_was_earned_while_nobody_listened_is_told_once() {
    let fixture = Fixture::new().await;
    let money = fixture.index.earnings(ADA).unwrap();
    let posted = money.earned.saturating_add(money.paid);
    let behind = posted.wei() - 7;
    let mut stream =
        listen_told(&fixture, "/docs", &format!("tributary_told={ADA}.{behind}")).await;
    let seen = until(&mut stream, "See why").await;
    assert!(seen.contains("data-amount=\"7\"") && seen.contains("from 1 answer"), "{seen}");
    assert!(seen.contains(&format!("data-posted=\"{}\"", posted.wei())), "{seen}");
    for told in [format!("{ADA}.{}", posted.wei()), format!("{BO}.{behind}"), "nonsense".into()] {
        let mut stream = listen_told(&fixture, "/docs", &format!("tributary_told={told}")).await;
        let seen = until(&mut stream, "</hx-partial>").await;
        assert!(!seen.contains("You earned"), "{told}: {seen}");
    }
}
