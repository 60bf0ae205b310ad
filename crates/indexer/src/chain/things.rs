//! Reads of the things on chain: datanets, contributions with their story, versions, models,
//! tasks, posted roots and claims.

use alloy_primitives::{Address, B256};
use rusqlite::{Connection, OptionalExtension, Row, params, types::FromSql};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tributary_contracts::{IDatanets, IModels, ITasks, TaskKind};
use tributary_primitives::{Amount, ContributionId, DatanetId, ModelId, Party, Role, TaskId};

use crate::{
    Index, IndexError,
    codec::{Hex, Json, Wei, party, role},
};

/// A module's view of a thing with the transaction that made it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thing<T> {
    /// The view.
    pub body: T,
    /// The transaction.
    pub tx: B256,
    /// Its block.
    pub block: u64,
    /// The block's seconds.
    pub time: u64,
}

/// A datanet.
pub type DatanetThing = Thing<IDatanets::Datanet>;
/// A contribution.
pub type ContributionThing = Thing<IDatanets::Contribution>;
/// A model.
pub type ModelThing = Thing<IModels::Model>;
/// A task.
pub type TaskThing = Thing<ITasks::Task>;

/// One step in the story of a contribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRow {
    /// `submitted`, `assigned`, `committed`, `revealed`, `accepted`, `published` ...
    pub step: String,
    /// A few words.
    pub detail: String,
    /// Transaction.
    pub tx: B256,
    /// Block.
    pub block: u64,
    /// Seconds.
    pub time: u64,
}

/// A frozen version of a datanet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotRow {
    /// Datanet.
    pub datanet: DatanetId,
    /// Version.
    pub version: u32,
    /// Root.
    pub root: B256,
    /// Contributions inside.
    pub contributions: u64,
    /// Rows inside.
    pub items: u64,
    /// Transaction.
    pub tx: B256,
    /// Block.
    pub block: u64,
    /// Seconds.
    pub time: u64,
}

/// A root that stands on chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostedRow {
    /// Gateway.
    pub gateway: Address,
    /// Epoch.
    pub epoch: u64,
    /// Root.
    pub root: B256,
    /// Sum of its leaves.
    pub total: Amount,
    /// Seconds from which claims hold.
    pub claimable_at: u64,
    /// Transaction.
    pub tx: B256,
    /// Block.
    pub block: u64,
    /// Seconds.
    pub time: u64,
}

/// A paid claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRow {
    /// Gateway.
    pub gateway: Address,
    /// Role.
    pub role: Role,
    /// Party.
    pub party: Party,
    /// Cumulative after it.
    pub cumulative: Amount,
    /// What it paid.
    pub paid: Amount,
    /// Transaction.
    pub tx: B256,
    /// Block.
    pub block: u64,
    /// Seconds.
    pub time: u64,
}

fn read_thing<T: DeserializeOwned>(row: &Row<'_>) -> rusqlite::Result<Thing<T>> {
    Ok(Thing {
        body: row.get::<_, Json<T>>(0)?.0,
        tx: row.get::<_, Hex<_>>(1)?.0,
        block: row.get(2)?,
        time: row.get(3)?,
    })
}

fn one<T: DeserializeOwned>(
    sql: &Connection,
    table: &str,
    id: u64,
) -> Result<Option<Thing<T>>, IndexError> {
    let mut query =
        sql.prepare_cached(&format!("SELECT body, tx, block, time FROM {table} WHERE id = ?1"))?;
    Ok(query.query_row([id], read_thing).optional()?)
}

fn many<T: DeserializeOwned>(
    sql: &Connection,
    rest: &str,
    bound: impl rusqlite::Params,
) -> Result<Vec<Thing<T>>, IndexError> {
    let mut query = sql.prepare_cached(&format!("SELECT body, tx, block, time FROM {rest}"))?;
    Ok(query.query_map(bound, read_thing)?.collect::<Result<_, _>>()?)
}

fn scalar<T: FromSql>(
    sql: &Connection,
    query: &str,
    bound: impl rusqlite::Params,
) -> Result<T, IndexError> {
    Ok(sql.prepare_cached(query)?.query_row(bound, |row| row.get(0))?)
}

impl Index {
    /// One datanet.
    pub fn datanet(&self, id: DatanetId) -> Result<Option<DatanetThing>, IndexError> {
        self.read(|sql| one(sql, "datanets", id.0))
    }

    /// All datanets by id.
    pub fn datanets(&self) -> Result<Vec<DatanetThing>, IndexError> {
        self.read(|sql| many(sql, "datanets ORDER BY id", []))
    }

    /// Accounts whose rows a datanet holds.
    pub fn contributor_count(&self, datanet: DatanetId) -> Result<u64, IndexError> {
        self.read(|sql| {
            let query = "SELECT count(DISTINCT contributor) FROM contributions
                         WHERE datanet = ?1 AND version IS NOT NULL";
            scalar(sql, query, [datanet.0])
        })
    }

    /// One contribution.
    pub fn contribution(
        &self,
        id: ContributionId,
    ) -> Result<Option<ContributionThing>, IndexError> {
        self.read(|sql| one(sql, "contributions", id.0))
    }

