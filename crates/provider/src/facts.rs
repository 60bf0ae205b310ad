//! What the chain says about a model and its provider at one block. A receipt names the block, so
//! anyone can read the same facts again.

use alloy_eips::BlockNumberOrTag;
use tributary_client::{BlockRef, Chain, models, staking};
use tributary_contracts::{
    IModels, IRoyalties, IStaking, MODELS, ModelKind, ModelStatus, ProvisionRole, ROYALTIES,
    STAKING,
};
use tributary_primitives::{
    Address, Amount, DatanetId, Digest, FeeParts, Lineage, LineageStep, ModelId, Ppm, Prices,
};

use crate::ProviderError;

/// A served model at one block.
#[derive(Clone, Debug)]
pub struct ModelFacts {
    /// The served model.
    pub model: ModelId,
    /// Its name.
    pub name: String,
    /// The base model's file.
    pub base_digest: Digest,
    /// The adapter's file; zero for a base model.
    pub adapter_digest: Digest,
    /// The tokenizer's file.
    pub tokenizer_digest: Digest,
    /// Data of the adapter: datanet and version.
    pub snapshot: Option<(DatanetId, u32)>,
    /// Licence prices.
    pub licence: Prices,
    /// Compute prices of this provider.
    pub compute: Prices,
    /// Owners and shares.
    pub lineage: Lineage,
    /// True when somebody backs the datanet.
    pub has_backers: bool,
    /// How the chain cuts a fee.
    pub parts: FeeParts,
    /// The block all this was read at.
    pub block: BlockRef,
}

impl ModelFacts {
    /// Reads a model as this provider serves it, at the chain's head.
    pub async fn read(
        chain: &Chain,
        provider: Address,
        id: ModelId,
    ) -> Result<Self, ProviderError> {
        let block = chain.head().await?;
        let at = BlockNumberOrTag::Number(block.number);
        let model = model_at(chain, id, at).await?;
        if ModelStatus::try_from(model.status) != Ok(ModelStatus::Active) {
            let reason = format!("model `{}` is deprecated: choose another", model.name);
            return Err(ProviderError::refused("model_deprecated", reason));
        }
        let is_base = ModelKind::try_from(model.kind) == Ok(ModelKind::Base);
        let (base, adapter_digest) = if is_base {
            (model.clone(), Digest::ZERO)
        } else {
            let base = base_of(chain, &model, at).await?;
            (base, Digest::from(model.digest))
        };
        let snapshot = models::snapshot_key(&model);
        let has_backers = match snapshot {
            Some((datanet, _)) => {
                let call = IRoyalties::poolOfCall { datanetId: datanet.0 };
                chain.call_at(ROYALTIES, &call, at).await?.backing > 0
            }
            None => false,
        };
        Ok(Self {
            model: id,
            name: model.name.clone(),
            base_digest: Digest::from(base.digest),
            adapter_digest,
            tokenizer_digest: Digest::from(base.tokenizerDigest),
            snapshot,
            licence: models::prices(&model),
            compute: compute_prices(chain, provider, at).await?,
            lineage: lineage_at(chain, id, at).await?,
            has_backers,
            parts: chain.royalties().parts_at(block.number).await?,
            block,
        })
    }

    /// What so many tokens cost: compute, then licence.
    pub fn fees(&self, prompt: u32, completion: u32) -> Result<(Amount, Amount), ProviderError> {
        let compute = self.compute.fee(prompt, completion);
        let licence = self.licence.fee(prompt, completion);
        compute
            .zip(licence)
            .filter(|(c, l)| c.checked_add(*l).is_some())
            .ok_or_else(|| ProviderError::refused("price_too_high", "the price overflows"))
    }
}

async fn model_at(
    chain: &Chain,
    id: ModelId,
    at: BlockNumberOrTag,
) -> Result<IModels::Model, ProviderError> {
    let call = IModels::getModelCall { modelId: id.0 };
    match chain.call_at(MODELS, &call, at).await {
        Ok(model) => Ok(model),
        Err(error) if error.is_revert() => Err(ProviderError::UnknownModel(id)),
        Err(error) => Err(error.into()),
    }
}

/// The base model under an adapter: the first parent, up to the top.
async fn base_of(
    chain: &Chain,
    adapter: &IModels::Model,
    at: BlockNumberOrTag,
) -> Result<IModels::Model, ProviderError> {
    let mut model = adapter.clone();
    // A parent's id is smaller than its child's, so this ends.
    while ModelKind::try_from(model.kind) != Ok(ModelKind::Base) {
        let parent = model.parents.first().copied().filter(|parent| *parent < model.id);
        let parent = parent.ok_or(ProviderError::UnknownModel(ModelId(model.id)))?;
        model = model_at(chain, ModelId(parent), at).await?;
    }
    Ok(model)
}

async fn compute_prices(
    chain: &Chain,
    provider: Address,
    at: BlockNumberOrTag,
) -> Result<Prices, ProviderError> {
    let role = ProvisionRole::Provider.code();
    let provision = IStaking::provisionOfCall { owner: provider, role };
    let provision = chain.call_at(STAKING, &provision, at).await?;
    let profile = IStaking::profileOfCall { provisionId: provision.id };
    Ok(staking::prices(&chain.call_at(STAKING, &profile, at).await?))
}

async fn lineage_at(
    chain: &Chain,
    id: ModelId,
    at: BlockNumberOrTag,
) -> Result<Lineage, ProviderError> {
    let steps = chain.call_at(MODELS, &IModels::lineageOfCall { modelId: id.0 }, at).await?;
    let steps = steps.into_iter().map(|step| {
        let shares = step.sharesPpm.into_iter().map(Ppm::try_from);
        let shares: Result<Vec<Ppm>, _> = shares.collect();
        let shares = shares.map_err(|error| ProviderError::Internal(error.to_string()))?;
        let parents = step.parents.into_iter().map(ModelId).zip(shares).collect();
        Ok(LineageStep { model: ModelId(step.modelId), owner: step.owner, parents })
    });
    Ok(Lineage { steps: steps.collect::<Result<_, ProviderError>>()? })
}

#[cfg(test)]
mod tests {
    use tributary_primitives::B256;

    use super::*;

    fn facts(compute: u128, licence: u128) -> ModelFacts {
        let prices =
            |wei: u128| Prices { input: Amount::from_wei(wei), output: Amount::from_wei(wei) };
        ModelFacts {
            model: ModelId(1),
            name: "a/b".into(),
            base_digest: Digest::ZERO,
            adapter_digest: Digest::ZERO,
            tokenizer_digest: Digest::ZERO,
            snapshot: None,
            licence: prices(licence),
            compute: prices(compute),
            lineage: Lineage { steps: Vec::new() },
            has_backers: false,
            parts: FeeParts::MAIN,
            block: BlockRef { number: 1, hash: B256::ZERO, timestamp: 1 },
        }
    }

    #[test]
    fn compute_and_licence_are_priced_apart_by_token() {
        let fees = facts(3, 5).fees(10, 4).expect("fits");
        assert_eq!(fees, (Amount::from_wei(42), Amount::from_wei(70)));
        assert_eq!(facts(3, 5).fees(0, 0).expect("fits"), (Amount::ZERO, Amount::ZERO));
    }

    #[test]
    fn a_price_beyond_all_money_is_refused_and_never_wraps() {
        for facts in [facts(u128::MAX, 1), facts(1, u128::MAX), facts(u128::MAX / 2, u128::MAX / 2)]
        {
            let refused = facts.fees(2, 2);
            assert!(matches!(refused, Err(ProviderError::Refused { code: "price_too_high", .. })));
        }
    }
}
