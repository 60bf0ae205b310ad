//! A small world for tests: a random model with an adapter, a tokenizer of words, a datanet
//! that says what the model answers, a signed receipt and its settled epoch.

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use tributary_attribution::{Call, Output, build_index, split};
use tributary_contracts::receipt_digest;
use tributary_datasets::{Body, Bundle, Manifest, ManifestEntry, Record};
use tributary_inference::{Claimed, replay};
use tributary_models::{
    FloatAdapter, FloatAdapterLayer, FloatLayer, FloatLowRank, FloatModel, Matrix, QuantizeOptions,
    QuantizedModel, Rope, RopeScaling, Tokenizer, quantize, quantize_adapter,
};
use tributary_primitives::{
    Address, Amount, ChannelId, ContributionId, DatanetId, Digest, FeeParts, Lineage, LineageStep,
    ModelId, Ppm, Prices, Receipt, ReceiptBody, SamplerParams, Share, SignedReceipt, SnapshotRef,
    Span, Transcript, completion_commitment, job_seed, prompt_commitment,
};
use tributary_tensor::{Backend, Sampling, Shape};

use crate::{
    BlockFacts, ChannelFacts, EpochData, EpochFacts, EpochReceipt, Evidence, ModelFacts,
    PostedRoot, ProviderFacts,
};

pub const CHAIN: u64 = 7310;
const WORDS: u32 = 64;
const ANSWER: usize = 24;

/// A receipt with all that verifies it.
#[derive(Clone)]
pub struct World {
    pub receipt: Receipt,
    pub transcript: Transcript,
    pub evidence: Evidence,
}

fn provider_key() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(0x42)).expect("a valid key")
}

/// Signs a body as the provider would.
pub fn sign(body: ReceiptBody) -> SignedReceipt {
    let id = receipt_digest(&body, CHAIN);
    let signature = provider_key().sign_hash_sync(&id).expect("a digest of 32 bytes");
    SignedReceipt { id, body, signature: Bytes::from(signature.as_bytes().to_vec()) }
}

/// Values that look random and are always the same.
struct Stream(u64);

impl Stream {
    fn matrix(&mut self, rows: usize, cols: usize, scale: f32) -> Matrix {
        let values = (0..rows * cols).map(|_| self.next() * scale).collect();
        Matrix::new(rows, cols, values)
    }

    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((self.0 >> 40) as f32) / ((1u64 << 23) as f32) - 1.0
    }
}

fn float_model() -> FloatModel {
    let shape = Shape {
        hidden: 16,
        layers: 1,
        heads: 2,
        kv_heads: 1,
        head_dim: 8,
        ffn: 24,
        vocab: WORDS + 1,
        context: 96,
    };
    let mut random = Stream(11);
    let layer = FloatLayer {
        attention_norm: vec![1.0; 16],
        q: random.matrix(16, 16, 0.3),
        k: random.matrix(8, 16, 0.3),
        v: random.matrix(8, 16, 0.5),
        o: random.matrix(16, 16, 0.5),
        mlp_norm: vec![1.0; 16],
        gate: random.matrix(24, 16, 0.5),
        up: random.matrix(24, 16, 0.5),
        down: random.matrix(16, 24, 0.5),
    };
    FloatModel {
        shape,
        rope: Rope { theta: 10_000.0, scaling: RopeScaling::None },
        norm_epsilon: 1e-5,
        embedding: random.matrix(WORDS as usize + 1, 16, 1.0),
        layers: vec![layer],
        final_norm: vec![1.0; 16],
        head: Some(random.matrix(WORDS as usize + 1, 16, 0.5)),
    }
}

fn float_adapter() -> FloatAdapter {
    let mut random = Stream(23);
    let q = FloatLowRank { a: random.matrix(2, 16, 0.4), b: random.matrix(16, 2, 0.4) };
    let layer = FloatAdapterLayer { q: Some(q), ..FloatAdapterLayer::default() };
    FloatAdapter { rank: 2, alpha: 2.0, layers: vec![layer] }
}

