//! Lineage: who stands above a model, and what part of its income climbs.

use std::collections::BTreeSet;

use alloy_primitives::{Address, U256};
use tributary_contracts::{IModels, ModelKind};

use super::{MOST_PARENTS, PARAMS, PARENTS, SHARES, active_model, model};
use crate::fault::{Result, require};
use crate::layout::Page;
use crate::session::Session;

/// Models in one lineage, the served one included.
const MOST_STEPS: usize = 32;

/// One model of a lineage.
pub(crate) struct Step {
    pub(crate) model_id: u64,
    pub(crate) owner: Address,
    pub(crate) parents: Vec<u64>,
    pub(crate) shares_ppm: Vec<u32>,
}

const ALL: Page = Page { from: 0, count: MOST_PARENTS as u64, most: MOST_PARENTS as u64 };

/// Checks the parents of a new model; its depth and what climbs to each. A task's parent was
/// active when the task was submitted; deprecating it later does not undo the work.
pub(crate) fn admit(
    s: &mut Session<'_>,
    kind: ModelKind,
    parents: &[u64],
    by_task: bool,
) -> Result<(u8, Vec<u32>)> {
    match kind {
        ModelKind::Base => require!(parents.is_empty(), IModels::BaseHasParents {}),
        ModelKind::Adapter => require!(!parents.is_empty(), IModels::AdapterNeedsParent {}),
    }
    let count = U256::from(parents.len());
    require!(parents.len() <= MOST_PARENTS, IModels::TooManyParents { count });
    let params = PARAMS.get(s)?;
    let (mut depth, mut sum, mut shares) = (0u8, 0u32, Vec::new());
    let mut ancestors = BTreeSet::new();
    for parent in parents {
        let record = if by_task { model(s, *parent)? } else { active_model(s, *parent)? };
        require!(ancestors.insert(*parent), IModels::BadParent { modelId: *parent });
        depth = depth.max(record.depth.saturating_add(1));
        sum = sum.saturating_add(record.derivative_ppm);
        shares.push(record.derivative_ppm);
    }
    require!(depth <= params.max_depth, IModels::LineageTooDeep { depth });
    require!(sum <= params.max_parent_sum_ppm, IModels::ParentShareTooHigh { sharePpm: sum });
    for parent in parents {
        ancestors.extend(lineage(s, *parent)?.iter().map(|step| step.model_id));
    }
    let count = U256::from(ancestors.len());
    require!(ancestors.len() < MOST_STEPS, IModels::LineageTooWide { count });
    Ok((depth, shares))
}

/// The model, then its ancestors breadth first, each once.
pub(crate) fn lineage(s: &mut Session<'_>, id: u64) -> Result<Vec<Step>> {
    let mut steps: Vec<Step> = Vec::new();
    let mut queue = vec![id];
    let mut seen = BTreeSet::from([id]);
    let mut at = 0;
    while let Some(model_id) = queue.get(at).copied().filter(|_| at < MOST_STEPS) {
        let owner = model(s, model_id)?.owner;
        let parents = PARENTS.page(s, model_id, ALL)?;
        let shares_ppm = SHARES.page(s, model_id, ALL)?;
        queue.extend(parents.iter().filter(|parent| seen.insert(**parent)));
        steps.push(Step { model_id, owner, parents, shares_ppm });
        at += 1;
    }
    Ok(steps)
}
