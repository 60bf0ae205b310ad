//! `tasks`: one job with escrow, for training and inference.
//!
//! ```text
//! submitted -accept-> accepted -complete-> completed
//!     |  ^---release---'  |
//!     +-- cancel ---------+--> cancelled
//!     +-- deadline -------+--> expired
//! ```
//!
//! The fee of a training is the provider's, less the protocol's part. An inference has a signed
//! receipt, so its fee goes the way of every metered answer: into the gateway's pot, divided by its
//! next root.
//!
//! **Invariants:** escrow in = fee + refund; a provider's locks cover its open tasks; every task
//! ends by its deadline plus one poke.

mod dispatch;
#[cfg(test)]
mod tests;

use alloy_primitives::{Address, B256};
use tributary_contracts::{IModels, ITasks, ModelKind, ProvisionRole, TASKS, TaskKind, TaskState};
use tributary_primitives::limits;

pub(crate) use dispatch::dispatch;

use crate::channels;
use crate::fault::{Result, require, revert};
use crate::layout::{Cell, Lists, One, Table, Texts, record};
use crate::models::{self, Registrant};
use crate::money::{self, Bucket, Place, Purpose};
use crate::session::{Session, add64, bound, part, sub};
use crate::staking;
use crate::timers::Timers;

record! {
    /// Genesis parameters.
    ParamsRecord {
        treasury: Address,
        cover_ppm: u32,
        protocol_ppm: u32,
        cancel_ppm: u32,
        expire_penalty_ppm: u32,
        min_duration: u64,
        max_duration: u64,
    }
}

record! {
    /// A task without its texts; what is left of the escrow lies in its bucket.
    TaskRecord {
        requester: Address,
        state: u8,
        kind: u8,
        version: u32,
        accepted_by: Address,
        provision_id: u64,
        provider: Address,
        model_id: u64,
        datanet_id: u64,
        deadline: u64,
        submitted_at: u64,
        accepted_at: u64,
        ended_at: u64,
        result_model_id: u64,
        /// Place in the list of open tasks plus one.
        place: u64,
        max_fee: u128,
        fee: u128,
        locked: u128,
        price_in: u128,
        price_out: u128,
        input_digest: B256,
        result_digest: B256,
        gateway: Address,
    }
}

pub(crate) static PARAMS: Cell<ParamsRecord> = Cell::new(TASKS, "tributary.tasks.params");
static COUNT: Cell<One<u64>> = Cell::new(TASKS, "tributary.tasks.count");
static RECORDS: Table<TaskRecord> = Table::new(TASKS, "tributary.tasks.records");
static PRESETS: Texts = Texts::new(TASKS, "tributary.tasks.params_texts");
static NAMES: Texts = Texts::new(TASKS, "tributary.tasks.names");
static LICENCES: Texts = Texts::new(TASKS, "tributary.tasks.licences");
static BY_REQUESTER: Lists<u64> = Lists::new(TASKS, "tributary.tasks.byRequester");
static OPEN_TASKS: Lists<u64> = Lists::new(TASKS, "tributary.tasks.open");
static TIMERS: Timers = Timers::new(TASKS, "tributary.tasks.timers", "tributary.tasks.timerPlaces");

fn escrow(id: u64) -> Bucket {
    Bucket::new(Purpose::Escrow, id)
}

fn task(s: &mut Session<'_>, id: u64) -> Result<TaskRecord> {
    let record = RECORDS.get(s, id)?;
    require!(record.state != 0, ITasks::UnknownTask { taskId: id });
    Ok(record)
}

fn require_state(id: u64, record: &TaskRecord, allowed: &[TaskState]) -> Result<()> {
    let state = record.state;
    let fits = allowed.iter().any(|allowed| allowed.code() == state);
    require!(fits, ITasks::WrongTaskState { taskId: id, state });
    Ok(())
}

