//! From an answer's tokens to its signed receipt: salts, commitments, spans, shares, signature.

use alloy_primitives::B256;
use tributary_attribution::{Call, Output, split};
use tributary_client::{
    Signer,
    provider::{Answer, FinishReason, InferRequest},
};
use tributary_contracts::receipt_digest;
use tributary_primitives::{
    Address, Digest, Receipt, ReceiptBody, SamplerParams, Share, SignedReceipt, SnapshotRef, Span,
    Transcript, completion_commitment, prompt_commitment,
};
use zeroize::Zeroizing;

use crate::{ModelFacts, ProviderError, library::Loaded};

/// Who signs, and what salts are drawn from.
#[derive(Clone)]
pub struct Seal {
    /// The account of the provision.
    pub provider: Address,
    /// Signs receipts.
    pub key: Signer,
    /// The chain that the signature is for.
    pub chain_id: u64,
    salt: Zeroizing<[u8; 32]>,
}

/// A prompt with all that was fixed before the first token.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The prompt as the model sees it.
    pub prompt: String,
    /// Its tokens.
    pub prompt_ids: Vec<u32>,
    /// Opens its commitment.
    pub prompt_salt: Digest,
    /// The commitment.
    pub prompt_commitment: Digest,
    /// The request's seed, or what was drawn for it.
    pub request_seed: Digest,
    /// Seed of the sampler.
    pub job_seed: Digest,
}

/// What the model produced.
#[derive(Clone, Debug)]
pub struct Produced {
    /// Tokens, the stopping one included.
    pub ids: Vec<u32>,
    /// Text as delivered.
    pub text: String,
    /// Over the logits of every produced position.
    pub logits: Digest,
    /// Why it ended.
    pub finish: FinishReason,
}

impl Seal {
    /// With the key for receipts and the secret that salts are derived from.
    pub fn new(provider: Address, key: Signer, chain_id: u64, salt: [u8; 32]) -> Self {
        Self { provider, key, chain_id, salt: Zeroizing::new(salt) }
    }

    /// Fixes a prompt. The salt follows from secret, seed and prompt, so that one seed gives one
    /// answer, and nobody else can guess the prompt behind the commitment.
    pub fn open(&self, prompt: String, prompt_ids: Vec<u32>, request_seed: Digest) -> Opening {
        let mut hasher = blake3::Hasher::new_keyed(&self.salt);
        hasher.update(b"prompt");
        hasher.update(&request_seed.0);
        for id in &prompt_ids {
            hasher.update(&id.to_le_bytes());
        }
        let prompt_salt = Digest(*hasher.finalize().as_bytes());
        let prompt_commitment = prompt_commitment(&prompt_salt, &prompt_ids);
        let job_seed = tributary_primitives::job_seed(&request_seed, &prompt_commitment);
        Opening { prompt, prompt_ids, prompt_salt, prompt_commitment, request_seed, job_seed }
    }

