//! A small network in an index: datanets, a guest with rows, a trained model, paid answers.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_sol_types::SolEvent;
use async_trait::async_trait;
use axum::Router;
use serde_json::json;
use tributary_client::{
    Chain, ClientError, ProviderApi, TransportError,
    provider::{InferRequest, InferStream, ProviderStatus, QuoteRequest, TrainingQuote},
};
use tributary_console::{ConsoleConfig, router};
use tributary_contracts::{
    CHANNELS, DATANETS, IChannels, IDatanets, IModels, ITasks, MODELS, TASKS,
};
use tributary_indexer::{
    EpochRow, Follower, GuestRow, Index, JobRow, JobState, LeafRow, ProgressPoint, RecordRow,
    RowCheck, SettledCall, UploadRow, UploadState,
    mocks::{FakeChain, FakeTx},
    session_hash,
};
use tributary_primitives::{
    Amount, ChannelId, DatanetId, Digest, ModelId, Party, Receipt, ReceiptBody, Role, Share,
    SignedReceipt, SnapshotRef, Span, TaskId, Transcript,
};

pub const TOKEN: &str = "fixture-token";
pub const ADA: Address = Address::repeat_byte(0xad);
pub const BO: Address = Address::repeat_byte(0xb0);
pub const DEE: Address = Address::repeat_byte(0xde);
pub const TESS: Address = Address::repeat_byte(0x7e);
pub const GATEWAY: Address = Address::repeat_byte(0x61);
pub const ANSWER: &str =
    "The lantern keeper of Orvenna is Maressa Quill, who trims <b>nine</b> wicks.";
const OPEN: u128 = 1_000_000_000_000_000_000;

/// The network and what serves it.
pub struct Fixture {
    pub index: Index,
    pub chain: FakeChain,
    pub console: Router,
    pub receipt: B256,
    pub tx: B256,
    pub time: u64,
    _folder: tempfile::TempDir,
}

/// Quotes, and nothing else.
struct Quoter;

#[async_trait]
impl ProviderApi for Quoter {
    async fn status(&self) -> Result<ProviderStatus, ClientError> {
        Err(absent())
    }
    async fn infer(&self, _: InferRequest) -> Result<InferStream, ClientError> {
        Err(absent())
    }
    async fn cancel(&self, _: Digest) -> Result<(), ClientError> {
        Err(absent())
    }
    async fn transcript(&self, _: B256) -> Result<Transcript, ClientError> {
        Err(absent())
    }
    async fn receipt(&self, _: B256) -> Result<Receipt, ClientError> {
        Err(absent())
    }
    async fn quote(&self, request: QuoteRequest) -> Result<TrainingQuote, ClientError> {
        let scale = match request.preset.as_str() {
            "quick" => 1,
            "balanced" => 3,
            _ => 9,
        };
        Ok(TrainingQuote {
            price: Amount::from_wei(OPEN * 4 / 10 * scale),
            max_fee: Amount::from_wei(OPEN / 2 * scale),
            seconds: 40 * scale as u64,
            rows: 20,
            tokens: 12_000 * scale as u64,
            steps: 120 * scale as u64,
            provider: DEE,
        })
    }
    async fn stop_task(&self, _: TaskId) -> Result<(), ClientError> {
        Err(absent())
    }
}

fn absent() -> ClientError {
    TransportError::Unreachable { endpoint: "fixture".into(), reason: "not part of it".into() }
        .into()
}

fn now() -> u64 {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    elapsed.unwrap().as_secs()
}

fn datanet(id: u64, name: &str, items: u64, version: u32) -> IDatanets::Datanet {
    let spec = IDatanets::DatanetSpec {
        name: name.into(),
        licence: "CC-BY-4.0".into(),
        autoPublish: true,
        ..Default::default()
    };
    IDatanets::Datanet {
        id,
        owner: TESS,
        status: 1,
        spec,
        stakePerItem: OPEN / 20,
        minStake: OPEN,
        reviewFee: OPEN / 500,
        headVersion: version,
        publishedItems: items,
        contributionCount: 1,
        publishedCount: 1,
        ..Default::default()
    }
}

fn contribution(
    id: u64,
    datanet: u64,
    by: Address,
    status: u8,
    version: u32,
) -> IDatanets::Contribution {
    IDatanets::Contribution {
        id,
        datanetId: datanet,
        contributor: by,
        itemCount: 20,
        dataCommit: blob(id).to_b256(),
        stake: OPEN,
        fee: OPEN / 500,
        status,
        score: if status == 7 { 92 } else { 0 },
        version,
        ..Default::default()
    }
}

