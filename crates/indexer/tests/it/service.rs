//! Jobs, keys, sessions, uploads and idempotency keys over restarts.

use alloy_primitives::{Address, B256};
use serde_json::json;
use tributary_indexer::{
    GuestRow, Hold, JobRow, JobState, KeyCharge, ProgressPoint, Replay, SettledCall, UploadRow,
    UploadState, session_hash,
};
use tributary_primitives::{Amount, ContributionId, DatanetId, Digest, ModelId, TaskId};

use crate::{
    Desk,
    money::{key, receipt},
};

fn job(state: JobState) -> JobRow {
    JobRow {
        id: TaskId(7),
        owner: Address::repeat_byte(1),
        provider: Address::repeat_byte(2),
        model_name: "ada/tea".into(),
        base_model: ModelId(1),
        datanet: DatanetId(1),
        version: 1,
        preset: "quick".into(),
        steps: 100,
        state,
        phase: "reading 20 rows".into(),
        error: None,
        result_model: None,
        fee: Amount::from_wei(4),
        details: json!({"seed": 1}),
        created_ms: 0,
        updated_ms: 0,
    }
}

fn point(step: u32, loss: f64) -> ProgressPoint {
    ProgressPoint { step, loss, val_loss: None, tokens_per_s: 100.0, eta_ms: 1000, at_ms: 0 }
}

#[tokio::test]
async fn an_acknowledged_job_and_its_curve_survive_a_restart_and_are_resumed() {
    let mut desk = Desk::new();
    desk.index.put_job(job(JobState::Training)).await.unwrap();
    desk.index.put_progress(TaskId(7), point(1, 3.0)).await.unwrap();
    desk.index.put_progress(TaskId(7), point(2, 2.0)).await.unwrap();
    desk.reopen();
    desk.index.put_progress(TaskId(7), point(2, 1.5)).await.unwrap();
    let curve: Vec<_> =
        desk.index.progress(TaskId(7)).unwrap().iter().map(|p| (p.step, p.loss)).collect();
    assert_eq!(curve, [(1, 3.0), (2, 1.5)]);
    let unfinished: Vec<_> =
        desk.index.unfinished_jobs().unwrap().iter().map(|job| job.id).collect();
    assert_eq!(unfinished, [TaskId(7)]);
}

#[tokio::test]
async fn a_finished_job_never_starts_again() {
    let desk = Desk::new();
    desk.index.put_job(job(JobState::Done)).await.unwrap();
    assert!(desk.index.put_job(job(JobState::Training)).await.is_err());
    assert_eq!(desk.index.job(TaskId(7)).unwrap().unwrap().state, JobState::Done);
    assert!(desk.index.unfinished_jobs().unwrap().is_empty());
}

#[tokio::test]
async fn a_plain_thread_can_wait_for_its_write() {
    let desk = Desk::new();
    let index = desk.index.clone();
    let thread = std::thread::spawn(move || index.put_job(job(JobState::Submitted)).wait());
    thread.join().unwrap().unwrap();
    assert!(desk.index.job(TaskId(7)).unwrap().is_some());
}

#[tokio::test]
async fn holds_never_pass_the_cap_and_a_restart_frees_them() {
    let mut desk = Desk::new();
    let hash = Digest([5; 32]);
    desk.index.put_key(key(hash, 1_000)).await.unwrap();
    let wei = Amount::from_wei;
    assert_eq!(desk.index.hold(hash, "a", wei(600)).await.unwrap(), Hold::Placed);
    let over = Hold::OverCap { available: wei(400) };
    assert_eq!(desk.index.hold(hash, "b", wei(401)).await.unwrap(), over);
    assert_eq!(desk.index.hold(Digest([6; 32]), "c", wei(1)).await.unwrap(), Hold::Unknown);
    let charge =
        KeyCharge { key_hash: hash, hold: Some("a".into()), voucher: json!({"cumulative": "100"}) };
    let charge = Some(charge);
    let call = SettledCall { receipt: receipt(1, 60, 40), transcript: None, charge, job: None };
    desk.index.settle_call(call).await.unwrap();
    let stored = desk.index.key(hash).unwrap().unwrap();
    assert_eq!((stored.spent, stored.held, stored.available()), (wei(100), wei(0), wei(900)));
    assert_eq!(desk.index.unredeemed_keys().unwrap().len(), 1);
    desk.index.mark_redeemed(hash, wei(100)).await.unwrap();
    assert!(desk.index.unredeemed_keys().unwrap().is_empty());

    desk.index.hold(hash, "d", wei(900)).await.unwrap();
    desk.reopen();
    desk.index.release_all_holds().await.unwrap();
    assert_eq!(desk.index.key(hash).unwrap().unwrap().available(), wei(900));
    desk.index.revoke_key(hash).await.unwrap();
    assert_eq!(desk.index.hold(hash, "e", wei(1)).await.unwrap(), Hold::Unknown);
}

