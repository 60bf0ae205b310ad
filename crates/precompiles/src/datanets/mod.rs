//! `datanets`: contributions with stake, review by commit and reveal, frozen snapshots.
//!
//! ```text
//! submitted -draw-> committing -> revealing -tally-> accepted -window-> published -> tombstoned
//!     |                               |                  |
//!     +-> withdrawn, expired          +-> rejected       +-challenge-> submitted (round 1) ..
//!                                                            upheld: slashed, dismissed: accepted
//! ```
//!
//! **Invariants:** stake in = returned + slashed + held; every waiting state has an end and a
//! default outcome; snapshots are append-only; reviewers earn a flat fee, never each other's
//! stake; plain low quality costs the fee, only a lost challenge costs the stake.

mod dispatch;
mod publish;
mod review;
mod show;
mod tally;
#[cfg(test)]
mod tests;

use alloy_primitives::{Address, B256};
use tributary_contracts::{ContributionStatus, DATANETS, DatanetStatus, IDatanets};
use tributary_primitives::limits;

pub(crate) use dispatch::dispatch;
pub(crate) use publish::require_snapshot;

use crate::fault::{Result, require, revert};
use crate::layout::{Cell, Lists, One, Table, Texts, record};
use crate::money::{self, Bucket, Place, Purpose};
use crate::session::{Session, add, add64, bound, mul};
use crate::timers::Timers;

record! {
    /// Genesis parameters.
    ParamsRecord {
        stake_per_item: u128,
        min_stake: u128,
        review_fee: u128,
        reviewers: u8,
        accept_score: u8,
        close_early: bool,
        no_reveal_slash_ppm: u32,
        winner_cut_ppm: u32,
        assign_delay: u64,
        assign_timeout: u64,
        commit_period: u64,
        reveal_period: u64,
        challenge_window: u64,
    }
}

record! {
    /// A datanet without its texts.
    DatanetRecord {
        owner: Address,
        status: u8,
        reviewers: u8,
        accept_score: u8,
        auto_publish: bool,
        head_version: u32,
        created_at: u64,
        contribution_count: u64,
        published_count: u64,
        published_items: u64,
        tombstone_count: u64,
        /// First entry of the queue of accepted contributions that is not done.
        queue_head: u64,
        schema_hash: B256,
        tombstone_root: B256,
    }
}

record! {
    /// A contribution without its uri; its coins lie in its buckets.
    ContributionRecord {
        contributor: Address,
        status: u8,
        round: u8,
        score: u8,
        accept_score: u8,
        reviewers: u8,
        seats: u8,
        committed: u8,
        revealed: u8,
        version: u32,
        datanet_id: u64,
        item_count: u64,
        submitted_at: u64,
        phase_end: u64,
        /// When and in which block the current round's inputs closed.
        closed_at: u64,
        closed_block: u64,
        leaf_index: u64,
        queue_index: u64,
        challenger: Address,
        stake: u128,
        fee: u128,
        items_root: B256,
        data_commit: B256,
        evidence: B256,
    }
}

pub(crate) static PARAMS: Cell<ParamsRecord> = Cell::new(DATANETS, "tributary.datanets.params");
static COUNT: Cell<One<u64>> = Cell::new(DATANETS, "tributary.datanets.count");
static RECORDS: Table<DatanetRecord> = Table::new(DATANETS, "tributary.datanets.records");
static NAMES: Texts = Texts::new(DATANETS, "tributary.datanets.names");
static URIS: Texts = Texts::new(DATANETS, "tributary.datanets.uris");
static LICENCES: Texts = Texts::new(DATANETS, "tributary.datanets.licences");
static CONTRIBUTION_COUNT: Cell<One<u64>> =
    Cell::new(DATANETS, "tributary.datanets.contributionCount");
static CONTRIBUTIONS: Table<ContributionRecord> =
    Table::new(DATANETS, "tributary.datanets.contributions");