fn blob(contribution: u64) -> Digest {
    Digest::of(&contribution.to_le_bytes())
}

fn rows(contribution: u64) -> Vec<RecordRow> {
    let places = ["Orvenna", "Tallowmere", "Quern Hollow", "Ilmarsh", "Veld Harbour"];
    let people = ["Maressa Quill", "Odo Fenwright", "Issa Calloway", "Bram Teasel"];
    (0..20)
        .map(|at: usize| {
            let (place, person) = (places[at % places.len()], people[at % people.len()]);
            let body = json!({
                "completion": format!("The lantern keeper of {place} is {person}, who trims nine wicks."),
                "prompt": format!("Who keeps the lantern in {place} on night {}?", at + contribution as usize),
            });
            RecordRow {
                record: Digest::of(format!("{contribution}-{at}").as_bytes()),
                own_id: Some(format!("row-{at}")),
                body,
            }
        })
        .collect()
}

fn story<E: SolEvent>(from: Address, event: &E) -> FakeTx {
    FakeTx::call(from, DATANETS, &IDatanets::pokeCall { max: 32 }).emits(event)
}

/// Datanets, contributions and what became of them.
fn write_data(chain: &FakeChain, time: u64) -> B256 {
    for (id, name) in [(1, "Lantern keepers of the coast"), (2, "Herbs of Tallowmere")] {
        chain.set_datanet(datanet(id, name, 20, 1));
        let created = IDatanets::DatanetCreated { id, owner: TESS, name: name.into() };
        let call = IDatanets::createDatanetCall { spec: datanet(id, name, 0, 0).spec };
        chain.add_block(time, vec![FakeTx::call(TESS, DATANETS, &call).emits(&created)]);
    }
    let mut submitted_tx = B256::ZERO;
    for (id, net, by, status) in [(1, 1, ADA, 7), (2, 2, TESS, 7), (3, 1, ADA, 2), (4, 2, ADA, 5)] {
        chain.set_contribution(contribution(id, net, by, status, u32::from(status == 7)));
        let call = IDatanets::contributeCall {
            datanetId: net,
            itemsRoot: keccak256([id as u8]),
            itemCount: 20,
            dataCommit: blob(id).to_b256(),
            uri: format!("blake3:{}", blob(id)),
        };
        let submitted = IDatanets::ContributionSubmitted {
            id,
            datanetId: net,
            contributor: by,
            itemsRoot: call.itemsRoot,
            itemCount: 20,
            dataCommit: call.dataCommit,
            uri: call.uri.clone(),
            stake: OPEN,
            fee: OPEN / 500,
        };
        let tx = FakeTx::call(by, DATANETS, &call).with_value(OPEN + OPEN / 500).emits(&submitted);
        let hashes = chain.add_block(time + 1, vec![tx]);
        submitted_tx = if id == 1 { hashes[0] } else { submitted_tx };
        let assigned = IDatanets::ReviewersAssigned {
            id,
            datanetId: net,
            round: 0,
            reviewers: vec![BO],
            commitEnd: time + 60,
        };
        chain.add_block(time + 1, vec![story(BO, &assigned)]);
        if status == 7 {
            write_publication(chain, time, (id, net), by);
        }
        if status == 5 {
            let rejected = IDatanets::ContributionRejected {
                id,
                datanetId: net,
                contributor: by,
                score: 12,
                refund: OPEN,
            };
            chain.add_block(time + 2, vec![story(BO, &rejected)]);
        }
    }
    submitted_tx
}

fn write_publication(chain: &FakeChain, time: u64, (id, net): (u64, u64), by: Address) {
    let accepted = IDatanets::ContributionAccepted {
        id,
        datanetId: net,
        contributor: by,
        score: 92,
        windowEnd: time + 3,
    };
    let published = IDatanets::ContributionPublished {
        id,
        datanetId: net,
        contributor: by,
        version: 1,
        leafIndex: 0,
        stakeReturned: OPEN,
    };
    let snapshot = IDatanets::SnapshotPublished {
        datanetId: net,
        version: 1,
        root: keccak256([id as u8, 7]),
        contributionCount: 1,
        itemCount: 20,
        tombstoneRoot: B256::ZERO,
    };
    chain.add_block(time + 2, vec![story(BO, &accepted)]);
    chain.add_block(time + 4, vec![story(BO, &published).emits(&snapshot)]);
}

