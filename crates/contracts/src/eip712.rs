//! What people and machines sign: domains and digests.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{Eip712Domain, SolStruct};
use tributary_primitives::{Amount, Digest, ReceiptBody};

use crate::{CHANNELS, IChannels, IRoyalties, OPEN, ROYALTIES};

fn domain(name: &'static str, chain_id: u64, module: Address) -> Eip712Domain {
    Eip712Domain::new(
        Some(name.into()),
        Some("1".into()),
        Some(U256::from(chain_id)),
        Some(module),
        None,
    )
}

/// Domain of vouchers and acknowledgements.
pub fn channels_domain(chain_id: u64) -> Eip712Domain {
    domain("Tributary Channels", chain_id, CHANNELS)
}

/// Domain of receipts.
pub fn receipts_domain(chain_id: u64) -> Eip712Domain {
    domain("Tributary Receipts", chain_id, ROYALTIES)
}

/// Domain of permits and transfer authorisations.
pub fn open_domain(chain_id: u64) -> Eip712Domain {
    domain("OPEN", chain_id, OPEN)
}

/// What a voucher key signs.
pub fn voucher_digest(voucher: &IChannels::Voucher, chain_id: u64) -> B256 {
    voucher.eip712_signing_hash(&channels_domain(chain_id))
}

/// What a gateway's account signs to acknowledge a debt.
pub fn acknowledgement_digest(owed: &IChannels::Acknowledgement, chain_id: u64) -> B256 {
    owed.eip712_signing_hash(&channels_domain(chain_id))
}

/// What a provider's receipt key signs: the receipt's id.
pub fn receipt_digest(body: &ReceiptBody, chain_id: u64) -> B256 {
    receipt_of(body).eip712_signing_hash(&receipts_domain(chain_id))
}

/// The ABI form of a receipt.
pub fn receipt_of(body: &ReceiptBody) -> IRoyalties::Receipt {
    let word = |digest: &Digest| B256::from(digest.0);
    let wei = |amount: Amount| amount.wei();
    IRoyalties::Receipt {
        gateway: body.gateway,
        payer: body.payer,
        channelId: body.channel.0,
        provider: body.provider,
        modelId: body.model.0,
        modelDigest: word(&body.model_digest),
        adapterDigest: word(&body.adapter_digest),
        tokenizerDigest: word(&body.tokenizer_digest),
        snapshot: IRoyalties::SnapshotPoint {
            datanetId: body.snapshot.datanet.0,
            version: body.snapshot.version,
            root: body.snapshot.root,
        },
        promptCommitment: word(&body.prompt_commitment),
        completionCommitment: word(&body.completion_commitment),
        promptTokens: body.prompt_tokens,
        completionTokens: body.completion_tokens,
        sampler: IRoyalties::Sampler {
            temperatureMicro: body.temperature_micro,
            topPPpm: body.top_p_ppm,
            topK: body.top_k,
            maxTokens: body.max_tokens,
            digest: word(&body.sampler_digest),
        },
        jobSeed: word(&body.job_seed),
        logitsDigest: word(&body.logits_digest),
        feeCompute: wei(body.fee_compute),
        feeLicence: wei(body.fee_licence),
        spansDigest: word(&body.spans_digest),
        sharesDigest: word(&body.shares_digest),
        blockNumber: body.block_number,
        blockHash: body.block_hash,
        issuedAt: body.issued_at,
    }
}