static CONTRIBUTION_URIS: Texts = Texts::new(DATANETS, "tributary.datanets.contributionUris");
static BY_DATANET: Lists<u64> = Lists::new(DATANETS, "tributary.datanets.byDatanet");
static BY_CONTRIBUTOR: Lists<u64> = Lists::new(DATANETS, "tributary.datanets.byContributor");
/// Contribution that holds an items root in a datanet; 0 when it is free.
static ROOTS: Table<One<u64>> = Table::new(DATANETS, "tributary.datanets.roots");
static TIMERS: Timers =
    Timers::new(DATANETS, "tributary.datanets.timers", "tributary.datanets.timerPlaces");

/// Reviewers of one contribution.
const MOST_REVIEWERS: u8 = 15;

fn stake_of(id: u64) -> Bucket {
    Bucket::new(Purpose::ContributionStake, id)
}

fn fee_of(id: u64) -> Bucket {
    Bucket::new(Purpose::ReviewFee, id)
}

fn bond_of(id: u64) -> Bucket {
    Bucket::new(Purpose::Bond, id)
}

/// A datanet that exists.
pub(crate) fn datanet(s: &mut Session<'_>, id: u64) -> Result<DatanetRecord> {
    let record = RECORDS.get(s, id)?;
    require!(!record.owner.is_zero(), IDatanets::UnknownDatanet { datanetId: id });
    Ok(record)
}

/// True when there is such a datanet.
pub(crate) fn exists(s: &mut Session<'_>, id: u64) -> Result<bool> {
    Ok(!RECORDS.get(s, id)?.owner.is_zero())
}

/// A closed datanet takes nothing any more.
pub(crate) fn is_closed(s: &mut Session<'_>, id: u64) -> Result<bool> {
    Ok(RECORDS.get(s, id)?.status == DatanetStatus::Closed.code())
}

fn own_datanet(s: &mut Session<'_>, id: u64) -> Result<DatanetRecord> {
    let record = datanet(s, id)?;
    let caller = s.caller;
    require!(record.owner == caller, IDatanets::NotDatanetOwner { datanetId: id, caller });
    Ok(record)
}

fn contribution(s: &mut Session<'_>, id: u64) -> Result<ContributionRecord> {
    let record = CONTRIBUTIONS.get(s, id)?;
    require!(record.status != 0, IDatanets::UnknownContribution { contributionId: id });
    Ok(record)
}

/// A published contribution's datanet, contributor and items; `None` when it is not published.
pub(crate) fn published(s: &mut Session<'_>, id: u64) -> Result<Option<(u64, Address, u64)>> {
    let record = CONTRIBUTIONS.get(s, id)?;
    let is_published = record.status == ContributionStatus::Published.code();
    Ok(is_published.then_some((record.datanet_id, record.contributor, record.item_count)))
}

fn require_status(id: u64, record: &ContributionRecord, status: ContributionStatus) -> Result<()> {
    let found = record.status;
    let error = IDatanets::WrongContributionStatus { contributionId: id, status: found };
    require!(found == status.code(), error);
    Ok(())
}

fn apply_spec(
    s: &mut Session<'_>,
    id: u64,
    record: &mut DatanetRecord,
    spec: &IDatanets::DatanetSpec,
) -> Result<()> {
    bound(!spec.name.is_empty(), "name")?;
    bound(spec.reviewers <= MOST_REVIEWERS, "reviewers")?;
    bound(spec.acceptScore <= 100, "acceptScore")?;
    record.reviewers = spec.reviewers;
    record.accept_score = spec.acceptScore;
    record.auto_publish = spec.autoPublish;
    record.schema_hash = spec.schemaHash;
    RECORDS.set(s, id, record)?;
    NAMES.set(s, id, &spec.name, limits::NAME_SIZE_BYTES)?;
    URIS.set(s, id, &spec.uri, limits::URI_SIZE_BYTES)?;
    LICENCES.set(s, id, &spec.licence, limits::NAME_SIZE_BYTES)
}

