//! Routes calls of `models`.

use tributary_contracts::IModels;

use super::{
    BY_DIGEST, BY_NAME, BY_OWNER, COUNT, LICENCES, MOST_PARENTS, MOST_SNAPSHOTS, NAMES, PARAMS,
    PARENTS, RESERVED, Registrant, SHARES, SNAPSHOTS, URIS, check_name, lineage, model, name_key,
    prices_at,
};
use crate::dispatch::{decode, returns};
use crate::fault::{Result, require, revert};
use crate::layout::Page;
use crate::session::Session;

pub(crate) fn dispatch(s: &mut Session<'_>, data: &[u8]) -> Result<Vec<u8>> {
    use IModels::IModelsCalls as Calls;
    match decode(data)? {
        Calls::registerModel(call) => {
            let by = Registrant { owner: s.caller, task_id: 0 };
            let id = super::register(s, &by, &call.spec)?;
            return Ok(returns::<IModels::registerModelCall>(&id));
        }
        Calls::setPrice(call) => super::set_price(s, call.modelId, call.priceIn, call.priceOut)?,
        Calls::setDerivativeShare(call) => {
            super::set_derivative_share(s, call.modelId, call.sharePpm)?;
        }
        Calls::setLicence(call) => super::set_licence(s, call.modelId, &call.licence, &call.uri)?,
        Calls::transferModel(call) => super::transfer_model(s, call.modelId, call.to)?,
        Calls::deprecate(call) => super::deprecate(s, call.modelId)?,
        view => return views(s, view),
    }
    Ok(Vec::new())
}

fn views(s: &mut Session<'_>, call: IModels::IModelsCalls) -> Result<Vec<u8>> {
    use IModels::IModelsCalls as Calls;
    Ok(match call {
        Calls::getModel(call) => returns::<IModels::getModelCall>(&shown(s, call.modelId)?),
        Calls::modelByName(call) => {
            let key = name_key(s, &call.name)?;
            let id = BY_NAME.get(s, key)?.0;
            require!(id != 0, IModels::UnknownModelName { name: call.name });
            returns::<IModels::modelByNameCall>(&shown(s, id)?)
        }
        Calls::modelIdByDigest(call) => {
            returns::<IModels::modelIdByDigestCall>(&BY_DIGEST.get(s, call.digest)?.0)
        }
        Calls::modelCount(_) => returns::<IModels::modelCountCall>(&COUNT.get(s)?.0),
        Calls::models(call) => {
            let page = Page { from: call.from, count: call.count, most: 64 };
            let mut found = Vec::new();
            for id in page.ids(COUNT.get(s)?.0) {
                found.push(shown(s, id)?);
            }
            returns::<IModels::modelsCall>(&found)
        }
        Calls::modelsOf(call) => {
            let page = Page { from: call.from, count: call.count, most: 256 };
            let mut found = Vec::new();
            for id in BY_OWNER.page(s, call.owner, page)? {
                if model(s, id)?.owner == call.owner {
                    found.push(id);
                }
            }
            returns::<IModels::modelsOfCall>(&found)
        }
        Calls::lineageOf(call) => {
            let steps = lineage(s, call.modelId)?.into_iter().map(|step| IModels::LineageStep {
                modelId: step.model_id,
                owner: step.owner,
                parents: step.parents,
                sharesPpm: step.shares_ppm,
            });
            returns::<IModels::lineageOfCall>(&steps.collect())
        }
        Calls::priceOf(call) => {
            let record = model(s, call.modelId)?;
            let (price_in, price_out) = prices_at(&record, s.now());
            let prices = IModels::priceOfReturn { priceIn: price_in, priceOut: price_out };
            returns::<IModels::priceOfCall>(&prices)
        }
        Calls::nameFree(call) => {
            let key = name_key(s, &call.name)?;
            let unused = BY_NAME.get(s, key)?.0 == 0 && RESERVED.get(s, key)?.0 == 0;
            returns::<IModels::nameFreeCall>(&(unused && check_name(&call.name).is_ok()))
        }
        Calls::modelsParams(_) => {
            let params = PARAMS.get(s)?;
            returns::<IModels::modelsParamsCall>(&IModels::ModelsParams {
                priceRiseDelay: params.price_rise_delay,
                maxParentSharePpm: params.max_parent_share_ppm,
                maxParentSumPpm: params.max_parent_sum_ppm,
                maxDepth: params.max_depth,
            })
        }
        _ => return Err(revert(tributary_contracts::IModule::BadCalldata {})),
    })
}

fn shown(s: &mut Session<'_>, id: u64) -> Result<IModels::Model> {
    let record = model(s, id)?;
    let (price_in, price_out) = prices_at(&record, s.now());
    let pending = record.price_at > s.now();
    let few = Page { from: 0, count: MOST_PARENTS as u64, most: MOST_PARENTS as u64 };
    let many = Page { from: 0, count: MOST_SNAPSHOTS as u64, most: MOST_SNAPSHOTS as u64 };
    let snapshots = SNAPSHOTS.page(s, id, many)?;
    let key = |packed: alloy_primitives::U256| IModels::SnapshotKey {
        datanetId: (packed >> 32usize).wrapping_to(),
        version: packed.wrapping_to(),
    };
    Ok(IModels::Model {
        id,
        kind: record.kind,
        status: record.status,
        owner: record.owner,
        name: NAMES.get(s, id)?,
        digest: record.digest,
        tokenizerDigest: record.tokenizer_digest,
        cardDigest: record.card_digest,
        licence: LICENCES.get(s, id)?,
        uri: URIS.get(s, id)?,
        parents: PARENTS.page(s, id, few)?,
        parentSharesPpm: SHARES.page(s, id, few)?,
        snapshots: snapshots.into_iter().map(key).collect(),
        priceIn: price_in,
        priceOut: price_out,
        nextPriceIn: if pending { record.next_price_in } else { price_in },
        nextPriceOut: if pending { record.next_price_out } else { price_out },
        nextPriceAt: if pending { record.price_at } else { 0 },
        derivativeSharePpm: record.derivative_ppm,
        depth: record.depth,
        taskId: record.task_id,
        registeredAt: record.registered_at,
    })
}
