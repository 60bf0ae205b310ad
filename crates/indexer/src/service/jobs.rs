//! Training jobs: one row per task that a provider works on, and the points of its curve.
//!
//! `submitted -> preparing -> training -> publishing -> done`; from any of these, `failed`,
//! `cancelled` or `expired`. A finished job never changes again.

use alloy_primitives::Address;
use rusqlite::{OptionalExtension, Row, named_params, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tributary_primitives::{Amount, DatanetId, ModelId, TaskId};

use crate::{
    Event, Index, IndexError, Written,
    codec::{Hex, Json, Wei},
    service::now_ms,
};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Seen, not started.
    Submitted,
    /// Loading data and model.
    Preparing,
    /// Making steps.
    Training,
    /// Quantising, registering, serving.
    Publishing,
    /// The model is served.
    Done,
    /// Ended by an error.
    Failed,
    /// Ended by its owner.
    Cancelled,
    /// Ended by its deadline.
    Expired,
}

impl JobState {
    /// True when nothing can change any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled | Self::Expired)
    }

    /// True when a job in this state may go on to `next`. A restart may begin training again.
    pub fn may_become(self, next: Self) -> bool {
        !self.is_final() || self == next
    }

    /// The word in tables and pages.
    pub fn label(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Preparing => "preparing",
            Self::Training => "training",
            Self::Publishing => "publishing",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// A training job as its provider describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    /// The task on chain.
    pub id: TaskId,
    /// Who asked.
    pub owner: Address,
    /// Who trains.
    pub provider: Address,
    /// Name of the adapter to be.
    pub model_name: String,
    /// Trained on top of this.
    pub base_model: ModelId,
    /// Trained on this datanet.
    pub datanet: DatanetId,
    /// At this version.
    pub version: u32,
    /// Preset name.
    pub preset: String,
    /// Steps planned; 0 while unknown.
    pub steps: u32,
    /// Where it stands.
    pub state: JobState,
    /// One line for people about what happens now.
    pub phase: String,
    /// Why it failed.
    pub error: Option<String>,
    /// The registered adapter.
    pub result_model: Option<ModelId>,
    /// The price, paid on completion.
    pub fee: Amount,
    /// Free facts (loss before and after, digest, seed), shown as they are.
    #[serde(default)]
    pub details: Value,
    /// First seen, milliseconds; filled by the table.
    #[serde(default)]
    pub created_ms: i64,
    /// Last change, milliseconds; filled by the table.
    #[serde(default)]
    pub updated_ms: i64,
}

/// One point of a loss curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProgressPoint {
    /// Steps made.
    pub step: u32,
    /// Training loss.
    pub loss: f64,
    /// Held-out loss, where it was measured.
    pub val_loss: Option<f64>,
    /// Speed.
    pub tokens_per_s: f64,
    /// Time left.
    pub eta_ms: u64,
    /// When, milliseconds; filled by the table when zero.
    #[serde(default)]
    pub at_ms: i64,
}

const COLUMNS: &str = "id, owner, provider, model_name, base_model, datanet, version, preset, \
     steps, state, phase, error, result_model, fee, details, created_ms, updated_ms";

fn read_job(row: &Row<'_>) -> rusqlite::Result<JobRow> {
    let state: String = row.get(9)?;
    let state = serde_json::from_value(Value::String(state)).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(9, rusqlite::types::Type::Text, error.into())
    })?;
    Ok(JobRow {
        id: TaskId(row.get(0)?),
        owner: row.get::<_, Hex<_>>(1)?.0,
        provider: row.get::<_, Hex<_>>(2)?.0,
        model_name: row.get(3)?,
        base_model: ModelId(row.get(4)?),
        datanet: DatanetId(row.get(5)?),
        version: row.get(6)?,
        preset: row.get(7)?,
        steps: row.get(8)?,
        state,
        phase: row.get(10)?,
        error: row.get(11)?,
        result_model: row.get::<_, Option<u64>>(12)?.map(ModelId),
        fee: row.get::<_, Wei>(13)?.0,
        details: row.get::<_, Json<_>>(14)?.0,
        created_ms: row.get(15)?,
        updated_ms: row.get(16)?,
    })
}