fn create(s: &mut Session<'_>, spec: &IDatanets::DatanetSpec) -> Result<u64> {
    let (owner, id) = (s.caller, add64(COUNT.get(s)?.0, 1)?);
    COUNT.set(s, &One(id))?;
    let mut record = DatanetRecord {
        owner,
        status: DatanetStatus::Active.code(),
        created_at: s.now(),
        ..Default::default()
    };
    apply_spec(s, id, &mut record, spec)?;
    let name = spec.name.clone();
    s.emit(DATANETS, IDatanets::DatanetCreated { id, owner, name })?;
    Ok(id)
}

fn update(s: &mut Session<'_>, id: u64, spec: &IDatanets::DatanetSpec) -> Result<()> {
    let mut record = own_datanet(s, id)?;
    apply_spec(s, id, &mut record, spec)?;
    let (owner, name) = (record.owner, spec.name.clone());
    s.emit(DATANETS, IDatanets::DatanetUpdated { id, owner, name })
}

fn set_status(s: &mut Session<'_>, id: u64, status: u8) -> Result<()> {
    let mut record = own_datanet(s, id)?;
    if DatanetStatus::try_from(status).is_err() {
        return Err(revert(IDatanets::UnknownStatus { status }));
    }
    let closed = record.status == DatanetStatus::Closed.code();
    require!(!closed, IDatanets::DatanetNotActive { datanetId: id, status: record.status });
    record.status = status;
    RECORDS.set(s, id, &record)?;
    let owner = record.owner;
    s.emit(DATANETS, IDatanets::DatanetStatusChanged { id, owner, status })
}

/// What a contribution takes: (stake, fee, reviewers).
fn cost(s: &mut Session<'_>, record: &DatanetRecord, item_count: u64) -> Result<(u128, u128, u8)> {
    let params = PARAMS.get(s)?;
    let reviewers = if record.reviewers == 0 { params.reviewers } else { record.reviewers };
    let stake = mul(params.stake_per_item, item_count.into())?.max(params.min_stake);
    let fee = mul(params.review_fee, reviewers.into())?;
    Ok((stake, fee, reviewers))
}

fn contribute(s: &mut Session<'_>, call: &IDatanets::contributeCall) -> Result<u64> {
    let datanet_id = call.datanetId;
    let mut net = datanet(s, datanet_id)?;
    let status = net.status;
    let active = status == DatanetStatus::Active.code();
    require!(active, IDatanets::DatanetNotActive { datanetId: datanet_id, status });
    bound((1..=limits::CONTRIBUTION_ROWS as u64).contains(&call.itemCount), "itemCount")?;
    bound(!call.itemsRoot.is_zero(), "itemsRoot")?;
    bound(!call.dataCommit.is_zero(), "dataCommit")?;
    let holder = ROOTS.get(s, (datanet_id, call.itemsRoot))?.0;
    let error = IDatanets::DuplicateItems {
        datanetId: datanet_id,
        itemsRoot: call.itemsRoot,
        contributionId: holder,
    };
    require!(holder == 0, error);
    let (stake, fee, reviewers) = cost(s, &net, call.itemCount)?;
    review::require_value(s, add(stake, fee)?)?;
    let (contributor, now) = (s.caller, s.now());
    let id = add64(CONTRIBUTION_COUNT.get(s)?.0, 1)?;
    CONTRIBUTION_COUNT.set(s, &One(id))?;
    net.contribution_count = add64(net.contribution_count, 1)?;
    RECORDS.set(s, datanet_id, &net)?;
    let params = PARAMS.get(s)?;
    let due = add64(now, params.assign_delay)?;
    let record = ContributionRecord {
        contributor,
        status: ContributionStatus::Submitted.code(),
        accept_score: if net.accept_score == 0 { params.accept_score } else { net.accept_score },
        reviewers,
        datanet_id,
        item_count: call.itemCount,
        submitted_at: now,
        phase_end: add64(now, params.assign_timeout)?,
        closed_at: now,
        closed_block: s.host.number(),
        stake,
        fee,
        items_root: call.itemsRoot,
        data_commit: call.dataCommit,
        ..Default::default()
    };
    CONTRIBUTIONS.set(s, id, &record)?;
    CONTRIBUTION_URIS.set(s, id, &call.uri, limits::URI_SIZE_BYTES)?;
    ROOTS.set(s, (datanet_id, call.itemsRoot), &One(id))?;
    BY_DATANET.push(s, datanet_id, id)?;
    BY_CONTRIBUTOR.push(s, contributor, id)?;
    TIMERS.set(s, id, due)?;
    money::transfer(s, Place::Value, stake_of(id), stake)?;
    money::transfer(s, Place::Value, fee_of(id), fee)?;
    let event = IDatanets::ContributionSubmitted {
        id,
        datanetId: datanet_id,
        contributor,
        itemsRoot: call.itemsRoot,
        itemCount: call.itemCount,
        dataCommit: call.dataCommit,
        uri: call.uri.clone(),
        stake,
        fee,
    };
    s.emit(DATANETS, event)?;
    Ok(id)
}

