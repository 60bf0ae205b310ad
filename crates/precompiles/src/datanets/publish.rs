//! Snapshots: accepted contributions become leaves of an append-only tree, in the order of their
//! acceptance; a version freezes the tree.

use alloy_primitives::B256;
use tributary_contracts::{ContributionStatus, DATANETS, IDatanets};
use tributary_proofs::{ContributionLeaf, Frontier, contributions};

use super::{
    CONTRIBUTIONS, ContributionRecord, DatanetRecord, RECORDS, TIMERS, contribution, datanet,
    require_status, stake_of,
};
use crate::fault::{Result, require, revert};
use crate::layout::{Lists, One, Table, record};
use crate::money::{self, Place};
use crate::session::{Session, add64};

record! {
    /// A frozen version.
    SnapshotRecord {
        published_at: u64,
        contribution_count: u64,
        item_count: u64,
        tombstone_count: u64,
        root: B256,
        tombstone_root: B256,
    }
}

static SNAPSHOTS: Table<SnapshotRecord> = Table::new(DATANETS, "tributary.datanets.snapshots");
/// Accepted contributions by datanet in the order of acceptance.
static QUEUE: Lists<u64> = Lists::new(DATANETS, "tributary.datanets.queue");
/// Published contributions by datanet: the leaves.
pub(super) static LEAVES: Lists<u64> = Lists::new(DATANETS, "tributary.datanets.leaves");
/// Right edge of the tree by datanet and height.
static FRONTIER: Table<One<B256>> = Table::new(DATANETS, "tributary.datanets.frontier");

/// Contributions one publication takes at most.
const MOST_AT_ONCE: u64 = 64;

/// Gives an accepted contribution its place and, where its datanet wants it, its timer.
pub(super) fn enqueue(s: &mut Session<'_>, id: u64, record: &mut ContributionRecord) -> Result<()> {
    record.queue_index = QUEUE.push(s, record.datanet_id, id)?;
    CONTRIBUTIONS.set(s, id, record)?;
    if datanet(s, record.datanet_id)?.auto_publish {
        TIMERS.set(s, id, record.phase_end)
    } else {
        TIMERS.clear(s, id)
    }
}

/// Freezes the next version.
pub(super) fn publish(s: &mut Session<'_>, datanet_id: u64) -> Result<u32> {
    let version = try_publish(s, datanet_id)?;
    version.ok_or_else(|| revert(IDatanets::NothingToPublish { datanetId: datanet_id }))
}

/// For a timer: publishes, or waits for the entry at the head of the queue.
pub(super) fn publish_due(s: &mut Session<'_>, id: u64, datanet_id: u64) -> Result<()> {
    if try_publish(s, datanet_id)?.is_some() {
        return Ok(());
    }
    let head = datanet(s, datanet_id)?.queue_head;
    if head >= QUEUE.len(s, datanet_id)? {
        return TIMERS.clear(s, id);
    }
    let first = QUEUE.get(s, datanet_id, head)?;
    let due = contribution(s, first)?.phase_end.max(add64(s.now(), 1)?);
    TIMERS.set(s, id, due)
}

/// Freezes the next version if there is anything new; `None` otherwise.
fn try_publish(s: &mut Session<'_>, datanet_id: u64) -> Result<Option<u32>> {
    let mut net = datanet(s, datanet_id)?;
    let version = net.head_version.saturating_add(1);
    let mut frontier = load_frontier(s, datanet_id, net.published_count)?;
    let (mut published, len, now) = (0, QUEUE.len(s, datanet_id)?, s.now());
    let mut walked = 0;
    while net.queue_head < len && published < MOST_AT_ONCE && walked < 4 * MOST_AT_ONCE {
        let id = QUEUE.get(s, datanet_id, net.queue_head)?;
        let mut record = contribution(s, id)?;
        let waits = record.status == ContributionStatus::Accepted.code()
            && record.queue_index == net.queue_head;
        if waits && now < record.phase_end {
            break;
        }
        if waits {
            append(s, id, &mut record, (&mut net, &mut frontier), version)?;
            published += 1;
        }
        net.queue_head = add64(net.queue_head, 1)?;
        walked += 1;
    }
    let last = SNAPSHOTS.get(s, (datanet_id, net.head_version))?;
    let changed = published > 0 || last.tombstone_count != net.tombstone_count;
    if changed {
        net.head_version = version;
    }
    RECORDS.set(s, datanet_id, &net)?;
    if !changed {
        return Ok(None);
    }
    freeze(s, datanet_id, &net, &frontier)?;
    Ok(Some(version))
}

fn load_frontier(s: &mut Session<'_>, datanet_id: u64, count: u64) -> Result<Frontier> {
    let mut frontier = Frontier { count, ..Default::default() };
    for (height, left) in frontier.left.iter_mut().enumerate() {
        if count >> height & 1 == 1 {
            *left = FRONTIER.get(s, (datanet_id, height as u64))?.0;
        }
    }
    Ok(frontier)
}