    /// A datanet's contributions, newest first.
    pub fn contributions(
        &self,
        datanet: DatanetId,
        limit: u32,
    ) -> Result<Vec<ContributionThing>, IndexError> {
        self.read(|sql| {
            let rest = "contributions WHERE datanet = ?1 ORDER BY id DESC LIMIT ?2";
            many(sql, rest, params![datanet.0, limit])
        })
    }

    /// An account's contributions, newest first.
    pub fn contributions_by(
        &self,
        contributor: Address,
        limit: u32,
    ) -> Result<Vec<ContributionThing>, IndexError> {
        self.read(|sql| {
            let rest = "contributions WHERE contributor = ?1 ORDER BY id DESC LIMIT ?2";
            many(sql, rest, params![Hex(contributor), limit])
        })
    }

    /// The story of a contribution, oldest step first.
    pub fn steps(&self, contribution: ContributionId) -> Result<Vec<StepRow>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT step, detail, tx, block, time FROM steps WHERE contribution = ?1
                 ORDER BY block, log_index",
            )?;
            let rows = query.query_map([contribution.0], |row| {
                Ok(StepRow {
                    step: row.get(0)?,
                    detail: row.get(1)?,
                    tx: row.get::<_, Hex<_>>(2)?.0,
                    block: row.get(3)?,
                    time: row.get(4)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// A datanet's versions, newest first.
    pub fn snapshots(&self, datanet: DatanetId) -> Result<Vec<SnapshotRow>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT version, root, contributions, items, tx, block, time FROM snapshots
                 WHERE datanet = ?1 ORDER BY version DESC",
            )?;
            let rows = query.query_map([datanet.0], |row| {
                Ok(SnapshotRow {
                    datanet,
                    version: row.get(0)?,
                    root: row.get::<_, Hex<_>>(1)?.0,
                    contributions: row.get(2)?,
                    items: row.get(3)?,
                    tx: row.get::<_, Hex<_>>(4)?.0,
                    block: row.get(5)?,
                    time: row.get(6)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// One model.
    pub fn model(&self, id: ModelId) -> Result<Option<ModelThing>, IndexError> {
        self.read(|sql| one(sql, "models", id.0))
    }

    /// A model by its name.
    pub fn model_by_name(&self, name: &str) -> Result<Option<ModelThing>, IndexError> {
        self.read(|sql| {
            let mut found = many(sql, "models WHERE name = ?1 ORDER BY id LIMIT 1", [name])?;
            Ok(found.pop())
        })
    }

    /// All models, newest first.
    pub fn models(&self, limit: u32) -> Result<Vec<ModelThing>, IndexError> {
        self.read(|sql| many(sql, "models ORDER BY id DESC LIMIT ?1", [limit]))
    }

    /// Models trained on a datanet, newest first.
    pub fn models_of_datanet(&self, datanet: DatanetId) -> Result<Vec<ModelThing>, IndexError> {
        self.read(|sql| {
            many(sql, "models WHERE datanet = ?1 ORDER BY id DESC LIMIT 100", [datanet.0])
        })
    }

    /// One task.
    pub fn task(&self, id: TaskId) -> Result<Option<TaskThing>, IndexError> {
        self.read(|sql| one(sql, "tasks", id.0))
    }

    /// Newest trainings first; of one requester when given.
    pub fn trainings(
        &self,
        requester: Option<Address>,
        limit: u32,
    ) -> Result<Vec<TaskThing>, IndexError> {
        self.read(|sql| {
            let rest = "tasks WHERE (?1 IS NULL OR requester = ?1) AND kind = ?2
                        ORDER BY id DESC LIMIT ?3";
            many(sql, rest, params![requester.map(Hex), TaskKind::Training.code(), limit])
        })
    }

    /// The posted root of a gateway's epoch.
    pub fn posted(&self, gateway: Address, epoch: u64) -> Result<Option<PostedRow>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT root, total, claimable_at, tx, block, time FROM posted
                 WHERE gateway = ?1 AND epoch = ?2",
            )?;
            let row = query.query_row(params![Hex(gateway), epoch], |row| {
                Ok(PostedRow {
                    gateway,
                    epoch,
                    root: row.get::<_, Hex<_>>(0)?.0,
                    total: row.get::<_, Wei>(1)?.0,
                    claimable_at: row.get(2)?,
                    tx: row.get::<_, Hex<_>>(3)?.0,
                    block: row.get(4)?,
                    time: row.get(5)?,
                })
            });
            Ok(row.optional()?)
        })
    }

    /// Claims paid to a party, newest first.
    pub fn claims(&self, payee: Party, limit: u32) -> Result<Vec<ClaimRow>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT gateway, role, cumulative, paid, tx, block, time FROM claims
                 WHERE party = ?1 ORDER BY block DESC, log_index DESC LIMIT ?2",
            )?;
            let rows = query.query_map(params![party(&payee), limit], |row| {
                Ok(ClaimRow {
                    gateway: row.get::<_, Hex<_>>(0)?.0,
                    role: role(row.get(1)?)?,
                    party: payee,
                    cumulative: row.get::<_, Wei>(2)?.0,
                    paid: row.get::<_, Wei>(3)?.0,
                    tx: row.get::<_, Hex<_>>(4)?.0,
                    block: row.get(5)?,
                    time: row.get(6)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