fn submit(s: &mut Session<'_>, spec: &ITasks::TaskSpec) -> Result<u64> {
    let Ok(kind) = TaskKind::try_from(spec.kind) else {
        return Err(revert(ITasks::UnknownTaskKind { kind: spec.kind }));
    };
    let (requester, max_fee, now, params) = (s.caller, s.value, s.now(), PARAMS.get(s)?);
    require!(max_fee > 0, ITasks::EmptyEscrow {});
    let earliest = add64(now, params.min_duration)?;
    let latest = add64(now, params.max_duration)?;
    let fits = (earliest..=latest).contains(&spec.deadline);
    require!(fits, ITasks::BadDeadline { deadline: spec.deadline });
    models::active_model(s, spec.modelId)?;
    match kind {
        TaskKind::Inference => require_gateway(s, spec.gateway)?,
        TaskKind::Training => bound(spec.gateway.is_zero(), "gateway")?,
    }
    if spec.datanetId != 0 {
        crate::datanets::require_snapshot(s, spec.datanetId, spec.version)?;
    }
    let id = add64(COUNT.get(s)?.0, 1)?;
    COUNT.set(s, &One(id))?;
    if kind == TaskKind::Training {
        models::admit(s, ModelKind::Adapter, &[spec.modelId], false)?;
        models::reserve_name(s, &spec.adapterName, id)?;
    }
    money::transfer(s, Place::Value, escrow(id), max_fee)?;
    let record = TaskRecord {
        requester,
        state: TaskState::Submitted.code(),
        kind: kind.code(),
        version: spec.version,
        provider: spec.provider,
        gateway: spec.gateway,
        model_id: spec.modelId,
        datanet_id: spec.datanetId,
        deadline: spec.deadline,
        submitted_at: now,
        place: OPEN_TASKS.push(s, crate::layout::NoKey, id)?.saturating_add(1),
        max_fee,
        price_in: spec.priceIn,
        price_out: spec.priceOut,
        input_digest: spec.inputDigest,
        ..Default::default()
    };
    RECORDS.set(s, id, &record)?;
    PRESETS.set(s, id, &spec.params, limits::URI_SIZE_BYTES)?;
    NAMES.set(s, id, &spec.adapterName, limits::NAME_SIZE_BYTES)?;
    LICENCES.set(s, id, &spec.licence, 64)?;
    BY_REQUESTER.push(s, requester, id)?;
    TIMERS.set(s, id, spec.deadline)?;
    let event = ITasks::TaskSubmitted {
        id,
        requester,
        kind: spec.kind,
        modelId: spec.modelId,
        datanetId: spec.datanetId,
        version: spec.version,
        provider: spec.provider,
        maxFee: max_fee,
        deadline: spec.deadline,
    };
    s.emit(TASKS, event)?;
    Ok(id)
}

/// Whose roots are to divide a fee must be able to post them.
fn require_gateway(s: &mut Session<'_>, gateway: Address) -> Result<()> {
    let active = staking::is_active(s, gateway, ProvisionRole::Gateway)?;
    require!(active, ITasks::NoGateway { gateway });
    Ok(())
}

fn accept(s: &mut Session<'_>, id: u64) -> Result<()> {
    let mut record = task(s, id)?;
    let (provider, now) = (s.caller, s.now());
    require_state(id, &record, &[TaskState::Submitted])?;
    let deadline = record.deadline;
    require!(now < deadline, ITasks::DeadlinePassed { taskId: id, deadline });
    let chosen = record.provider;
    let may = chosen.is_zero() || chosen == provider;
    require!(may, ITasks::ChosenProvider { taskId: id, provider: chosen });
    let provision_id = staking::provision_id(s, provider, ProvisionRole::Provider)?;
    let active = staking::is_active(s, provider, ProvisionRole::Provider)?;
    require!(active, ITasks::NoProvision { caller: provider });
    let needed = part(record.max_fee, PARAMS.get(s)?.cover_ppm)?;
    let available = staking::available(s, provision_id)?;
    let error = ITasks::NotCovered { provisionId: provision_id, available, needed };
    require!(available >= needed, error);
    staking::lock(s, provision_id, needed)?;
    record.state = TaskState::Accepted.code();
    record.accepted_by = provider;
    record.provision_id = provision_id;
    record.locked = needed;
    record.accepted_at = now;
    RECORDS.set(s, id, &record)?;
    let event = ITasks::TaskAccepted { id, provider, provisionId: provision_id, locked: needed };
    s.emit(TASKS, event)
}

