//! `models`: base models and adapters, their lineage, licences and prices.
//!
//! **Invariants:** a parent's id is smaller than its child's, so lineage has no cycle; depth and
//! width are bounded at registration; what climbs to a parent is fixed at registration, by the
//! parent's own terms of that moment; a transfer moves future income only.

mod dispatch;
mod lineage;
#[cfg(test)]
mod tests;

use alloy_primitives::{Address, B256, U256};
use tributary_contracts::{IModels, MODELS, ModelKind, ModelStatus};
use tributary_primitives::limits;

pub(crate) use dispatch::dispatch;
pub(crate) use lineage::{Step, admit, lineage};

use crate::fault::{Result, ensure, require, revert};
use crate::layout::{Cell, Lists, One, Table, Texts, record};
use crate::session::{Session, add64, bound};

record! {
    /// Genesis parameters.
    ParamsRecord {
        price_rise_delay: u64,
        max_parent_share_ppm: u32,
        max_parent_sum_ppm: u32,
        max_depth: u8,
    }
}

record! {
    /// A model without its texts and lists.
    ModelRecord {
        owner: Address,
        kind: u8,
        status: u8,
        depth: u8,
        derivative_ppm: u32,
        registered_at: u64,
        task_id: u64,
        price_at: u64,
        digest: B256,
        tokenizer_digest: B256,
        card_digest: B256,
        price_in: u128,
        price_out: u128,
        next_price_in: u128,
        next_price_out: u128,
    }
}

pub(crate) static PARAMS: Cell<ParamsRecord> = Cell::new(MODELS, "tributary.models.params");
static COUNT: Cell<One<u64>> = Cell::new(MODELS, "tributary.models.count");
static RECORDS: Table<ModelRecord> = Table::new(MODELS, "tributary.models.records");
static NAMES: Texts = Texts::new(MODELS, "tributary.models.names");
static LICENCES: Texts = Texts::new(MODELS, "tributary.models.licences");
static URIS: Texts = Texts::new(MODELS, "tributary.models.uris");
static PARENTS: Lists<u64> = Lists::new(MODELS, "tributary.models.parents");
static SHARES: Lists<u32> = Lists::new(MODELS, "tributary.models.shares");
static SNAPSHOTS: Lists<U256> = Lists::new(MODELS, "tributary.models.snapshots");
static BY_NAME: Table<One<u64>> = Table::new(MODELS, "tributary.models.byName");
static RESERVED: Table<One<u64>> = Table::new(MODELS, "tributary.models.reserved");
static BY_DIGEST: Table<One<u64>> = Table::new(MODELS, "tributary.models.byDigest");
static BY_OWNER: Lists<u64> = Lists::new(MODELS, "tributary.models.byOwner");

/// Parents of one model.
const MOST_PARENTS: usize = 4;
/// Snapshots of one model.
const MOST_SNAPSHOTS: usize = 16;
/// Bytes of a licence name.
const LICENCE_SIZE_BYTES: usize = 64;

/// Who registers, and for which task.
pub(crate) struct Registrant {
    pub(crate) owner: Address,
    /// Zero when no task is behind it; otherwise the task that reserved the name.
    pub(crate) task_id: u64,
}

/// `[a-z0-9][a-z0-9._/-]*` up to the limit.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let first = name.bytes().next().is_some_and(plain);
    let rest = name.bytes().all(|byte| plain(byte) || matches!(byte, b'.' | b'_' | b'/' | b'-'));
    let fits = name.len() <= limits::NAME_SIZE_BYTES;
    ensure(first && rest && fits, IModels::BadName { name: name.chars().take(80).collect() })
}

fn name_key(s: &mut Session<'_>, name: &str) -> Result<B256> {
    s.keccak(name.as_bytes())
}

/// Fails unless nobody has the name and no task (other than `task_id`) has reserved it.
fn require_name_free(s: &mut Session<'_>, name: &str, task_id: u64) -> Result<B256> {
    check_name(name)?;
    let key = name_key(s, name)?;
    let reserved = RESERVED.get(s, key)?.0;
    let free = BY_NAME.get(s, key)?.0 == 0 && (reserved == 0 || reserved == task_id);
    require!(free, IModels::NameTaken { name: name.into() });
    Ok(key)
}