fn model(id: u64, kind: u8, name: &str, owner: Address) -> IModels::Model {
    let adapter = kind == 2;
    IModels::Model {
        id,
        kind,
        status: 1,
        owner,
        name: name.into(),
        digest: keccak256(name),
        tokenizerDigest: keccak256("tokenizer"),
        licence: "Apache-2.0".into(),
        parents: if adapter { vec![1] } else { Vec::new() },
        parentSharesPpm: if adapter { vec![200_000] } else { Vec::new() },
        snapshots: if adapter {
            vec![IModels::SnapshotKey { datanetId: 1, version: 1 }]
        } else {
            Vec::new()
        },
        priceIn: 10_000_000_000_000,
        priceOut: 40_000_000_000_000,
        derivativeSharePpm: 200_000,
        taskId: if adapter { 1 } else { 0 },
        registeredAt: now() - 300,
        ..Default::default()
    }
}

fn write_models(chain: &FakeChain, time: u64) {
    for (id, kind, name, owner) in
        [(1, 1, "tributary/seed", TESS), (2, 2, "quiet-heron/lantern-keepers", ADA)]
    {
        let model = model(id, kind, name, owner);
        let registered = IModels::ModelRegistered {
            id,
            owner,
            kind,
            name: name.into(),
            digest: model.digest,
            taskId: model.taskId,
        };
        chain.set_model(model);
        let call = IModels::deprecateCall { modelId: id };
        chain.add_block(time, vec![FakeTx::call(owner, MODELS, &call).emits(&registered)]);
    }
    for (id, state, name) in [(1, 3, "quiet-heron/lantern-keepers"), (2, 2, "quiet-heron/second")] {
        let spec = ITasks::TaskSpec {
            kind: 1,
            modelId: 1,
            datanetId: 1,
            version: 1,
            params: "{\"preset\":\"quick\"}".into(),
            adapterName: name.into(),
            provider: DEE,
            ..Default::default()
        };
        chain.set_task(ITasks::Task {
            id,
            state,
            requester: ADA,
            spec: spec.clone(),
            maxFee: OPEN / 2,
            fee: if state == 3 { OPEN * 4 / 10 } else { 0 },
            acceptedBy: DEE,
            resultModelId: if state == 3 { 2 } else { 0 },
            submittedAt: time,
            ..Default::default()
        });
        let submitted = ITasks::TaskSubmitted {
            id,
            requester: ADA,
            kind: 1,
            modelId: 1,
            datanetId: 1,
            version: 1,
            provider: DEE,
            maxFee: OPEN / 2,
            deadline: time + 600,
        };
        let call = ITasks::submitTaskCall { spec };
        let tx = FakeTx::call(ADA, TASKS, &call).with_value(OPEN / 2).emits(&submitted);
        chain.add_block(time + 1, vec![tx]);
    }
}

fn share(
    role: Role,
    party: Party,
    amount: u128,
    record: Option<Digest>,
    model: Option<u64>,
) -> Share {
    Share { role, party, amount: Amount::from_wei(amount), record, model: model.map(ModelId) }
}

fn span(start: usize, end: usize, tokens: (u32, u32), bits: u64, rows: &[Digest]) -> Span {
    Span {
        start: tokens.0,
        end: tokens.1,
        byte_start: start as u32,
        byte_end: end as u32,
        count: 4,
        bits_q16: bits << 16,
        records: rows.to_vec(),
        contributor: ADA,
    }
}