fn require_provider(s: &Session<'_>, id: u64, record: &TaskRecord) -> Result<()> {
    let caller = s.caller;
    require!(record.accepted_by == caller, ITasks::NotProvider { taskId: id, caller });
    Ok(())
}

/// Frees the provider's lock.
fn unlock(s: &mut Session<'_>, record: &mut TaskRecord) -> Result<()> {
    if record.locked > 0 {
        staking::unlock(s, record.provision_id, record.locked)?;
        record.locked = 0;
    }
    Ok(())
}

fn release(s: &mut Session<'_>, id: u64) -> Result<()> {
    let mut record = task(s, id)?;
    require_state(id, &record, &[TaskState::Accepted])?;
    require_provider(s, id, &record)?;
    unlock(s, &mut record)?;
    let provider = record.accepted_by;
    record.state = TaskState::Submitted.code();
    record.accepted_by = Address::ZERO;
    record.provision_id = 0;
    record.accepted_at = 0;
    RECORDS.set(s, id, &record)?;
    s.emit(TASKS, ITasks::TaskReleased { id, provider })
}

/// What a provider delivers.
struct Delivery {
    result_digest: B256,
    card_digest: B256,
    fee: u128,
}

fn complete(s: &mut Session<'_>, id: u64, delivery: &Delivery) -> Result<u64> {
    let mut record = task(s, id)?;
    let (fee, max_fee, deadline) = (delivery.fee, record.max_fee, record.deadline);
    require_state(id, &record, &[TaskState::Accepted])?;
    require_provider(s, id, &record)?;
    require!(s.now() <= deadline, ITasks::DeadlinePassed { taskId: id, deadline });
    require!(fee <= max_fee, ITasks::FeeTooHigh { fee, maxFee: max_fee });
    require!(!delivery.result_digest.is_zero(), ITasks::EmptyResult {});
    unlock(s, &mut record)?;
    record.fee = fee;
    record.result_digest = delivery.result_digest;
    let is_training = record.kind == TaskKind::Training.code();
    if is_training {
        record.result_model_id = register_adapter(s, id, &record, delivery)?;
    }
    end(s, id, &mut record, TaskState::Completed)?;
    let protocol_fee = if is_training {
        pay_provider(s, id, &record)?
    } else {
        require_gateway(s, record.gateway)?;
        channels::take_in(s, record.gateway, escrow(id), fee)?;
        0
    };
    let refund = sub(max_fee, fee)?;
    money::transfer(s, escrow(id), Place::Account(record.requester), refund)?;
    let event = ITasks::TaskCompleted {
        id,
        provider: record.accepted_by,
        resultDigest: delivery.result_digest,
        modelId: record.result_model_id,
        fee,
        protocolFee: protocol_fee,
        refund,
    };
    s.emit(TASKS, event)?;
    Ok(record.result_model_id)
}

/// Pays a task's fee, less the protocol's part; that part.
fn pay_provider(s: &mut Session<'_>, id: u64, record: &TaskRecord) -> Result<u128> {
    let params = PARAMS.get(s)?;
    let protocol_fee = part(record.fee, params.protocol_ppm)?;
    let rest = sub(record.fee, protocol_fee)?;
    money::transfer(s, escrow(id), Place::Account(params.treasury), protocol_fee)?;
    money::transfer(s, escrow(id), Place::Account(record.accepted_by), rest)?;
    Ok(protocol_fee)
}

fn register_adapter(
    s: &mut Session<'_>,
    id: u64,
    record: &TaskRecord,
    delivery: &Delivery,
) -> Result<u64> {
    let parent = models::model(s, record.model_id)?;
    let snapshots = if record.datanet_id == 0 {
        Vec::new()
    } else {
        vec![IModels::SnapshotKey { datanetId: record.datanet_id, version: record.version }]
    };
    let spec = IModels::ModelSpec {
        kind: ModelKind::Adapter.code(),
        name: NAMES.get(s, id)?,
        digest: delivery.result_digest,
        tokenizerDigest: parent.tokenizer_digest,
        cardDigest: delivery.card_digest,
        licence: LICENCES.get(s, id)?,
        uri: String::new(),
        parents: vec![record.model_id],
        snapshots,
        priceIn: record.price_in,
        priceOut: record.price_out,
        derivativeSharePpm: 0,
    };
    models::register(s, &Registrant { owner: record.requester, task_id: id }, &spec)
}