/// Words `w0`, `w1`, ... parted by blanks, and an end token.
pub fn tokenizer_json() -> Vec<u8> {
    let mut vocab: serde_json::Map<String, serde_json::Value> =
        (0..WORDS).map(|id| (format!("w{id}"), id.into())).collect();
    vocab.insert("<end>".into(), WORDS.into());
    let json = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null,
        "added_tokens": [{"id": WORDS, "content": "<end>", "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true}],
        "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null, "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "w0"},
        "tributary": {"bos": null, "eos": [WORDS], "chat_template": null},
    });
    json.to_string().into_bytes()
}

fn words(ids: &[u32]) -> String {
    ids.iter().map(|id| format!("w{id}")).collect::<Vec<_>>().join(" ")
}

fn sampler() -> SamplerParams {
    SamplerParams {
        temperature_micro: 1_300_000,
        top_p_ppm: 990_000,
        top_k: 60,
        max_tokens: ANSWER as u32,
        stop: vec!["never said".into()],
    }
}

/// Lets the model answer: one token at a time through the replay itself.
fn answer(
    model: &QuantizedModel,
    adapter: &tributary_tensor::Adapter,
    prompt: &[u32],
    job_seed: &Digest,
) -> (Vec<u32>, Digest) {
    let mut output: Vec<u32> = Vec::new();
    loop {
        // The replay chooses a token for each position; the one behind the output is new.
        let mut longer = output.clone();
        longer.push(0);
        let sampling = Sampling::from(&sampler());
        let claimed = Claimed { prompt, output: &longer, sampling, job_seed };
        let again = replay(&model.model, Some(adapter), &claimed, &Backend::default())
            .expect("the model runs");
        let next = *again.ids.last().expect("one token for each position");
        output.push(next);
        if next == WORDS || output.len() == ANSWER {
            let claimed = Claimed { prompt, output: &output, sampling, job_seed };
            let whole = replay(&model.model, Some(adapter), &claimed, &Backend::default())
                .expect("the model runs");
            assert_eq!(whole.ids, output);
            return (output, whole.logits);
        }
    }
}

fn record(id: &str, text: String) -> Record {
    Record::new(Body::Text(text), Some(id), None).expect("a plain record")
}

/// Two contributions: one quotes the answer's first half, the other its second half.
fn contributions(output: &[u32]) -> (Manifest, Vec<Bundle>) {
    let other: Vec<u32> = (0..WORDS).rev().collect();
    let first = vec![
        record("a1", format!("w60 {} w61", words(&output[1..10]))),
        record("a2", words(&other)),
    ];
    let second = vec![
        record("b1", words(&output[11..20])),
        // A copy of the first contributor's row under another name.
        record("b2", format!("w60 {} w61", words(&output[1..10]))),
    ];
    let bundles: Vec<Bundle> =
        [first, second].map(|records| Bundle::build(records).expect("two records")).into();
    let entry = |(at, bundle): (usize, &Bundle)| {
        let commitment = bundle.commitment();
        ManifestEntry {
            contribution: ContributionId(at as u64 + 1),
            contributor: Address::with_last_byte(0xc1 + at as u8),
            items_root: commitment.items_root,
            item_count: commitment.item_count,
            data_commit: commitment.data_commit,
            tombstoned: false,
        }
    };
    let entries = bundles.iter().enumerate().map(entry).collect();
    (Manifest { datanet: DatanetId(7), version: 1, entries }, bundles)
}

fn prices(input: u128, output: u128) -> Prices {
    Prices { input: Amount::from_wei(input), output: Amount::from_wei(output) }
}

