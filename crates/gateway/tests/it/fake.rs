//! A chain that answers the views a call needs, and a provider that counts.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use alloy_sol_types::SolCall;
use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    http::{Request, Response},
};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tributary_artifacts::Artifacts;
use tributary_client::{
    ApiSecret, Chain, ClientError, ProviderApi, RpcFault, Signer, Transport, TransportError,
    provider::{
        Answer, FinishReason, InferEvent, InferRequest, InferStream, ProviderStatus, QuoteRequest,
        TrainingQuote,
    },
};
use tributary_contracts::{IChannels, IModels, IStaking, receipt_digest};
use tributary_gateway::{Gateway, GatewayConfig, GatewayDeps, Rate};
use tributary_indexer::{Index, KeyRow};
use tributary_primitives::{
    Address, Amount, B256, Bytes, ChannelId, Digest, ModelId, Party, Prices, Receipt, ReceiptBody,
    Role, SamplerParams, Share, SignedReceipt, SnapshotRef, Span, TaskId, Transcript,
};

pub const CHAIN_ID: u64 = 7310;
pub const MODEL: &str = "tributary/seed";
/// Wei for each token in and out, of provider and licence together.
pub const PRICE: u128 = 10;

/// A gateway with its surroundings.
pub struct World {
    pub router: Router,
    pub index: Index,
    pub provider: Arc<FakeProvider>,
    pub secret: ApiSecret,
    pub account: Address,
    _gateway: Gateway,
    _folder: tempfile::TempDir,
}

impl World {
    /// With one key that may spend `cap` wei.
    pub async fn new(cap: u128) -> Self {
        Self::with(cap, |_| {}).await
    }

    /// With other settings.
    pub async fn with(cap: u128, set: impl FnOnce(&mut GatewayConfig)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let index = Index::open(&folder.path().join("index.sqlite")).expect("an index");
        let provider = Arc::new(FakeProvider::default());
        let transport =
            FakeChain { provider: provider.account(), receipt_key: provider.receipt_key.address() };
        let chain = Chain::connect(Arc::new(transport)).await.expect("a chain");
        let secret = ApiSecret::random();
        index.put_key(key_row(&secret, cap)).await.expect("a key");
        let api: Arc<dyn ProviderApi> = provider.clone();
        let signer = Signer::random();
        let account = signer.address();
        let deps = GatewayDeps {
            chain,
            signer,
            faucet: None,
            index: index.clone(),
            artifacts: Artifacts::open(folder.path().join("artifacts")).expect("a store"),
            providers: BTreeMap::from([(provider.account(), api)]),
            cancel: CancellationToken::new(),
        };
        let mut config = GatewayConfig {
            key_rate: Rate { per_minute: 60_000, burst: 10_000 },
            ..GatewayConfig::default()
        };
        set(&mut config);
        let gateway = Gateway::start(config, deps).await.expect("a gateway");
        Self {
            router: gateway.router(),
            index,
            provider,
            secret,
            account,
            _gateway: gateway,
            _folder: folder,
        }
    }

    /// One request with the key.
    pub async fn post(&self, path: &str, body: Value, headers: &[(&str, &str)]) -> Response<Body> {
        let mut request = Request::post(path)
            .header("host", "localhost:8545")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", self.secret.reveal().as_str()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_string())).expect("a request");
        self.router.clone().oneshot(request).await.expect("an answer")
    }

    /// What a page shows to anyone.
    pub async fn get(&self, path: &str) -> Value {
        let request = Request::get(path).header("host", "localhost:8545");
        let request = request.body(Body::empty()).expect("a request");
        json_of(self.router.clone().oneshot(request).await.expect("an answer")).await
    }

    /// The key as it stands.
    pub fn key(&self) -> KeyRow {
        self.index.key(self.secret.id()).expect("a read").expect("the key")
    }
}

