//! Models: reads of the registry and the calls of an owner.

use tributary_contracts::{IModels, IRoyalties, MODELS, ModelKind, ROYALTIES};
use tributary_primitives::{Amount, DatanetId, Digest, Lineage, LineageStep, ModelId, Ppm, Prices};

use crate::{Call, Chain, ClientError, logs::first_event};

/// Reads of the `models` module.
#[derive(Clone, Debug)]
pub struct Models(Chain);

const PAGE: u64 = 64;

impl Chain {
    /// The models.
    pub fn models(&self) -> Models {
        Models(self.clone())
    }
}

impl Models {
    /// One model.
    pub async fn get(&self, id: ModelId) -> Result<IModels::Model, ClientError> {
        self.0.call(MODELS, &IModels::getModelCall { modelId: id.0 }).await
    }

    /// By name; `None` when nobody has it.
    pub async fn by_name(&self, name: &str) -> Result<Option<IModels::Model>, ClientError> {
        let call = IModels::modelByNameCall { name: name.to_owned() };
        match self.0.call(MODELS, &call).await {
            Ok(model) => Ok(Some(model)),
            Err(ClientError::Reverted(revert)) if revert.error.starts_with("UnknownModelName") => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// By the digest of its file.
    pub async fn by_digest(&self, digest: Digest) -> Result<Option<ModelId>, ClientError> {
        let call = IModels::modelIdByDigestCall { digest: digest.to_b256() };
        let id = ModelId(self.0.call(MODELS, &call).await?);
        Ok((!id.is_none()).then_some(id))
    }

    /// How many models there are.
    pub async fn count(&self) -> Result<u64, ClientError> {
        self.0.call(MODELS, &IModels::modelCountCall {}).await
    }

    /// Models with ids from `from` on, at most 64.
    pub async fn page(&self, from: u64) -> Result<Vec<IModels::Model>, ClientError> {
        self.0.call(MODELS, &IModels::modelsCall { from, count: PAGE }).await
    }

    /// All models, by id.
    pub async fn list(&self) -> Result<Vec<IModels::Model>, ClientError> {
        let count = self.count().await?;
        let mut all = Vec::new();
        while (all.len() as u64) < count {
            let page = self.page(all.len() as u64 + 1).await?;
            if page.is_empty() {
                break;
            }
            all.extend(page);
        }
        Ok(all)
    }

    /// The model, then its ancestors breadth first.
    pub async fn lineage(&self, id: ModelId) -> Result<Lineage, ClientError> {
        lineage_of(self.0.call(MODELS, &IModels::lineageOfCall { modelId: id.0 }).await?)
    }

    /// The lineage as it stood after a block.
    pub async fn lineage_at(&self, id: ModelId, block: u64) -> Result<Lineage, ClientError> {
        let call = IModels::lineageOfCall { modelId: id.0 };
        lineage_of(self.0.call_at(MODELS, &call, block.into()).await?)
    }

    /// True when the name can be registered.
    pub async fn name_free(&self, name: &str) -> Result<bool, ClientError> {
        self.0.call(MODELS, &IModels::nameFreeCall { name: name.to_owned() }).await
    }

    /// How a fee is cut by the chain's parameters.
    pub async fn split_of(
        &self,
        compute: Amount,
        licence: Amount,
    ) -> Result<IRoyalties::Split, ClientError> {
        let call = IRoyalties::splitOfCall { feeCompute: compute.wei(), feeLicence: licence.wei() };
        self.0.call(ROYALTIES, &call).await
    }
}

fn lineage_of(steps: Vec<IModels::LineageStep>) -> Result<Lineage, ClientError> {
    let steps = steps.into_iter().map(|step| {
        let shares: Result<Vec<Ppm>, _> = step.sharesPpm.into_iter().map(Ppm::try_from).collect();
        let shares = shares.map_err(|error| ClientError::malformed("lineageOf", error))?;
        let parents = step.parents.into_iter().map(ModelId).zip(shares).collect();
        Ok(LineageStep { model: ModelId(step.modelId), owner: step.owner, parents })
    });
    Ok(Lineage { steps: steps.collect::<Result<_, ClientError>>()? })
}

/// The licence prices of a model in force.
pub fn prices(model: &IModels::Model) -> Prices {
    Prices { input: Amount::from_wei(model.priceIn), output: Amount::from_wei(model.priceOut) }
}

/// The data an adapter was trained on, if any.
pub fn snapshot_key(model: &IModels::Model) -> Option<(DatanetId, u32)> {
    model.snapshots.first().map(|key| (DatanetId(key.datanetId), key.version))
}

/// True for a base model.
pub fn is_base(model: &IModels::Model) -> bool {
    model.kind == ModelKind::Base.code()
}

/// Registers a model of the signer.
pub fn register(spec: IModels::ModelSpec) -> Call {
    let summary = format!("register the model \"{}\"", spec.name);
    Call::new(MODELS, &IModels::registerModelCall { spec }, summary)
}

/// Sets the licence prices.
pub fn set_price(model: ModelId, prices: Prices) -> Call {
    let call = IModels::setPriceCall {
        modelId: model.0,
        priceIn: prices.input.wei(),
        priceOut: prices.output.wei(),
    };
    Call::new(MODELS, &call, format!("set the prices of model {model}"))
}

/// The id of the model that a transaction registered.
pub fn registered_id(receipt: &alloy_rpc_types_eth::TransactionReceipt) -> Option<ModelId> {
    first_event::<IModels::ModelRegistered>(receipt, MODELS).map(|event| ModelId(event.id))
}