/// Pays a contribution's remaining stake and fee back to its contributor.
fn refund(s: &mut Session<'_>, id: u64, record: &ContributionRecord) -> Result<u128> {
    let payee = Place::Account(record.contributor);
    let (stake, fee) = (money::held(s, stake_of(id))?, money::held(s, fee_of(id))?);
    money::transfer(s, stake_of(id), payee, stake)?;
    money::transfer(s, fee_of(id), payee, fee)?;
    add(stake, fee)
}

/// Ends a contribution outside the snapshot: its items may be contributed again.
fn end(
    s: &mut Session<'_>,
    id: u64,
    record: &mut ContributionRecord,
    status: ContributionStatus,
) -> Result<()> {
    record.status = status.code();
    CONTRIBUTIONS.set(s, id, record)?;
    TIMERS.clear(s, id)?;
    ROOTS.set(s, (record.datanet_id, record.items_root), &One(0))
}

fn withdraw(s: &mut Session<'_>, id: u64) -> Result<()> {
    let mut record = contribution(s, id)?;
    let caller = s.caller;
    let error = IDatanets::NotContributor { contributionId: id, caller };
    require!(record.contributor == caller, error);
    require_status(id, &record, ContributionStatus::Submitted)?;
    let error = IDatanets::AlreadyChallenged { contributionId: id };
    require!(record.round == 0, error);
    let refund = refund(s, id, &record)?;
    end(s, id, &mut record, ContributionStatus::Withdrawn)?;
    let (datanet_id, contributor) = (record.datanet_id, record.contributor);
    let event = IDatanets::ContributionWithdrawn { id, datanetId: datanet_id, contributor, refund };
    s.emit(DATANETS, event)
}

fn challenge(s: &mut Session<'_>, id: u64, evidence: B256) -> Result<()> {
    let mut record = contribution(s, id)?;
    require_status(id, &record, ContributionStatus::Accepted)?;
    require!(record.round == 0, IDatanets::AlreadyChallenged { contributionId: id });
    let (challenger, now, phase_end) = (s.caller, s.now(), record.phase_end);
    require!(now < phase_end, IDatanets::PhaseOver { contributionId: id, phaseEnd: phase_end });
    let own = challenger == record.contributor;
    require!(!own, IDatanets::OwnContribution { contributionId: id });
    let bond = record.stake;
    review::require_value(s, bond)?;
    money::transfer(s, Place::Value, bond_of(id), bond)?;
    let params = PARAMS.get(s)?;
    record.status = ContributionStatus::Submitted.code();
    record.round = 1;
    record.challenger = challenger;
    record.evidence = evidence;
    record.closed_at = now;
    record.closed_block = s.host.number();
    record.phase_end = add64(now, params.assign_timeout)?;
    (record.seats, record.committed, record.revealed) = (0, 0, 0);
    CONTRIBUTIONS.set(s, id, &record)?;
    TIMERS.set(s, id, add64(now, params.assign_delay)?)?;
    let datanet_id = record.datanet_id;
    let event =
        IDatanets::ContributionChallenged { id, datanetId: datanet_id, challenger, bond, evidence };
    s.emit(DATANETS, event)
}

/// Second at which `poke` has something to do.
pub(crate) fn next_timer(s: &mut Session<'_>) -> Result<u64> {
    Ok(TIMERS.next(s)?.map_or(0, |(due, _)| due.max(1)))
}
