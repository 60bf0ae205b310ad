//! The ABI forms of what `datanets` keeps.

use tributary_contracts::IDatanets;

use super::review::{SEAT_COUNT, SEATS};
use super::{
    CONTRIBUTION_URIS, LICENCES, NAMES, PARAMS, URIS, bond_of, contribution, datanet, publish,
};
use crate::fault::Result;
use crate::money;
use crate::session::Session;

pub(super) fn datanet_of(s: &mut Session<'_>, id: u64) -> Result<IDatanets::Datanet> {
    let record = datanet(s, id)?;
    let params = PARAMS.get(s)?;
    let spec = IDatanets::DatanetSpec {
        name: NAMES.get(s, id)?,
        uri: URIS.get(s, id)?,
        schemaHash: record.schema_hash,
        licence: LICENCES.get(s, id)?,
        reviewers: if record.reviewers == 0 { params.reviewers } else { record.reviewers },
        acceptScore: if record.accept_score == 0 {
            params.accept_score
        } else {
            record.accept_score
        },
        autoPublish: record.auto_publish,
    };
    Ok(IDatanets::Datanet {
        id,
        owner: record.owner,
        status: record.status,
        spec,
        stakePerItem: params.stake_per_item,
        minStake: params.min_stake,
        reviewFee: params.review_fee,
        headVersion: record.head_version,
        contributionCount: record.contribution_count,
        publishedCount: record.published_count,
        publishedItems: record.published_items,
        tombstoneCount: record.tombstone_count,
        createdAt: record.created_at,
    })
}

pub(super) fn contribution_of(s: &mut Session<'_>, id: u64) -> Result<IDatanets::Contribution> {
    let record = contribution(s, id)?;
    Ok(IDatanets::Contribution {
        id,
        datanetId: record.datanet_id,
        contributor: record.contributor,
        itemsRoot: record.items_root,
        itemCount: record.item_count,
        dataCommit: record.data_commit,
        uri: CONTRIBUTION_URIS.get(s, id)?,
        stake: record.stake,
        fee: record.fee,
        status: record.status,
        round: record.round,
        score: record.score,
        submittedAt: record.submitted_at,
        phaseEnd: record.phase_end,
        version: record.version,
        leafIndex: record.leaf_index,
        challenger: record.challenger,
        bond: money::held(s, bond_of(id))?,
        evidence: record.evidence,
    })
}

pub(super) fn contributions_of(
    s: &mut Session<'_>,
    ids: Vec<u64>,
) -> Result<Vec<IDatanets::Contribution>> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.push(contribution_of(s, id)?);
    }
    Ok(found)
}

pub(super) fn reviews_of(
    s: &mut Session<'_>,
    id: u64,
    round: u8,
) -> Result<Vec<IDatanets::Review>> {
    let mut found = Vec::new();
    for number in 0..SEAT_COUNT.get(s, (id, round))?.0 {
        let seat = SEATS.get(s, (id, round, number))?;
        found.push(IDatanets::Review {
            reviewer: seat.reviewer,
            provisionId: seat.provision_id,
            commitment: seat.commitment,
            revealed: seat.revealed,
            score: seat.score,
            weight: seat.weight,
        });
    }
    Ok(found)
}

pub(super) fn snapshot_of(
    s: &mut Session<'_>,
    id: u64,
    version: u32,
) -> Result<IDatanets::Snapshot> {
    let record = publish::require_snapshot(s, id, version)?;
    Ok(IDatanets::Snapshot {
        datanetId: id,
        version,
        root: record.root,
        contributionCount: record.contribution_count,
        itemCount: record.item_count,
        tombstoneRoot: record.tombstone_root,
        tombstoneCount: record.tombstone_count,
        publishedAt: record.published_at,
    })
}