fn facts(snapshot: SnapshotRef, model: Digest, adapter: Digest, tokenizer: Digest) -> ModelFacts {
    let step = |model, owner, parents| LineageStep {
        model: ModelId(model),
        owner: Address::with_last_byte(owner),
        parents,
    };
    let adapter_step = step(2, 0xb2, vec![(ModelId(1), Ppm::percent(30))]);
    ModelFacts {
        model: ModelId(2),
        model_digest: model,
        adapter_digest: adapter,
        tokenizer_digest: tokenizer,
        snapshot,
        prices: prices(70_000_001, 130_000_003),
        lineage: Lineage { steps: vec![adapter_step, step(1, 0xb1, Vec::new())] },
        has_backers: false,
        is_active: true,
        parts: FeeParts::MAIN,
    }
}

/// Settles a receipt after another one.
pub fn settle(receipt: &Receipt) -> EpochFacts {
    let gateway = receipt.signed.body.gateway;
    let earlier = EpochReceipt { id: keccak256(b"earlier"), shares: receipt.shares.clone() };
    let before = EpochData::next(gateway, 4, None, vec![earlier]).expect("a first epoch");
    let settled = EpochReceipt { id: receipt.signed.id, shares: receipt.shares.clone() };
    let data = EpochData::next(gateway, 5, Some(&before), vec![settled]).expect("a second");
    let tree = data.tree().expect("leaves");
    let posted = PostedRoot {
        gateway,
        epoch: 5,
        root: tree.root(),
        total: Amount::from_wei(tree.total()),
        leaves: data.leaves.len() as u64,
        data_hash: data.hash(),
        previous: before.hash(),
        stands: true,
    };
    EpochFacts { posted, data, previous: Some(before) }
}

impl World {
    /// On a chain with the main network's parts of a fee.
    pub fn new() -> Self {
        Self::with_parts(FeeParts::MAIN)
    }

    /// On a chain that cuts a fee in its own way.
    pub fn with_parts(parts: FeeParts) -> Self {
        let model = quantize(&float_model(), &QuantizeOptions::default()).expect("a small model");
        let adapter = quantize_adapter(&float_adapter(), &model).expect("a small adapter");
        let json = tokenizer_json();
        let tokenizer = Tokenizer::from_json(&json).expect("a tokenizer of words");
        let prompt_ids = vec![3, 1, 4, 15, 9, 26];
        let prompt_salt = Digest::of(b"prompt salt");
        let commitment = prompt_commitment(&prompt_salt, &prompt_ids);
        let request_seed = Digest::of(b"request seed");
        let seed = job_seed(&request_seed, &commitment);
        let (completion_ids, logits) = answer(&model, &adapter.adapter, &prompt_ids, &seed);
        assert_eq!(completion_ids.len(), ANSWER, "the model stops early; choose another seed");
        let completion = tokenizer.completion(&prompt_ids, &completion_ids).expect("known ids");
        let (manifest, bundles) = contributions(&completion_ids);
        let snapshot = manifest.snapshot_ref().expect("two contributions");
        let transcript = Transcript {
            receipt_id: B256::ZERO,
            prompt: words(&prompt_ids),
            prompt_ids,
            completion_ids,
            completion,
            prompt_salt,
            completion_salt: Digest::of(b"completion salt"),
            request_seed,
            sampler: sampler(),
        };
        let facts = facts(snapshot, model.digest(), adapter.digest(), tokenizer.digest());
        let facts = ModelFacts { parts, ..facts };
        let records: Vec<(&Record, Address)> = manifest
            .entries
            .iter()
            .zip(&bundles)
            .flat_map(|(entry, b)| b.records().iter().map(|record| (record, entry.contributor)))
            .collect();
        let index = build_index(snapshot, &tokenizer, records).expect("four records");
        let (ids, text) = (&transcript.completion_ids, &transcript.completion);
        let output =
            Output::answer(&tokenizer, &transcript.prompt_ids, ids, text).expect("known ids");
        let spans = index.trace(&output).paid_spans();
        let mut world = Self::settled(&facts, transcript, spans, logits, commitment);
        world.evidence.manifest = Some(manifest);
        world.evidence.blobs = bundles.iter().map(|bundle| bundle.blob().to_vec()).collect();
        world.evidence.model_file = Some(model.to_bytes().to_vec());
        world.evidence.adapter_file = Some(adapter.to_bytes().to_vec());
        world.evidence.tokenizer_file = Some(json);
        world
    }