impl Index {
    /// Writes a job as it now is (provider only). Refused when the stored one is final.
    pub fn put_job(&self, job: JobRow) -> Written<()> {
        self.write(move |scope| {
            let stored: Option<JobRow> = scope
                .sql
                .query_row(
                    &format!("SELECT {COLUMNS} FROM jobs WHERE id = ?1"),
                    [job.id.0],
                    read_job,
                )
                .optional()?;
            if let Some(stored) = &stored
                && !stored.state.may_become(job.state)
            {
                return Err(IndexError::Conflict(format!(
                    "job {} is {} and cannot become {}",
                    job.id,
                    stored.state.label(),
                    job.state.label()
                )));
            }
            let now = now_ms();
            scope.sql.execute(
                "INSERT INTO jobs VALUES (:id, :owner, :provider, :model_name, :base_model,
                 :datanet, :version, :preset, :steps, :state, :phase, :error, :result_model, :fee,
                 :details, :now, :now)
                 ON CONFLICT (id) DO UPDATE SET owner = :owner, provider = :provider,
                 model_name = :model_name, base_model = :base_model, datanet = :datanet,
                 version = :version, preset = :preset, steps = :steps, state = :state,
                 phase = :phase, error = :error, result_model = :result_model, fee = :fee,
                 details = :details, updated_ms = :now",
                named_params! {
                    ":id": job.id.0,
                    ":owner": Hex(job.owner),
                    ":provider": Hex(job.provider),
                    ":model_name": job.model_name,
                    ":base_model": job.base_model.0,
                    ":datanet": job.datanet.0,
                    ":version": job.version,
                    ":preset": job.preset,
                    ":steps": job.steps,
                    ":state": job.state.label(),
                    ":phase": job.phase,
                    ":error": job.error,
                    ":result_model": job.result_model.map(|model| model.0),
                    ":fee": Wei(job.fee),
                    ":details": Json(&job.details),
                    ":now": now,
                },
            )?;
            scope.emit(Event::Job { id: job.id });
            Ok(())
        })
    }

    /// Adds a point to a job's curve (provider only); a repeated step replaces its point.
    pub fn put_progress(&self, job: TaskId, point: ProgressPoint) -> Written<()> {
        self.write(move |scope| {
            let at_ms = if point.at_ms == 0 { now_ms() } else { point.at_ms };
            scope.sql.execute(
                "INSERT OR REPLACE INTO progress VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    job.0,
                    point.step,
                    point.loss,
                    point.val_loss,
                    point.tokens_per_s,
                    i64::try_from(point.eta_ms).unwrap_or(i64::MAX),
                    at_ms
                ],
            )?;
            scope.emit(Event::Job { id: job });
            Ok(())
        })
    }

    /// Forgets the points of a job that starts again from its beginning (provider only).
    pub fn clear_progress(&self, job: TaskId) -> Written<()> {
        self.write(move |scope| {
            scope.sql.execute("DELETE FROM progress WHERE job = ?1", [job.0])?;
            Ok(())
        })
    }

    /// One job.
    pub fn job(&self, id: TaskId) -> Result<Option<JobRow>, IndexError> {
        self.read(|sql| {
            let mut query =
                sql.prepare_cached(&format!("SELECT {COLUMNS} FROM jobs WHERE id = ?1"))?;
            Ok(query.query_row([id.0], read_job).optional()?)
        })
    }

    /// Newest jobs first; of one owner when given.
    pub fn jobs(&self, owner: Option<Address>, limit: u32) -> Result<Vec<JobRow>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM jobs WHERE (?1 IS NULL OR owner = ?1) ORDER BY id DESC LIMIT ?2"
            ))?;
            let rows = query.query_map(params![owner.map(Hex), limit], read_job)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Jobs that are not final: what a provider resumes after a restart.
    pub fn unfinished_jobs(&self) -> Result<Vec<JobRow>, IndexError> {
        let mut jobs = self.jobs(None, 10_000)?;
        jobs.retain(|job| !job.state.is_final());
        jobs.reverse();
        Ok(jobs)
    }

    /// A job's curve in order of steps.
    pub fn progress(&self, job: TaskId) -> Result<Vec<ProgressPoint>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT step, loss, val_loss, tokens_per_s, eta_ms, at_ms FROM progress
                 WHERE job = ?1 ORDER BY step",
            )?;
            let rows = query.query_map([job.0], |row| {
                Ok(ProgressPoint {
                    step: row.get(0)?,
                    loss: row.get(1)?,
                    val_loss: row.get(2)?,
                    tokens_per_s: row.get(3)?,
                    eta_ms: u64::try_from(row.get::<_, i64>(4)?).unwrap_or(0),
                    at_ms: row.get(5)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