/// Ends a task: off the open list, no timer, a time of ending.
fn end(s: &mut Session<'_>, id: u64, record: &mut TaskRecord, state: TaskState) -> Result<()> {
    record.state = state.code();
    record.ended_at = s.now();
    let none = crate::layout::NoKey;
    let (index, last) =
        (record.place.saturating_sub(1), OPEN_TASKS.len(s, none)?.saturating_sub(1));
    if index < last {
        let moved = OPEN_TASKS.get(s, none, last)?;
        OPEN_TASKS.set(s, none, index, moved)?;
        let mut other = RECORDS.get(s, moved)?;
        other.place = record.place;
        RECORDS.set(s, moved, &other)?;
    }
    OPEN_TASKS.pop(s, none)?;
    record.place = 0;
    TIMERS.clear(s, id)?;
    RECORDS.set(s, id, record)
}

/// Gives the adapter's name back when no adapter comes.
fn free_name(s: &mut Session<'_>, id: u64, record: &TaskRecord) -> Result<()> {
    if record.kind == TaskKind::Training.code() {
        let name = NAMES.get(s, id)?;
        models::free_name(s, &name)?;
    }
    Ok(())
}

fn cancel(s: &mut Session<'_>, id: u64) -> Result<()> {
    let mut record = task(s, id)?;
    let caller = s.caller;
    require!(record.requester == caller, ITasks::NotRequester { taskId: id, caller });
    require_state(id, &record, &[TaskState::Submitted, TaskState::Accepted])?;
    let accepted = record.state == TaskState::Accepted.code();
    let owed_ppm = if accepted { PARAMS.get(s)?.cancel_ppm } else { 0 };
    let to_provider = part(record.max_fee, owed_ppm)?.min(record.max_fee);
    let refund = sub(record.max_fee, to_provider)?;
    unlock(s, &mut record)?;
    record.fee = to_provider;
    end(s, id, &mut record, TaskState::Cancelled)?;
    free_name(s, id, &record)?;
    money::transfer(s, escrow(id), Place::Account(record.accepted_by), to_provider)?;
    money::transfer(s, escrow(id), Place::Account(record.requester), refund)?;
    let requester = record.requester;
    s.emit(TASKS, ITasks::TaskCancelled { id, requester, refund, toProvider: to_provider })
}

fn expire(s: &mut Session<'_>, id: u64) -> Result<()> {
    let mut record = task(s, id)?;
    require_state(id, &record, &[TaskState::Submitted, TaskState::Accepted])?;
    let deadline = record.deadline;
    require!(s.now() > deadline, ITasks::DeadlineNotReached { taskId: id, deadline });
    let accepted = record.state == TaskState::Accepted.code();
    unlock(s, &mut record)?;
    let (requester, refund) = (record.requester, record.max_fee);
    end(s, id, &mut record, TaskState::Expired)?;
    free_name(s, id, &record)?;
    money::transfer(s, escrow(id), Place::Account(requester), refund)?;
    let penalty = if accepted {
        let due = part(record.max_fee, PARAMS.get(s)?.expire_penalty_ppm)?;
        let evidence = s.keccak(&id.to_be_bytes())?;
        staking::slash(s, record.provision_id, due, requester, evidence)?
    } else {
        0
    };
    s.emit(TASKS, ITasks::TaskExpired { id, requester, refund, penalty })
}

fn poke(s: &mut Session<'_>, max: u32) -> Result<u32> {
    bound(max <= 64, "max")?;
    let mut handled = 0;
    while handled < max {
        match TIMERS.next(s)? {
            Some((due, id)) if s.now() > due => expire(s, id)?,
            _ => break,
        }
        handled += 1;
    }
    Ok(handled)
}

/// Second at which `poke` has something to do.
pub(crate) fn next_timer(s: &mut Session<'_>) -> Result<u64> {
    Ok(TIMERS.next(s)?.map_or(0, |(due, _)| due.saturating_add(1)))
}