    /// Attributes, splits and signs.
    pub fn close(
        &self,
        request: &InferRequest,
        facts: &ModelFacts,
        loaded: &Loaded,
        opening: Opening,
        produced: Produced,
    ) -> Result<Answer, ProviderError> {
        let (spans, snapshot) = attribute(loaded, &opening, &produced)?;
        let prompt_tokens = count(opening.prompt_ids.len())?;
        let completion_tokens = count(produced.ids.len())?;
        let (fee_compute, fee_licence) = facts.fees(prompt_tokens, completion_tokens)?;
        let shares = split(&Call {
            parts: facts.parts,
            fee_compute,
            fee_licence,
            provider: self.provider,
            lineage: &facts.lineage,
            datanet: snapshot.datanet,
            has_backers: facts.has_backers,
            output_tokens: completion_tokens,
            spans: &spans,
        })?;
        let completion_salt = self.completion_salt(&request.job, &opening, &produced.ids);
        let completion = completion_commitment(&completion_salt, &produced.ids, &produced.text);
        let SamplerParams { temperature_micro, top_p_ppm, top_k, max_tokens, .. } = request.sampler;
        let body = ReceiptBody {
            gateway: request.gateway,
            payer: request.payer,
            channel: request.channel,
            provider: self.provider,
            model: facts.model,
            model_digest: facts.base_digest,
            adapter_digest: facts.adapter_digest,
            tokenizer_digest: facts.tokenizer_digest,
            snapshot,
            prompt_commitment: opening.prompt_commitment,
            completion_commitment: completion,
            prompt_tokens,
            completion_tokens,
            temperature_micro,
            top_p_ppm,
            top_k,
            max_tokens,
            sampler_digest: request.sampler.digest(),
            job_seed: opening.job_seed,
            logits_digest: produced.logits,
            fee_compute,
            fee_licence,
            spans_digest: Span::digest_all(&spans),
            shares_digest: Share::digest_all(&shares),
            block_number: facts.block.number,
            block_hash: facts.block.hash,
            issued_at: facts.block.timestamp,
        };
        let receipt = Receipt { signed: self.sign(body)?, spans, shares };
        let transcript = Transcript {
            receipt_id: receipt.signed.id,
            prompt: opening.prompt,
            prompt_ids: opening.prompt_ids,
            completion_ids: produced.ids,
            completion: produced.text,
            prompt_salt: opening.prompt_salt,
            completion_salt,
            request_seed: opening.request_seed,
            sampler: request.sampler.clone(),
        };
        Ok(Answer { receipt, transcript, finish: produced.finish })
    }

    fn sign(&self, body: ReceiptBody) -> Result<SignedReceipt, ProviderError> {
        let id: B256 = receipt_digest(&body, self.chain_id);
        let signature = self.key.sign_hash(&id)?;
        Ok(SignedReceipt { id, body, signature })
    }

    /// Differs from job to job: two calls with one seed give one answer and two receipts.
    fn completion_salt(&self, job: &Digest, opening: &Opening, ids: &[u32]) -> Digest {
        let mut hasher = blake3::Hasher::new_keyed(&self.salt);
        hasher.update(b"completion");
        hasher.update(&job.0);
        hasher.update(&opening.prompt_salt.0);
        for id in ids {
            hasher.update(&id.to_le_bytes());
        }
        Digest(*hasher.finalize().as_bytes())
    }
}

/// The paid spans of what was delivered; without an index there is nothing to pay.
fn attribute(
    loaded: &Loaded,
    opening: &Opening,
    produced: &Produced,
) -> Result<(Vec<Span>, SnapshotRef), ProviderError> {
    let Some(index) = &loaded.index else { return Ok((Vec::new(), SnapshotRef::default())) };
    let Produced { ids, text, .. } = produced;
    let output = Output::answer(&loaded.tokenizer, &opening.prompt_ids, ids, text)?;
    Ok((index.trace(&output).paid_spans(), *index.snapshot()))
}

