//! Checks that need no transcript.

use alloy_primitives::Signature;
use tributary_attribution::{Call, split};
use tributary_contracts::receipt_digest;
use tributary_primitives::{Receipt, Role, Share};

use crate::{
    EpochData, EpochFacts, Evidence,
    report::{Finding, Problem, failed, missing, same},
};

/// The id is the body's, and the provider's receipt key signed it.
pub(crate) fn signature(receipt: &Receipt, evidence: &Evidence) -> Finding {
    let signed = &receipt.signed;
    let id = receipt_digest(&signed.body, evidence.chain_id);
    same("the id", signed.id, id)?;
    let Ok(signature) = Signature::from_raw(&signed.signature) else {
        return failed("the signature is not 65 bytes of r, s and v");
    };
    if signature.normalize_s().is_some() {
        return failed("the signature is the malleable twin of a valid one (high s)");
    }
    let Ok(signer) = signature.recover_address_from_prehash(&id) else {
        return failed("nobody's key made this signature");
    };
    let facts = evidence.provider.ok_or(missing("the provider's provision is not known"))?;
    same("the provider", signed.body.provider, facts.provider)?;
    if signer != facts.receipt_key {
        return failed(format!("{signer} signed, the provider's key is {}", facts.receipt_key));
    }
    if !facts.is_active {
        return failed("the provider's provision was not active: its signature counts for nothing");
    }
    Ok(format!("{signer} signed {id}"))
}

/// The block is the chain's.
pub(crate) fn block(receipt: &Receipt, evidence: &Evidence) -> Finding {
    let body = &receipt.signed.body;
    let facts = evidence.block.ok_or(missing("the block is not known"))?;
    same("the block", body.block_number, facts.number)?;
    same("the block's hash", body.block_hash, facts.hash)?;
    same("the block's time", body.issued_at, facts.timestamp)?;
    Ok(format!("block {} has this hash and time", facts.number))
}

/// Payer and gateway are the channel's.
pub(crate) fn channel(receipt: &Receipt, evidence: &Evidence) -> Finding {
    let body = &receipt.signed.body;
    let facts = evidence.channel.ok_or(missing("the channel is not known"))?;
    same("the channel", body.channel, facts.channel)?;
    same("the payer", body.payer, facts.payer)?;
    same("the gateway", body.gateway, facts.gateway)?;
    // Prices and owners of a time before the call are nobody's to choose.
    if body.issued_at < facts.opened_at {
        return failed("the receipt's block is older than its channel");
    }
    if let Some(task) = facts.task {
        same("the prompt's commitment", body.prompt_commitment, task.prompt)?;
        same("the fee", body.fee(), task.fee)?;
        if receipt.signed.id != task.receipt {
            return failed(format!("the task paid for another receipt, {}", task.receipt));
        }
    }
    Ok(format!("{} pays through {}", facts.payer, facts.gateway))
}

/// Model, adapter, tokenizer and data are the registered ones.
pub(crate) fn model(receipt: &Receipt, evidence: &Evidence) -> Finding {
    let body = &receipt.signed.body;
    let facts = evidence.model.as_ref().ok_or(missing("the model is not known"))?;
    same("the model", body.model, facts.model)?;
    same("the model's digest", body.model_digest, facts.model_digest)?;
    same("the adapter's digest", body.adapter_digest, facts.adapter_digest)?;
    same("the tokenizer's digest", body.tokenizer_digest, facts.tokenizer_digest)?;
    same("the datanet", body.snapshot.datanet, facts.snapshot.datanet)?;
    same("the datanet's version", body.snapshot.version, facts.snapshot.version)?;
    same("the snapshot's root", body.snapshot.root, facts.snapshot.root)?;
    if !facts.is_active {
        return failed("the model was out of service");
    }
    Ok(format!("model {} is registered with these digests", facts.model))
}

/// The fees follow from prices and token counts.
pub(crate) fn fee(receipt: &Receipt, evidence: &Evidence) -> Finding {
    let body = &receipt.signed.body;
    let provider = evidence.provider.ok_or(missing("the provider's prices are not known"))?;
    let model = evidence.model.as_ref().ok_or(missing("the model's prices are not known"))?;
    let of = |prices: tributary_primitives::Prices| {
        prices
            .fee(body.prompt_tokens, body.completion_tokens)
            .ok_or(Problem::Failed("the fee does not fit".into()))
    };
    same("the compute fee", body.fee_compute, of(provider.prices)?)?;
    same("the licence fee", body.fee_licence, of(model.prices)?)?;
    Ok(format!(
        "{} tokens in and {} out cost {} and {}",
        body.prompt_tokens, body.completion_tokens, body.fee_compute, body.fee_licence
    ))
}