/// Keeps a name for a task's result.
pub(crate) fn reserve_name(s: &mut Session<'_>, name: &str, task_id: u64) -> Result<()> {
    let key = require_name_free(s, name, 0)?;
    RESERVED.set(s, key, &One(task_id))
}

/// Gives a task's name back.
pub(crate) fn free_name(s: &mut Session<'_>, name: &str) -> Result<()> {
    let key = name_key(s, name)?;
    RESERVED.set(s, key, &One(0))
}

/// A model that exists.
pub(crate) fn model(s: &mut Session<'_>, id: u64) -> Result<ModelRecord> {
    let record = RECORDS.get(s, id)?;
    require!(!record.owner.is_zero(), IModels::UnknownModel { modelId: id });
    Ok(record)
}

/// A model that is in service.
pub(crate) fn active_model(s: &mut Session<'_>, id: u64) -> Result<ModelRecord> {
    let record = model(s, id)?;
    let active = record.status == ModelStatus::Active.code();
    require!(active, IModels::ModelIsDeprecated { modelId: id });
    Ok(record)
}

fn own_model(s: &mut Session<'_>, id: u64) -> Result<ModelRecord> {
    let record = model(s, id)?;
    let caller = s.caller;
    require!(record.owner == caller, IModels::NotModelOwner { modelId: id, caller });
    Ok(record)
}

/// Prices in force at a time.
fn prices_at(record: &ModelRecord, now: u64) -> (u128, u128) {
    if record.price_at != 0 && now >= record.price_at {
        (record.next_price_in, record.next_price_out)
    } else {
        (record.price_in, record.price_out)
    }
}

/// Registers a model.
pub(crate) fn register(
    s: &mut Session<'_>,
    by: &Registrant,
    spec: &IModels::ModelSpec,
) -> Result<u64> {
    let Ok(kind) = ModelKind::try_from(spec.kind) else {
        return Err(revert(IModels::UnknownKind { kind: spec.kind }));
    };
    bound(!spec.digest.is_zero(), "digest")?;
    let name_key = require_name_free(s, &spec.name, by.task_id)?;
    let holder = BY_DIGEST.get(s, spec.digest)?.0;
    let taken = holder != 0 && by.task_id == 0;
    require!(!taken, IModels::DigestTaken { digest: spec.digest, modelId: holder });
    let id = add64(COUNT.get(s)?.0, 1)?;
    let (depth, shares) = lineage::admit(s, kind, &spec.parents, by.task_id != 0)?;
    let params = PARAMS.get(s)?;
    check_share(&params, spec.derivativeSharePpm)?;
    COUNT.set(s, &One(id))?;
    let record = ModelRecord {
        owner: by.owner,
        kind: kind.code(),
        status: ModelStatus::Active.code(),
        depth,
        derivative_ppm: spec.derivativeSharePpm,
        registered_at: s.now(),
        task_id: by.task_id,
        digest: spec.digest,
        tokenizer_digest: spec.tokenizerDigest,
        card_digest: spec.cardDigest,
        price_in: spec.priceIn,
        price_out: spec.priceOut,
        ..Default::default()
    };
    RECORDS.set(s, id, &record)?;
    BY_NAME.set(s, name_key, &One(id))?;
    RESERVED.set(s, name_key, &One(0))?;
    if holder == 0 {
        BY_DIGEST.set(s, spec.digest, &One(id))?;
    }
    BY_OWNER.push(s, by.owner, id)?;
    store_lists(s, id, spec, &shares)?;
    announce(s, id, &record, spec, shares)?;
    Ok(id)
}

fn check_share(params: &ParamsRecord, share_ppm: u32) -> Result<()> {
    ensure(
        share_ppm <= params.max_parent_share_ppm,
        IModels::ParentShareTooHigh { sharePpm: share_ppm },
    )
}

