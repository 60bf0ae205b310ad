//! The models' part of a licence fee: each model keeps what its parents do not take.

use std::collections::{BTreeMap, VecDeque};

use tributary_primitives::{Amount, Lineage, LineageStep, ModelId, Party, Role, Share};

use crate::{SplitError, rules::LINEAGE_DEPTH};

/// Splits an amount over a lineage. Sums to the amount exactly: what a parent's share floors
/// away stays with the child, and so does the share of a parent that is not in the lineage or
/// lies deeper than eight generations.
pub(crate) fn climb(amount: Amount, lineage: &Lineage) -> Result<Vec<Share>, SplitError> {
    let steps = by_id(lineage)?;
    let served = lineage.steps.first().ok_or(SplitError::NoModel)?.model;
    let depths = depths(served, &steps);
    let mut income: BTreeMap<ModelId, Amount> = BTreeMap::from([(served, amount)]);
    let mut shares = Vec::new();
    // A parent is older than its child, so falling ids see every child before its parents.
    for (model, step) in steps.iter().rev() {
        let Some(earned) = income.get(model).copied() else { continue };
        let mut kept = earned;
        for (parent, part) in &step.parents {
            if !depths.contains_key(parent) {
                continue;
            }
            let climbing = part.of(earned);
            kept = kept.checked_sub(climbing).ok_or(SplitError::ParentsTakeTooMuch(*model))?;
            let slot = income.entry(*parent).or_default();
            *slot = slot.checked_add(climbing).ok_or(SplitError::FeeTooLarge)?;
        }
        shares.push(Share {
            role: Role::Lineage,
            party: Party::account(step.owner),
            amount: kept,
            record: None,
            model: Some(*model),
        });
    }
    Ok(shares)
}

/// The steps by id, after checking that each stands once, that parents are older than their
/// children and that they do not take more than the whole.
fn by_id(lineage: &Lineage) -> Result<BTreeMap<ModelId, &LineageStep>, SplitError> {
    let mut steps = BTreeMap::new();
    for step in &lineage.steps {
        if steps.insert(step.model, step).is_some() {
            return Err(SplitError::ModelTwice(step.model));
        }
        let mut taken = 0u64;
        for (place, (parent, part)) in step.parents.iter().enumerate() {
            let named_before = step.parents.iter().take(place).any(|(other, _)| other == parent);
            if *parent >= step.model || named_before {
                return Err(SplitError::ParentNotOlder { model: step.model, parent: *parent });
            }
            taken += u64::from(part.millionths());
        }
        if taken > 1_000_000 {
            return Err(SplitError::ParentsTakeTooMuch(step.model));
        }
    }
    Ok(steps)
}

/// Generations from the served model (0) to each ancestor, by the shortest way, to the limit.
fn depths(served: ModelId, steps: &BTreeMap<ModelId, &LineageStep>) -> BTreeMap<ModelId, usize> {
    let mut depths = BTreeMap::from([(served, 0)]);
    let mut queue = VecDeque::from([served]);
    while let Some(model) = queue.pop_front() {
        let depth = depths.get(&model).copied().unwrap_or(0);
        let Some(step) = steps.get(&model).filter(|_| depth < LINEAGE_DEPTH) else { continue };
        for (parent, _) in &step.parents {
            if steps.contains_key(parent) && !depths.contains_key(parent) {
                depths.insert(*parent, depth + 1);
                queue.push_back(*parent);
            }
        }
    }
    depths
}

#[cfg(test)]
mod tests {
    use tributary_primitives::{Address, Ppm};

    use super::*;

    fn step(model: u64, parents: &[(u64, u32)]) -> LineageStep {
        let parents = parents.iter().map(|(id, p)| (ModelId(*id), Ppm::percent(*p))).collect();
        LineageStep { model: ModelId(model), owner: Address::with_last_byte(model as u8), parents }
    }

    fn amounts(wei: u128, steps: Vec<LineageStep>) -> Vec<(u64, u128)> {
        let shares = climb(Amount::from_wei(wei), &Lineage { steps }).unwrap();
        shares.iter().map(|s| (s.model.unwrap().0, s.amount.wei())).collect()
    }

    #[test]
    fn a_base_model_keeps_all_and_an_adapter_passes_its_parents_part_on() {
        assert_eq!(amounts(101, vec![step(1, &[])]), [(1, 101)]);
        assert_eq!(amounts(101, vec![step(2, &[(1, 30)]), step(1, &[])]), [(2, 71), (1, 30)]);
    }

    #[test]
    fn an_ancestor_reached_twice_earns_from_both_ways() {
        let steps = vec![
            step(4, &[(2, 20), (3, 20)]),
            step(3, &[(1, 50)]),
            step(2, &[(1, 50)]),
            step(1, &[]),
        ];
        assert_eq!(amounts(1_000, steps), [(4, 600), (3, 100), (2, 100), (1, 200)]);
    }

    #[test]
    fn the_ninth_generation_earns_nothing_and_its_child_keeps_it() {
        let steps: Vec<_> =
            (1..=10).rev().map(|id| step(id, if id > 1 { &[][..] } else { &[][..] })).collect();
        let chain: Vec<_> = steps
            .into_iter()
            .map(|s| if s.model.0 > 1 { step(s.model.0, &[(s.model.0 - 1, 100)]) } else { s })
            .collect();
        // Model 10 is served; model 2 is its eighth ancestor, model 1 its ninth.
        let earned: Vec<_> = amounts(500, chain).into_iter().filter(|(_, w)| *w > 0).collect();
        assert_eq!(earned, [(2, 500)]);
    }

    #[test]
    fn impossible_lineages_are_refused() {
        let refused = |steps| climb(Amount::from_wei(1), &Lineage { steps }).unwrap_err();
        assert_eq!(refused(vec![]), SplitError::NoModel);
        assert!(matches!(refused(vec![step(1, &[(1, 10)])]), SplitError::ParentNotOlder { .. }));
        assert_eq!(
            refused(vec![step(3, &[(1, 60), (2, 60)])]),
            SplitError::ParentsTakeTooMuch(ModelId(3))
        );
        assert_eq!(refused(vec![step(2, &[]), step(2, &[])]), SplitError::ModelTwice(ModelId(2)));
    }
}