fn count(tokens: usize) -> Result<u32, ProviderError> {
    u32::try_from(tokens).map_err(|_| ProviderError::Internal("too many tokens".into()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tributary_client::{BlockRef, provider::Prompt, recover};
    use tributary_models::Tokenizer;
    use tributary_primitives::{
        Amount, ChannelId, FeeParts, Lineage, LineageStep, ModelId, Prices,
    };

    use super::*;

    fn seal(salt: u8) -> Seal {
        let key = Signer::from_bytes([7; 32]).expect("a key");
        Seal::new(Address::repeat_byte(1), key, 7310, [salt; 32])
    }

    fn open(seal: &Seal, prompt: &str, seed: u8) -> Opening {
        seal.open(prompt.to_owned(), prompt.bytes().map(u32::from).collect(), Digest([seed; 32]))
    }

    #[test]
    fn one_seed_and_prompt_give_one_opening_and_anything_else_another() {
        let first = open(&seal(1), "tea", 2);
        let same = open(&seal(1), "tea", 2);
        assert_eq!((first.prompt_salt, first.job_seed), (same.prompt_salt, same.job_seed));
        for other in [open(&seal(1), "tea", 3), open(&seal(1), "teb", 2), open(&seal(9), "tea", 2)]
        {
            assert_ne!(first.prompt_salt, other.prompt_salt);
            assert_ne!(first.prompt_commitment, other.prompt_commitment);
            assert_ne!(first.job_seed, other.job_seed);
        }
        let opened = prompt_commitment(&first.prompt_salt, &first.prompt_ids);
        assert_eq!(opened, first.prompt_commitment);
    }

    fn request(job: u8) -> InferRequest {
        InferRequest {
            job: Digest([job; 32]),
            gateway: Address::repeat_byte(2),
            payer: Address::repeat_byte(3),
            channel: ChannelId(B256::repeat_byte(4)),
            model: ModelId(1),
            prompt: Prompt::Text("tea".into()),
            sampler: SamplerParams { max_tokens: 8, ..SamplerParams::default() },
            request_seed: None,
            max_fee: Amount::from_wei(1_000),
        }
    }

    fn facts() -> ModelFacts {
        let prices = |wei| Prices { input: Amount::from_wei(wei), output: Amount::from_wei(wei) };
        let owner = Address::repeat_byte(5);
        let step = LineageStep { model: ModelId(1), owner, parents: Vec::new() };
        ModelFacts {
            model: ModelId(1),
            name: "a/b".into(),
            base_digest: Digest([6; 32]),
            adapter_digest: Digest::ZERO,
            tokenizer_digest: Digest([7; 32]),
            snapshot: None,
            licence: prices(7),
            compute: prices(11),
            lineage: Lineage { steps: vec![step] },
            has_backers: false,
            parts: FeeParts::MAIN,
            block: BlockRef { number: 9, hash: B256::repeat_byte(9), timestamp: 99 },
        }
    }

    fn close(seal: &Seal, job: u8) -> Answer {
        let tokenizer = include_bytes!("../../../assets/seed/tokenizer.json");
        let tokenizer = Tokenizer::from_json(tokenizer).expect("the seed's tokenizer");
        let loaded = Loaded { tokenizer: Arc::new(tokenizer), context: 64, index: None };
        let produced = Produced {
            ids: vec![40, 41],
            text: "ab".into(),
            logits: Digest([8; 32]),
            finish: FinishReason::Length,
        };
        let opening = open(seal, "tea", 2);
        seal.close(&request(job), &facts(), &loaded, opening, produced).expect("closes")
    }

    #[test]
    fn a_receipt_is_signed_over_its_own_id_and_its_shares_are_its_fee() {
        let seal = seal(1);
        let answer = close(&seal, 1);
        let signed = &answer.receipt.signed;
        assert_eq!(signed.id, receipt_digest(&signed.body, 7310));
        assert_ne!(signed.id, receipt_digest(&signed.body, 1), "it holds on one chain alone");
        assert_eq!(recover(&signed.id, &signed.signature), Some(seal.key.address()));
        assert_eq!(signed.body.fee_compute, Amount::from_wei(5 * 11));
        assert_eq!(signed.body.fee_licence, Amount::from_wei(5 * 7));
        let shares = answer.receipt.shares.iter().map(|share| share.amount);
        let sum = shares.fold(Amount::ZERO, Amount::saturating_add);
        assert_eq!(sum, signed.body.fee());
        assert_eq!((signed.body.block_number, answer.finish), (9, FinishReason::Length));
    }

    #[test]
    fn two_jobs_with_one_answer_leave_two_receipts() {
        let seal = seal(1);
        let (first, second) = (close(&seal, 1), close(&seal, 2));
        assert_ne!(first.receipt.signed.id, second.receipt.signed.id);
        assert_eq!(first.receipt.signed.id, close(&seal, 1).receipt.signed.id);
    }
}
