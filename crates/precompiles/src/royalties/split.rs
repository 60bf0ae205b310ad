//! How a fee is cut, and how the lineage part climbs.

use std::collections::BTreeMap;

use tributary_contracts::IRoyalties;

use super::PARAMS;
use crate::fault::Result;
use crate::models;
use crate::session::{Session, add, part, sub};

/// Cuts a fee: every part is rounded down, what rounding leaves goes to the data.
pub(super) fn split(
    s: &mut Session<'_>,
    fee_compute: u128,
    fee_licence: u128,
) -> Result<IRoyalties::Split> {
    let params = PARAMS.get(s)?;
    let protocol_compute = part(fee_compute, params.compute_protocol_ppm)?;
    let protocol_licence = part(fee_licence, params.licence_protocol_ppm)?;
    let lineage = part(fee_licence, params.lineage_ppm)?;
    let backers = part(fee_licence, params.backers_ppm)?;
    let others = add(add(protocol_licence, lineage)?, backers)?;
    Ok(IRoyalties::Split {
        provider: sub(fee_compute, protocol_compute)?,
        protocolCompute: protocol_compute,
        protocolLicence: protocol_licence,
        lineage,
        data: sub(fee_licence, others)?,
        backers,
    })
}

/// Millionths of the lineage part per model: each keeps what does not climb to its parents;
/// what rounding leaves stays with the child.
pub(super) fn route(s: &mut Session<'_>, id: u64) -> Result<Vec<IRoyalties::Route>> {
    let steps = models::lineage(s, id)?;
    let mut reaching: BTreeMap<u64, u64> = BTreeMap::from([(id, 1_000_000)]);
    let mut routes = Vec::new();
    // A parent's id is smaller than its child's: from the highest id down, all that reaches a
    // model has arrived when its turn comes.
    let mut order: Vec<&models::Step> = steps.iter().collect();
    order.sort_by_key(|step| std::cmp::Reverse(step.model_id));
    for step in order {
        let arrived = reaching.get(&step.model_id).copied().unwrap_or_default();
        let mut kept = arrived;
        for (parent, share) in step.parents.iter().zip(&step.shares_ppm) {
            let climbs = arrived.saturating_mul(u64::from(*share)) / 1_000_000;
            kept = kept.saturating_sub(climbs);
            let target = reaching.entry(*parent).or_default();
            *target = target.saturating_add(climbs);
        }
        routes.push(IRoyalties::Route {
            modelId: step.model_id,
            owner: step.owner,
            sharePpm: u32::try_from(kept).unwrap_or(u32::MAX),
        });
    }
    routes.sort_by_key(|route| steps.iter().position(|step| step.model_id == route.modelId));
    Ok(routes)
}