/// The shares are the committed ones and sum to the fee.
pub(crate) fn shares(receipt: &Receipt) -> Finding {
    let body = &receipt.signed.body;
    same("the shares' digest", body.shares_digest, Share::digest_all(&receipt.shares))?;
    let mut sum = tributary_primitives::Amount::ZERO;
    for share in &receipt.shares {
        sum =
            sum.checked_add(share.amount).ok_or(Problem::Failed("the sum does not fit".into()))?;
    }
    let fee = body.fee_compute.checked_add(body.fee_licence);
    if fee != Some(sum) {
        return failed(format!("the shares sum to {sum}, the fee is {}", body.fee()));
    }
    Ok(format!("{} shares sum to {sum}", receipt.shares.len()))
}

/// The shares follow from fees, lineage and spans.
pub(crate) fn split_again(receipt: &Receipt, evidence: &Evidence) -> Finding {
    let body = &receipt.signed.body;
    let facts = evidence.model.as_ref().ok_or(missing("the model's lineage is not known"))?;
    let again = split(&Call {
        parts: facts.parts,
        fee_compute: body.fee_compute,
        fee_licence: body.fee_licence,
        provider: body.provider,
        lineage: &facts.lineage,
        datanet: facts.snapshot.datanet,
        has_backers: facts.has_backers,
        output_tokens: body.completion_tokens,
        spans: &receipt.spans,
    });
    let again = match again {
        Ok(shares) => shares,
        Err(error) => return failed(format!("the fee cannot be split so: {error}")),
    };
    if again.len() != receipt.shares.len() {
        let (found, expected) = (receipt.shares.len(), again.len());
        return failed(format!("the receipt has {found} shares, the rules give {expected}"));
    }
    for (place, (found, expected)) in receipt.shares.iter().zip(&again).enumerate() {
        if found != expected {
            return failed(format!(
                "share {place}: the receipt says {} gets {} as {}, the rules give {} to {} as {}",
                found.party.0,
                found.amount,
                found.role.label(),
                expected.amount,
                expected.party.0,
                expected.role.label(),
            ));
        }
    }
    let data = again.iter().filter(|share| share.role == Role::Data).count();
    Ok(format!("the rules give the same {} shares, {data} of them to records", again.len()))
}

/// The shares stand in a posted root.
pub(crate) fn inclusion(receipt: &Receipt, evidence: &Evidence) -> Finding {
    let facts = evidence
        .epoch
        .as_ref()
        .ok_or(missing("it is not in a posted root yet; try again after the epoch"))?;
    let EpochFacts { posted, data, previous } = facts;
    same("the gateway", receipt.signed.body.gateway, posted.gateway)?;
    if (data.gateway, data.epoch) != (posted.gateway, posted.epoch) {
        return failed("the epoch's data is another epoch's");
    }
    if data.hash() != posted.data_hash {
        return failed("the epoch's data is not what the chain has the hash of");
    }
    if !posted.stands {
        return failed("the root was proven wrong: another one must settle this receipt");
    }
    check_root(data, facts)?;
    if data.previous != posted.previous {
        return failed("the epoch's data continues another epoch than the one on chain");
    }
    check_leaves(data, previous.as_ref())?;
    let Some(settled) = data.receipts.iter().find(|settled| settled.id == receipt.signed.id) else {
        return failed("the epoch's data does not hold this receipt");
    };
    if settled.shares != receipt.shares {
        return failed("the epoch settles other shares than the receipt's");
    }
    Ok(format!("settled in epoch {} under root {}", posted.epoch, posted.root))
}

fn check_root(data: &EpochData, facts: &EpochFacts) -> Result<(), Problem> {
    let posted = &facts.posted;
    let tree = match data.tree() {
        Ok(tree) => tree,
        Err(error) => return failed(error.to_string()),
    };
    if tree.root() != posted.root
        || tree.total() != posted.total.wei()
        || tree.leaves().len() as u64 != posted.leaves
    {
        return failed("the leaves do not make up the posted root and total");
    }
    Ok(())
}

fn check_leaves(data: &EpochData, previous: Option<&EpochData>) -> Result<(), Problem> {
    let is_first = data.previous.is_zero();
    match previous {
        None if !is_first => return Err(missing("the epoch before is not known")),
        Some(before) if is_first || before.hash() != data.previous => {
            return failed("the epoch before is another one than this epoch continues");
        }
        _ => {}
    }
    let again = EpochData::next(data.gateway, data.epoch, previous, data.receipts.clone());
    match again {
        Ok(again) if again.leaves == data.leaves => Ok(()),
        Ok(_) => failed("the leaves are not those of the epoch before plus the new shares"),
        Err(error) => failed(error.to_string()),
    }
}