#[tokio::test]
async fn an_idempotency_key_replays_its_answer_and_refuses_another_body() {
    let desk = Desk::new();
    let body = Digest::of(b"one");
    let begin = |body| desk.index.begin_idempotent("ada", "k1", "POST /jobs", body);
    assert_eq!(begin(body).await.unwrap(), Replay::Fresh);
    assert_eq!(begin(body).await.unwrap(), Replay::Running);
    desk.index.finish_idempotent("ada", "k1", 202, b"{}".to_vec()).await.unwrap();
    let stored = Replay::Stored { status: 202, response: b"{}".to_vec() };
    assert_eq!(begin(body).await.unwrap(), stored);
    assert_eq!(begin(Digest::of(b"two")).await.unwrap(), Replay::Mismatch);
    let other = desk.index.begin_idempotent("bo", "k1", "POST /jobs", body).await.unwrap();
    assert_eq!(other, Replay::Fresh, "keys of two accounts never meet");
}

#[tokio::test]
async fn a_session_ends_by_time_or_by_sign_out_and_its_token_is_never_stored() {
    let desk = Desk::new();
    let ada = Address::repeat_byte(0xad);
    desk.index.put_session(session_hash("token"), ada, i64::MAX).await.unwrap();
    assert_eq!(desk.index.session("token").unwrap(), Some(ada));
    assert_eq!(desk.index.session("other").unwrap(), None);
    desk.index.end_session(session_hash("token")).await.unwrap();
    assert_eq!(desk.index.session("token").unwrap(), None);
    desk.index.put_session(session_hash("old"), ada, 1).await.unwrap();
    assert_eq!(desk.index.session("old").unwrap(), None);
}

#[tokio::test]
async fn a_guest_key_is_exported_once() {
    let desk = Desk::new();
    let guest = GuestRow {
        account: Address::repeat_byte(0xad),
        name: "Quiet Heron".into(),
        origin: "127.0.0.1".into(),
        key_blob: vec![1, 2, 3],
        exported_ms: None,
        created_ms: 0,
    };
    desk.index.put_guest(guest.clone()).await.unwrap();
    assert_eq!(desk.index.guests_from("127.0.0.1", 0).unwrap(), 1);
    assert!(desk.index.export_guest(guest.account).await.unwrap());
    assert!(!desk.index.export_guest(guest.account).await.unwrap());
    assert_eq!(desk.index.guest(guest.account).unwrap().unwrap().key_blob, guest.key_blob);
}

#[tokio::test]
async fn an_upload_keeps_its_report_and_gets_its_contribution() {
    let desk = Desk::new();
    let upload = UploadRow {
        id: "u1".into(),
        account: Address::repeat_byte(0xad),
        digest: Digest([4; 32]),
        name: "rows.jsonl".into(),
        datanet: DatanetId(1),
        rows: 2,
        accepted: 1,
        items_root: B256::ZERO,
        checks: Vec::new(),
        stake: Amount::from_wei(5),
        fee: Amount::from_wei(1),
        state: UploadState::Checked,
        contribution: None,
        at_ms: 0,
    };
    desk.index.put_upload(upload).await.unwrap();
    desk.index.submit_upload("u1", ContributionId(3)).await.unwrap();
    let stored = desk.index.upload("u1").unwrap().unwrap();
    assert_eq!(
        (stored.state, stored.contribution),
        (UploadState::Submitted, Some(ContributionId(3)))
    );
    assert_eq!(stored.stake, Amount::from_wei(5));
    assert!(desk.index.submit_upload("u2", ContributionId(3)).await.is_err());
}

#[tokio::test]
async fn writes_after_close_are_refused() {
    let desk = Desk::new();
    desk.index.close();
    assert!(desk.index.put_setting("a", "b").await.is_err());
}