fn store_lists(
    s: &mut Session<'_>,
    id: u64,
    spec: &IModels::ModelSpec,
    shares: &[u32],
) -> Result<()> {
    NAMES.set(s, id, &spec.name, limits::NAME_SIZE_BYTES)?;
    LICENCES.set(s, id, &spec.licence, LICENCE_SIZE_BYTES)?;
    URIS.set(s, id, &spec.uri, limits::URI_SIZE_BYTES)?;
    for (parent, share) in spec.parents.iter().zip(shares) {
        PARENTS.push(s, id, *parent)?;
        SHARES.push(s, id, *share)?;
    }
    let count = spec.snapshots.len();
    require!(count <= MOST_SNAPSHOTS, IModels::TooManySnapshots { count: U256::from(count) });
    for key in &spec.snapshots {
        crate::datanets::require_snapshot(s, key.datanetId, key.version)?;
        let packed = (U256::from(key.datanetId) << 32) | U256::from(key.version);
        SNAPSHOTS.push(s, id, packed)?;
    }
    Ok(())
}

fn announce(
    s: &mut Session<'_>,
    id: u64,
    record: &ModelRecord,
    spec: &IModels::ModelSpec,
    shares: Vec<u32>,
) -> Result<()> {
    let registered = IModels::ModelRegistered {
        id,
        owner: record.owner,
        kind: record.kind,
        name: spec.name.clone(),
        digest: spec.digest,
        taskId: record.task_id,
    };
    s.emit(MODELS, registered)?;
    let lineage = IModels::LineageAttested {
        id,
        parents: spec.parents.clone(),
        sharesPpm: shares,
        snapshots: spec.snapshots.clone(),
    };
    s.emit(MODELS, lineage)
}

fn set_price(s: &mut Session<'_>, id: u64, price_in: u128, price_out: u128) -> Result<()> {
    let mut record = own_model(s, id)?;
    let now = s.now();
    let (now_in, now_out) = prices_at(&record, now);
    let rises = price_in > now_in || price_out > now_out;
    let effective_at = if rises { add64(now, PARAMS.get(s)?.price_rise_delay)? } else { now };
    // Until then the lower of old and new holds for each direction.
    record.price_in = now_in.min(price_in);
    record.price_out = now_out.min(price_out);
    record.next_price_in = price_in;
    record.next_price_out = price_out;
    record.price_at = effective_at;
    RECORDS.set(s, id, &record)?;
    let event = IModels::PriceChanged {
        id,
        owner: record.owner,
        priceIn: price_in,
        priceOut: price_out,
        effectiveAt: effective_at,
    };
    s.emit(MODELS, event)
}

fn set_derivative_share(s: &mut Session<'_>, id: u64, share_ppm: u32) -> Result<()> {
    let mut record = own_model(s, id)?;
    check_share(&PARAMS.get(s)?, share_ppm)?;
    record.derivative_ppm = share_ppm;
    RECORDS.set(s, id, &record)?;
    let owner = record.owner;
    s.emit(MODELS, IModels::DerivativeShareChanged { id, owner, sharePpm: share_ppm })
}

fn set_licence(s: &mut Session<'_>, id: u64, licence: &str, uri: &str) -> Result<()> {
    let owner = own_model(s, id)?.owner;
    LICENCES.set(s, id, licence, LICENCE_SIZE_BYTES)?;
    URIS.set(s, id, uri, limits::URI_SIZE_BYTES)?;
    let (licence, uri) = (licence.to_owned(), uri.to_owned());
    s.emit(MODELS, IModels::LicenceChanged { id, owner, licence, uri })
}

fn transfer_model(s: &mut Session<'_>, id: u64, to: Address) -> Result<()> {
    let mut record = own_model(s, id)?;
    bound(!to.is_zero() && !tributary_contracts::is_reserved(&to), "to")?;
    let from = record.owner;
    record.owner = to;
    RECORDS.set(s, id, &record)?;
    // The old owner's list keeps the id; readers compare the owner.
    BY_OWNER.push(s, to, id)?;
    s.emit(MODELS, IModels::ModelTransferred { id, from, to })
}

fn deprecate(s: &mut Session<'_>, id: u64) -> Result<()> {
    let mut record = own_model(s, id)?;
    let active = record.status == ModelStatus::Active.code();
    require!(active, IModels::ModelIsDeprecated { modelId: id });
    record.status = ModelStatus::Deprecated.code();
    RECORDS.set(s, id, &record)?;
    s.emit(MODELS, IModels::ModelDeprecated { id, owner: record.owner })
}