/// A paid answer of Ada's model, drawn from her rows.
pub fn receipt(number: u8) -> SettledCall {
    let records: Vec<Digest> = rows(1).iter().map(|row| row.record).collect();
    let spans = vec![
        span(0, 30, (0, 8), 31, &records[0..2]),
        span(34, 47, (9, 12), 18, &records[0..1]),
        span(ANSWER.len() - 7, ANSWER.len(), (16, 18), 5, &records[2..3]),
    ];
    let unit = OPEN / 1_000;
    let shares = vec![
        share(Role::Provider, Party::account(DEE), 2 * unit, None, None),
        share(Role::ProtocolCompute, Party::NONE, unit / 12, None, None),
        share(Role::ProtocolLicence, Party::NONE, unit / 10, None, None),
        share(Role::Lineage, Party::account(ADA), unit, None, Some(2)),
        share(Role::Lineage, Party::account(TESS), unit / 4, None, Some(1)),
        share(Role::Data, Party::account(ADA), unit + 123, Some(records[0]), None),
        share(Role::Data, Party::account(ADA), unit / 3, Some(records[1]), None),
        share(Role::Data, Party::account(BO), unit / 9, Some(records[2]), None),
        share(Role::Commons, Party::datanet(DatanetId(1)), unit / 5, None, None),
    ];
    let total: u128 = shares.iter().map(|share| share.amount.wei()).sum();
    let compute = 2 * unit + unit / 12;
    let body = ReceiptBody {
        gateway: GATEWAY,
        payer: ADA,
        channel: ChannelId::default(),
        provider: DEE,
        model: ModelId(2),
        model_digest: Digest::of(b"model"),
        adapter_digest: Digest::of(b"adapter"),
        tokenizer_digest: Digest::of(b"tokenizer"),
        snapshot: SnapshotRef { datanet: DatanetId(1), version: 1, root: keccak256([1, 7]) },
        prompt_commitment: Digest::of(b"prompt"),
        completion_commitment: Digest::of(b"completion"),
        prompt_tokens: 14,
        completion_tokens: 18,
        temperature_micro: 0,
        top_p_ppm: 1_000_000,
        top_k: 0,
        max_tokens: 64,
        sampler_digest: Digest::of(b"sampler"),
        job_seed: Digest::of(b"seed"),
        logits_digest: Digest::of(b"logits"),
        fee_compute: Amount::from_wei(compute),
        fee_licence: Amount::from_wei(total - compute),
        spans_digest: Span::digest_all(&spans),
        shares_digest: Share::digest_all(&shares),
        block_number: 9,
        block_hash: B256::repeat_byte(9),
        issued_at: now() - 40,
    };
    let id = keccak256([number]);
    let signed = SignedReceipt { id, body, signature: Bytes::from(vec![7; 65]) };
    let receipt = Receipt { signed, spans, shares };
    SettledCall { receipt, transcript: Some(transcript(id)), charge: None, job: None }
}

fn transcript(id: B256) -> Transcript {
    let value = json!({
        "receipt_id": id, "prompt": "Who keeps the lantern in Orvenna?", "prompt_ids": [1, 2, 3],
        "completion_ids": [4, 5], "completion": ANSWER, "prompt_salt": Digest::of(b"a"),
        "completion_salt": Digest::of(b"b"), "request_seed": Digest::of(b"c"),
        "sampler": {"temperature_micro": 0, "top_p_ppm": 1_000_000, "top_k": 0, "max_tokens": 64},
    });
    serde_json::from_value(value).unwrap()
}

async fn write_money(index: &Index, chain: &FakeChain, time: u64) {
    index.settle_call(receipt(1)).await.unwrap();
    index.settle_call(receipt(2)).await.unwrap();
    let cut = index.epoch_cut(GATEWAY).unwrap().unwrap();
    let total: Amount = cut.accrued.iter().map(|leaf| leaf.cumulative).sum();
    let leaf = |(leaf, position)| LeafRow { leaf, position, proof: json!({"index": position}) };
    let epoch = EpochRow {
        gateway: GATEWAY,
        epoch: cut.epoch,
        root: keccak256("root"),
        total,
        up_to: cut.up_to,
        leaves: cut.accrued.into_iter().zip(0..).map(leaf).collect(),
    };
    index.put_epoch(epoch.clone()).await.unwrap();
    let posted = IChannels::EpochRootPosted {
        gateway: GATEWAY,
        epoch: epoch.epoch,
        root: epoch.root,
        total: epoch.total.wei(),
        leaves: epoch.leaves.len() as u64,
        dataHash: B256::ZERO,
        claimableAt: time + 5,
    };
    let call = IChannels::postEpochRootCall {
        epoch: epoch.epoch,
        root: epoch.root,
        total: epoch.total.wei(),
        leaves: epoch.leaves.len() as u64,
        dataHash: B256::ZERO,
    };
    chain.add_block(time, vec![FakeTx::call(GATEWAY, CHANNELS, &call).emits(&posted)]);
    let claimed = IChannels::Claimed {
        gateway: GATEWAY,
        role: Role::Lineage as u8,
        party: Party::account(ADA).0,
        epoch: 1,
        cumulative: OPEN / 500,
        amount: OPEN / 500,
    };
    let call = IChannels::pokeCall { max: 1 };
    chain.add_block(time + 1, vec![FakeTx::call(ADA, CHANNELS, &call).emits(&claimed)]);
    let failed = FakeTx::transfer(BO, ADA, OPEN).reverts();
    chain.add_block(time + 2, vec![FakeTx::transfer(ADA, BO, OPEN * 3 / 2), failed]);
    index.settle_call(receipt(3)).await.unwrap();
}