    fn settled(
        facts: &ModelFacts,
        mut transcript: Transcript,
        spans: Vec<Span>,
        logits: Digest,
        prompt_commitment: Digest,
    ) -> Self {
        let compute = prices(1_000_000_007, 3_000_000_019);
        let (prompt_tokens, completion_tokens) =
            (transcript.prompt_ids.len() as u32, transcript.completion_ids.len() as u32);
        let fee = |prices: Prices| prices.fee(prompt_tokens, completion_tokens).expect("it fits");
        let provider = Address::with_last_byte(0xa1);
        let shares = split(&Call {
            parts: facts.parts,
            fee_compute: fee(compute),
            fee_licence: fee(facts.prices),
            provider,
            lineage: &facts.lineage,
            datanet: facts.snapshot.datanet,
            has_backers: facts.has_backers,
            output_tokens: completion_tokens,
            spans: &spans,
        })
        .expect("a lawful call");
        let block = BlockFacts { number: 99, hash: keccak256(b"block 99"), timestamp: 1_234 };
        let channel = ChannelFacts {
            channel: ChannelId(keccak256(b"channel")),
            payer: Address::with_last_byte(0x01),
            gateway: Address::with_last_byte(0x02),
            opened_at: block.timestamp,
            task: None,
        };
        let body = ReceiptBody {
            gateway: channel.gateway,
            payer: channel.payer,
            channel: channel.channel,
            provider,
            model: facts.model,
            model_digest: facts.model_digest,
            adapter_digest: facts.adapter_digest,
            tokenizer_digest: facts.tokenizer_digest,
            snapshot: facts.snapshot,
            prompt_commitment,
            completion_commitment: completion_commitment(
                &transcript.completion_salt,
                &transcript.completion_ids,
                &transcript.completion,
            ),
            prompt_tokens,
            completion_tokens,
            temperature_micro: transcript.sampler.temperature_micro,
            top_p_ppm: transcript.sampler.top_p_ppm,
            top_k: transcript.sampler.top_k,
            max_tokens: transcript.sampler.max_tokens,
            sampler_digest: transcript.sampler.digest(),
            job_seed: job_seed(&transcript.request_seed, &prompt_commitment),
            logits_digest: logits,
            fee_compute: fee(compute),
            fee_licence: fee(facts.prices),
            spans_digest: Span::digest_all(&spans),
            shares_digest: Share::digest_all(&shares),
            block_number: block.number,
            block_hash: block.hash,
            issued_at: block.timestamp,
        };
        let receipt = Receipt { signed: sign(body), spans, shares };
        transcript.receipt_id = receipt.signed.id;
        let evidence = Self::evidence(&receipt, facts, (block, channel), compute);
        Self { receipt, transcript, evidence }
    }

    fn evidence(
        receipt: &Receipt,
        facts: &ModelFacts,
        (block, channel): (BlockFacts, ChannelFacts),
        compute: Prices,
    ) -> Evidence {
        Evidence {
            chain_id: CHAIN,
            block: Some(block),
            provider: Some(ProviderFacts {
                provider: receipt.signed.body.provider,
                receipt_key: provider_key().address(),
                is_active: true,
                prices: compute,
            }),
            channel: Some(channel),
            model: Some(facts.clone()),
            epoch: Some(settle(receipt)),
            ..Evidence::default()
        }
    }

    /// Signs again after the body was altered: what a dishonest provider would do. The gateway
    /// settles what it is given.
    pub fn sign_again(&mut self) {
        self.receipt.signed = sign(self.receipt.signed.body.clone());
        self.transcript.receipt_id = self.receipt.signed.id;
        self.evidence.epoch = Some(settle(&self.receipt));
    }
}