fn key_row(secret: &ApiSecret, cap: u128) -> KeyRow {
    KeyRow {
        hash: secret.id(),
        owner: Address::repeat_byte(0xa1),
        name: "test".into(),
        channel: ChannelId(B256::repeat_byte(3)),
        signer: secret.voucher_signer().expect("a signer").address(),
        cap: Amount::from_wei(cap),
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

/// A body as JSON.
pub async fn json_of(response: Response<Body>) -> Value {
    serde_json::from_slice(&bytes_of(response).await).expect("JSON")
}

/// A body.
pub async fn bytes_of(response: Response<Body>) -> Vec<u8> {
    axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body").to_vec()
}

struct FakeChain {
    provider: Address,
    receipt_key: Address,
}

impl FakeChain {
    fn call(&self, data: &[u8]) -> Option<Vec<u8>> {
        let selector: [u8; 4] = data.get(..4)?.try_into().ok()?;
        if selector == IModels::modelByNameCall::SELECTOR {
            let call = IModels::modelByNameCall::abi_decode(data).ok()?;
            (call.name == MODEL).then_some(())?;
            return Some(IModels::modelByNameCall::abi_encode_returns(&model()));
        }
        if selector == IModels::modelCountCall::SELECTOR {
            return Some(IModels::modelCountCall::abi_encode_returns(&1));
        }
        if selector == IModels::modelsCall::SELECTOR {
            return Some(IModels::modelsCall::abi_encode_returns(&vec![model()]));
        }
        if selector == IChannels::getChannelCall::SELECTOR {
            return Some(IChannels::getChannelCall::abi_encode_returns(&open_channel()));
        }
        if selector == IStaking::membersCall::SELECTOR {
            let call = IStaking::membersCall::abi_decode(data).ok()?;
            let members = if call.from == 0 { vec![self.member()] } else { Vec::new() };
            return Some(IStaking::membersCall::abi_encode_returns(&members));
        }
        None
    }

    fn member(&self) -> IStaking::Member {
        IStaking::Member {
            provision: IStaking::Provision {
                id: 1,
                owner: self.provider,
                role: 1,
                tokens: 1,
                thawing: 0,
                thawEnd: 0,
                locked: 0,
                active: true,
                createdAt: 0,
            },
            profile: IStaking::Profile {
                endpoint: String::new(),
                receiptKey: self.receipt_key,
                priceIn: PRICE / 2,
                priceOut: PRICE / 2,
                trainPrice: 1,
                updatedAt: 0,
            },
        }
    }
}

fn open_channel() -> IChannels::Channel {
    IChannels::Channel {
        id: B256::repeat_byte(3),
        payer: Address::repeat_byte(0xa1),
        gateway: Address::ZERO,
        signer: Address::ZERO,
        cap: 0,
        redeemed: 0,
        seq: 0,
        expiry: u64::MAX,
        closeAt: 0,
        status: 1,
        openedAt: 0,
    }
}

fn model() -> IModels::Model {
    IModels::Model {
        id: 1,
        kind: 1,
        status: 1,
        owner: Address::repeat_byte(9),
        name: MODEL.into(),
        digest: B256::repeat_byte(1),
        tokenizerDigest: B256::repeat_byte(2),
        cardDigest: B256::ZERO,
        licence: "CC0".into(),
        uri: String::new(),
        parents: Vec::new(),
        parentSharesPpm: Vec::new(),
        snapshots: Vec::new(),
        priceIn: PRICE / 2,
        priceOut: PRICE / 2,
        nextPriceIn: 0,
        nextPriceOut: 0,
        nextPriceAt: 0,
        derivativeSharePpm: 0,
        depth: 0,
        taskId: 0,
        registeredAt: 1,
    }
}

#[async_trait]
impl Transport for FakeChain {
    async fn request(&self, method: &str, params: Value) -> Result<Value, TransportError> {
        match method {
            "eth_chainId" => Ok(json!(format!("0x{CHAIN_ID:x}"))),
            "eth_call" => {
                let data: Bytes = params[0]["data"].as_str().unwrap_or("0x").parse().expect("hex");
                match self.call(&data) {
                    Some(output) => Ok(json!(Bytes::from(output))),
                    None => Err(unknown_name()),
                }
            }
            other => panic!("{other} is not answered here"),
        }
    }
}

fn unknown_name() -> TransportError {
    use alloy_sol_types::SolError;
    let error = IModels::UnknownModelName { name: "?".into() };
    let data = Bytes::from(error.abi_encode()).to_string();
    let message = "execution reverted".to_owned();
    TransportError::Fault(RpcFault { code: 3, message, data: Some(data.into()) })
}

/// Answers "w0 w1 w2 ..." at a pace, and signs.
pub struct FakeProvider {
    pub receipt_key: Signer,
    pub pace: Mutex<Duration>,
    pub lie: Mutex<Option<fn(&mut ReceiptBody)>>,
    pub jobs: Mutex<Vec<InferRequest>>,
    cancelled: Arc<Mutex<HashSet<Digest>>>,
    account: Address,
}

impl Default for FakeProvider {
    fn default() -> Self {
        Self {
            receipt_key: Signer::random(),
            pace: Mutex::new(Duration::ZERO),
            lie: Mutex::new(None),
            jobs: Mutex::default(),
            cancelled: Arc::default(),
            account: Address::repeat_byte(0xb2),
        }
    }
}

impl FakeProvider {
    pub fn account(&self) -> Address {
        self.account
    }

    fn answer(&self, request: &InferRequest, tokens: u32, finish: FinishReason) -> Answer {
        let text: String = (0..tokens).map(|token| format!("w{token} ")).collect();
        let wei = |count: u32| Amount::from_wei(u128::from(count) * PRICE / 2);
        let fee = wei(PROMPT_TOKENS + tokens);
        let shares = vec![Share {
            role: Role::Provider,
            party: Party::account(self.account),
            amount: fee.saturating_add(fee),
            record: None,
            model: None,
        }];
        let mut body = self.body(request, tokens);
        body.fee_compute = fee;
        body.fee_licence = fee;
        body.shares_digest = Share::digest_all(&shares);
        if let Some(lie) = *self.lie.lock().expect("a lock") {
            lie(&mut body);
        }
        let id = receipt_digest(&body, CHAIN_ID);
        let signature = self.receipt_key.sign_hash(&id).expect("a signature");
        let signed = SignedReceipt { id, body, signature };
        let transcript = Transcript {
            receipt_id: id,
            prompt: "prompt".into(),
            prompt_ids: vec![1; PROMPT_TOKENS as usize],
            completion_ids: (0..tokens).collect(),
            completion: text,
            prompt_salt: Digest::ZERO,
            completion_salt: Digest::ZERO,
            request_seed: Digest::ZERO,
            sampler: request.sampler.clone(),
        };
        Answer { receipt: Receipt { signed, spans: Vec::new(), shares }, transcript, finish }
    }

    fn body(&self, request: &InferRequest, tokens: u32) -> ReceiptBody {
        let SamplerParams { temperature_micro, top_p_ppm, top_k, max_tokens, .. } = request.sampler;
        ReceiptBody {
            gateway: request.gateway,
            payer: request.payer,
            channel: request.channel,
            provider: self.account,
            model: request.model,
            model_digest: Digest([1; 32]),
            adapter_digest: Digest::ZERO,
            tokenizer_digest: Digest([2; 32]),
            snapshot: SnapshotRef::default(),
            prompt_commitment: request.job,
            completion_commitment: Digest::ZERO,
            prompt_tokens: PROMPT_TOKENS,
            completion_tokens: tokens,
            temperature_micro,
            top_p_ppm,
            top_k,
            max_tokens,
            sampler_digest: request.sampler.digest(),
            job_seed: Digest::ZERO,
            logits_digest: Digest::ZERO,
            fee_compute: Amount::ZERO,
            fee_licence: Amount::ZERO,
            spans_digest: Span::digest_all(&[]),
            shares_digest: Digest::ZERO,
            block_number: 1,
            block_hash: B256::ZERO,
            issued_at: 1,
        }
    }
}

pub const PROMPT_TOKENS: u32 = 4;

#[async_trait]
impl ProviderApi for FakeProvider {
    async fn status(&self) -> Result<ProviderStatus, ClientError> {
        Ok(ProviderStatus {
            provider: self.account,
            receipt_key: self.receipt_key.address(),
            models: vec![ModelId(1)],
            prices: Prices::default(),
            active_jobs: 0,
        })
    }

    async fn infer(&self, request: InferRequest) -> Result<InferStream, ClientError> {
        self.jobs.lock().expect("a lock").push(request.clone());
        let tokens = request.sampler.max_tokens;
        let whole = self.answer(&request, tokens, FinishReason::Length);
        let cut: Vec<Answer> = (0..=tokens)
            .map(|count| self.answer(&request, count, FinishReason::Cancelled))
            .collect();
        let (pace, cancelled) = (*self.pace.lock().expect("a lock"), self.cancelled.clone());
        let state = (0, false);
        let events = futures::stream::unfold(state, move |(token, over)| {
            let (request, whole, cut) = (request.clone(), whole.clone(), cut.clone());
            let cancelled = cancelled.clone();
            async move {
                if over {
                    return None;
                }
                if cancelled.lock().expect("a lock").contains(&request.job) {
                    let answer = cut.get(token as usize)?.clone();
                    return Some((InferEvent::Done(Box::new(answer)), (token, true)));
                }
                if token == tokens {
                    return Some((InferEvent::Done(Box::new(whole)), (token, true)));
                }
                tokio::time::sleep(pace).await;
                let text = format!("w{token} ");
                Some((InferEvent::Text { text, tokens: token + 1 }, (token + 1, false)))
            }
        });
        Ok(Box::pin(events.map(Ok)))
    }

    async fn cancel(&self, job: Digest) -> Result<(), ClientError> {
        self.cancelled.lock().expect("a lock").insert(job);
        Ok(())
    }

    async fn transcript(&self, _receipt: B256) -> Result<Transcript, ClientError> {
        Err(ClientError::NotFound { what: "transcript".into() })
    }

    async fn receipt(&self, _receipt: B256) -> Result<Receipt, ClientError> {
        Err(ClientError::NotFound { what: "receipt".into() })
    }

    async fn quote(&self, _request: QuoteRequest) -> Result<TrainingQuote, ClientError> {
        Err(ClientError::NotFound { what: "quote".into() })
    }

    async fn stop_task(&self, _task: TaskId) -> Result<(), ClientError> {
        Ok(())
    }
}