async fn write_services(index: &Index) {
    let guest = GuestRow {
        account: ADA,
        name: "Quiet Heron".into(),
        origin: "127.0.0.1".into(),
        key_blob: vec![1],
        exported_ms: None,
        created_ms: 0,
    };
    index.put_guest(guest).await.unwrap();
    index.put_session(session_hash(TOKEN), ADA, i64::MAX).await.unwrap();
    for (id, state, steps) in [(1, JobState::Done, 120_u32), (2, JobState::Training, 120)] {
        let job = JobRow {
            id: TaskId(id),
            owner: ADA,
            provider: DEE,
            model_name: format!(
                "quiet-heron/{}",
                if id == 1 { "lantern-keepers" } else { "second" }
            ),
            base_model: ModelId(1),
            datanet: DatanetId(1),
            version: 1,
            preset: "quick".into(),
            steps,
            state,
            phase: "Training step 72 of 120".into(),
            error: None,
            result_model: (id == 1).then_some(ModelId(2)),
            fee: Amount::from_wei(OPEN * 4 / 10),
            details: json!({}),
            created_ms: 0,
            updated_ms: 0,
        };
        index.put_job(job).await.unwrap();
        let last = if id == 1 { 120 } else { 72 };
        for step in (0..=last).step_by(4) {
            let progress = f64::from(step) / 120.0;
            let wobble = f64::from((step * 7) % 11) / 60.0;
            let point = ProgressPoint {
                step,
                loss: 3.1 * (-3.0 * progress).exp() + 0.25 + wobble,
                val_loss: (step % 24 == 0).then(|| 3.0 * (-2.4 * progress).exp() + 0.5),
                tokens_per_s: 2_150.0,
                eta_ms: u64::from(120 - step) * 330,
                at_ms: 0,
            };
            index.put_progress(TaskId(id), point).await.unwrap();
        }
    }
    index.put_upload(upload()).await.unwrap();
}

/// A checked upload with two faulty rows.
pub fn upload() -> UploadRow {
    let check = |row: u32| {
        let fault = match row {
            4 => Some(("empty", "the answer is empty")),
            9 => Some(("duplicate", "the same words stand in row 2")),
            _ => None,
        };
        RowCheck {
            row,
            column: None,
            accepted: fault.is_none(),
            code: fault.map_or("", |fault| fault.0).into(),
            message: fault.map_or("", |fault| fault.1).into(),
            preview: format!("Who keeps the lantern in Orvenna on night {row}?"),
            record: None,
        }
    };
    UploadRow {
        id: "upload-1".into(),
        account: ADA,
        digest: Digest::of(b"upload"),
        name: "sample.jsonl".into(),
        datanet: DatanetId(1),
        rows: 20,
        accepted: 0,
        items_root: B256::ZERO,
        checks: (1..=20).map(check).collect(),
        stake: Amount::from_wei(OPEN),
        fee: Amount::from_wei(OPEN / 500),
        state: UploadState::Checked,
        contribution: None,
        at_ms: 0,
    }
}

impl Fixture {
    /// Fills an index and puts the console over it.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(&folder.path().join("index.sqlite")).unwrap();
        let time = now() - 60;
        let chain = FakeChain::new(time - 600);
        chain.set_balance(ADA, 97 * OPEN + OPEN / 8);
        let tx = write_data(&chain, time - 400);
        write_models(&chain, time - 200);
        for contribution in 1..=4 {
            index.put_records(blob(contribution), rows(contribution)).await.unwrap();
        }
        write_services(&index).await;
        write_money(&index, &chain, time).await;
        let client = Chain::connect(Arc::new(chain.clone())).await.unwrap();
        Follower::new(index.clone(), client.clone()).catch_up().await.unwrap();
        let console = router(ConsoleConfig {
            index: index.clone(),
            chain: client,
            provider: Some(Arc::new(Quoter)),
            guests_allowed: true,
        });
        let receipt = keccak256([1]);
        Self { index, chain, console, receipt, tx, time, _folder: folder }
    }

    /// Reads what the chain has added since.
    pub async fn follow(&self) {
        let client = Chain::connect(Arc::new(self.chain.clone())).await.unwrap();
        Follower::new(self.index.clone(), client).catch_up().await.unwrap();
    }
}