fn append(
    s: &mut Session<'_>,
    id: u64,
    record: &mut ContributionRecord,
    (net, frontier): (&mut DatanetRecord, &mut Frontier),
    version: u32,
) -> Result<()> {
    // A leaf and, in the worst case, one node per level.
    for _ in 0..=frontier.count.trailing_ones() {
        s.charge_keccak(96)?;
    }
    let leaf = leaf_of(id, record);
    let height = frontier
        .append(leaf.hash())
        .map_err(|_| revert(tributary_contracts::IModule::OutOfBounds { what: "tree".into() }))?;
    if let Some(left) = frontier.left.get(height) {
        FRONTIER.set(s, (record.datanet_id, height as u64), &One(*left))?;
    }
    record.status = ContributionStatus::Published.code();
    record.version = version;
    record.leaf_index = LEAVES.push(s, record.datanet_id, id)?;
    CONTRIBUTIONS.set(s, id, record)?;
    TIMERS.clear(s, id)?;
    net.published_count = add64(net.published_count, 1)?;
    net.published_items = add64(net.published_items, record.item_count)?;
    let stake = money::held(s, stake_of(id))?;
    money::transfer(s, stake_of(id), Place::Account(record.contributor), stake)?;
    crate::royalties::join_commons(s, record.datanet_id, id, record.item_count)?;
    let event = IDatanets::ContributionPublished {
        id,
        datanetId: record.datanet_id,
        contributor: record.contributor,
        version,
        leafIndex: record.leaf_index,
        stakeReturned: stake,
    };
    s.emit(DATANETS, event)
}

fn freeze(
    s: &mut Session<'_>,
    datanet_id: u64,
    net: &DatanetRecord,
    frontier: &Frontier,
) -> Result<()> {
    for _ in 0..contributions::DEPTH * 2 {
        s.charge_keccak(66)?;
    }
    let snapshot = SnapshotRecord {
        published_at: s.now(),
        contribution_count: net.published_count,
        item_count: net.published_items,
        tombstone_count: net.tombstone_count,
        root: frontier.root(),
        tombstone_root: net.tombstone_root,
    };
    SNAPSHOTS.set(s, (datanet_id, net.head_version), &snapshot)?;
    let event = IDatanets::SnapshotPublished {
        datanetId: datanet_id,
        version: net.head_version,
        root: snapshot.root,
        contributionCount: snapshot.contribution_count,
        itemCount: snapshot.item_count,
        tombstoneRoot: snapshot.tombstone_root,
    };
    s.emit(DATANETS, event)
}

fn leaf_of(id: u64, record: &ContributionRecord) -> ContributionLeaf {
    ContributionLeaf {
        contribution: id,
        contributor: record.contributor,
        items_root: record.items_root,
        item_count: record.item_count,
    }
}

/// A version that exists.
pub(crate) fn require_snapshot(
    s: &mut Session<'_>,
    datanet_id: u64,
    version: u32,
) -> Result<SnapshotRecord> {
    let snapshot = SNAPSHOTS.get(s, (datanet_id, version))?;
    let exists = !snapshot.root.is_zero();
    require!(exists, IDatanets::UnknownSnapshot { datanetId: datanet_id, version });
    Ok(snapshot)
}

pub(super) fn verify(
    s: &mut Session<'_>,
    call: &IDatanets::verifyContributionCall,
) -> Result<bool> {
    let snapshot = require_snapshot(s, call.datanetId, call.version)?;
    let record = contribution(s, call.contributionId)?;
    for _ in 0..=contributions::DEPTH {
        s.charge_keccak(96)?;
    }
    let leaf = leaf_of(call.contributionId, &record);
    let inside = record.datanet_id == call.datanetId
        && record.version != 0
        && record.leaf_index < snapshot.contribution_count;
    let proven = contributions::verify(&snapshot.root, record.leaf_index, &leaf, &call.siblings);
    Ok(inside && proven)
}

/// Marks a published contribution as withdrawn; the next version carries the mark.
pub(super) fn tombstone(s: &mut Session<'_>, id: u64, reason: B256) -> Result<()> {
    let mut record = contribution(s, id)?;
    let (by, datanet_id) = (s.caller, record.datanet_id);
    let mut net = datanet(s, datanet_id)?;
    let may = by == net.owner || by == record.contributor;
    require!(may, IDatanets::NotDatanetOwner { datanetId: datanet_id, caller: by });
    require_status(id, &record, ContributionStatus::Published)?;
    crate::royalties::leave_commons(s, id)?;
    record.status = ContributionStatus::Tombstoned.code();
    CONTRIBUTIONS.set(s, id, &record)?;
    let mut bytes = net.tombstone_root.to_vec();
    bytes.extend_from_slice(&id.to_be_bytes());
    bytes.extend_from_slice(reason.as_slice());
    net.tombstone_root = s.keccak(&bytes)?;
    net.tombstone_count = add64(net.tombstone_count, 1)?;
    RECORDS.set(s, datanet_id, &net)?;
    s.emit(DATANETS, IDatanets::ContributionTombstoned { id, datanetId: datanet_id, by, reason })
}
