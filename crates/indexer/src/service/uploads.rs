//! Uploads with their row reports, and the rows of every blob this node has read.

use alloy_primitives::{Address, B256};
use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tributary_primitives::{Amount, ContributionId, DatanetId, Digest};

use crate::{
    Index, IndexError, Written,
    codec::{Blake, Hex, Json},
    service::now_ms,
};

/// Where an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// Parsed and checked; nothing on chain.
    Checked,
    /// Its contribution was sent.
    Submitted,
}

/// One check of one row, as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCheck {
    /// 1-based row in the file.
    pub row: u32,
    /// 1-based column, where the fault has one.
    #[serde(default)]
    pub column: Option<u32>,
    /// True when the row goes in.
    pub accepted: bool,
    /// What was looked at, one word each: `form`, `length`, `duplicate`, `template` ...
    pub code: String,
    /// One line for people; empty for a clean row.
    #[serde(default)]
    pub message: String,
    /// A few words of the row.
    pub preview: String,
    /// Its id when it parses.
    #[serde(default)]
    pub record: Option<Digest>,
}

/// A file that was read and checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UploadRow {
    /// Random id.
    pub id: String,
    /// Whose.
    pub account: Address,
    /// Canonical blob of the accepted rows.
    pub digest: Digest,
    /// File name as given.
    pub name: String,
    /// Meant for this datanet.
    pub datanet: DatanetId,
    /// Rows in the file.
    pub rows: u32,
    /// Rows that go in.
    pub accepted: u32,
    /// Keccak root over the accepted records.
    pub items_root: B256,
    /// Row by row, at most a page's worth of clean rows and every fault.
    pub checks: Vec<RowCheck>,
    /// Stake (returned) and fee (spent), as the gateway will send them.
    pub stake: Amount,
    /// See `stake`.
    pub fee: Amount,
    /// Where it stands.
    pub state: UploadState,
    /// The contribution, once on chain.
    pub contribution: Option<ContributionId>,
    /// Milliseconds; filled by the table.
    #[serde(default)]
    pub at_ms: i64,
}

/// What stands in the `report` column.
#[derive(Serialize, Deserialize)]
struct Report {
    checks: Vec<RowCheck>,
    stake: Amount,
    fee: Amount,
}

/// A row of a blob.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordRow {
    /// Its id.
    pub record: Digest,
    /// The row's own `id`.
    pub own_id: Option<String>,
    /// Its canonical JSON.
    pub body: Value,
}

/// A row of a datanet with where it came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatanetRecord {
    /// The row.
    pub row: RecordRow,
    /// The contribution that brought it.
    pub contribution: ContributionId,
    /// Who contributed it.
    pub contributor: Address,
    /// First version that holds it; none while unpublished.
    pub version: Option<u32>,
}

const COLUMNS: &str = "id, account, digest, name, datanet, rows, accepted, items_root, report, \
     state, contribution, at_ms";

fn read_upload(row: &Row<'_>) -> rusqlite::Result<UploadRow> {
    let report: Report = row.get::<_, Json<_>>(8)?.0;
    let state: String = row.get(9)?;
    let contribution: Option<u64> = row.get(10)?;
    Ok(UploadRow {
        id: row.get(0)?,
        account: row.get::<_, Hex<_>>(1)?.0,
        digest: row.get::<_, Blake>(2)?.0,
        name: row.get(3)?,
        datanet: DatanetId(row.get(4)?),
        rows: row.get(5)?,
        accepted: row.get(6)?,
        items_root: row.get::<_, Hex<_>>(7)?.0,
        checks: report.checks,
        stake: report.stake,
        fee: report.fee,
        state: if state == "submitted" { UploadState::Submitted } else { UploadState::Checked },
        contribution: contribution.map(ContributionId),
        at_ms: row.get(11)?,
    })
}

impl Index {
    /// Writes a checked upload (gateway only).
    pub fn put_upload(&self, upload: UploadRow) -> Written<()> {
        self.write(move |scope| {
            let report = Report { checks: upload.checks, stake: upload.stake, fee: upload.fee };
            let state = match upload.state {
                UploadState::Checked => "checked",
                UploadState::Submitted => "submitted",
            };
            scope.sql.execute(
                "INSERT OR REPLACE INTO uploads
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                params![
                    upload.id,
                    Hex(upload.account),
                    Blake(upload.digest),
                    upload.name,
                    upload.datanet.0,
                    upload.rows,
                    upload.accepted,
                    Hex(upload.items_root),
                    Json(report),
                    state,
                    upload.contribution.map(|id| id.0),
                    now_ms()
                ],
            )?;
            Ok(())
        })
    }

    /// Marks an upload as sent (gateway only).
    pub fn submit_upload(&self, id: &str, contribution: ContributionId) -> Written<()> {
        let id = id.to_owned();
        self.write(move |scope| {
            let changed = scope.sql.execute(
                "UPDATE uploads SET state = 'submitted', contribution = ?2 WHERE id = ?1",
                params![id, contribution.0],
            )?;
            if changed == 0 {
                return Err(IndexError::NotFound { what: "upload", id });
            }
            Ok(())
        })
    }

    /// One upload.
    pub fn upload(&self, id: &str) -> Result<Option<UploadRow>, IndexError> {
        self.read(|sql| {
            let mut query =
                sql.prepare_cached(&format!("SELECT {COLUMNS} FROM uploads WHERE id = ?1"))?;
            Ok(query.query_row([id], read_upload).optional()?)
        })
    }

    /// An account's newest uploads.
    pub fn uploads(&self, account: Address, limit: u32) -> Result<Vec<UploadRow>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM uploads WHERE account = ?1 ORDER BY at_ms DESC LIMIT ?2"
            ))?;
            let rows = query.query_map(params![Hex(account), limit], read_upload)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Writes the rows of a blob, in order (whoever read the blob: gateway or node). Contributions
    /// find them by the blob's digest. A blob that is there already is left alone.
    pub fn put_records(&self, blob: Digest, rows: Vec<RecordRow>) -> Written<()> {
        self.write(move |scope| {
            let mut insert = scope
                .sql
                .prepare_cached("INSERT OR IGNORE INTO records VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for (position, row) in rows.iter().enumerate() {
                insert.execute(params![
                    Blake(blob),
                    position,
                    Blake(row.record),
                    row.own_id,
                    Json(&row.body)
                ])?;
            }
            Ok(())
        })
    }

    /// True when the rows of this blob are here.
    pub fn has_records(&self, blob: Digest) -> Result<bool, IndexError> {
        self.read(|sql| {
            let found: Option<i64> = sql
                .prepare_cached("SELECT 1 FROM records WHERE blob = ?1 LIMIT 1")?
                .query_row([Blake(blob)], |row| row.get(0))
                .optional()?;
            Ok(found.is_some())
        })
    }

    /// A record by its id, with the earliest contribution that brought it.
    pub fn record(&self, id: Digest) -> Result<Option<DatanetRecord>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT r.record, r.own_id, r.body, c.id, c.contributor, c.version
                 FROM records r JOIN contributions c ON c.blob = r.blob
                 WHERE r.record = ?1 ORDER BY c.id LIMIT 1",
            )?;
            Ok(query.query_row([Blake(id)], read_record).optional()?)
        })
    }

    /// A page of a datanet's rows in order of acceptance, published ones only unless `all`.
    /// `search` keeps rows that hold the words.
    pub fn datanet_records(
        &self,
        datanet: DatanetId,
        page: RecordPage<'_>,
    ) -> Result<Vec<DatanetRecord>, IndexError> {
        self.read(|sql| {
            let like = page.search.map(|words| {
                let escaped = words.replace('!', "!!").replace('%', "!%").replace('_', "!_");
                format!("%{escaped}%")
            });
            let mut query = sql.prepare_cached(
                "SELECT r.record, r.own_id, r.body, c.id, c.contributor, c.version
                 FROM contributions c JOIN records r ON r.blob = c.blob
                 WHERE c.datanet = ?1 AND (?2 OR c.version IS NOT NULL)
                 AND (?3 IS NULL OR r.body LIKE ?3 ESCAPE '!')
                 AND (?4 IS NULL OR c.contributor = ?4)
                 ORDER BY c.id, r.position LIMIT ?5 OFFSET ?6",
            )?;
            let bound = params![
                datanet.0,
                page.all,
                like,
                page.contributor.map(Hex),
                page.limit,
                page.offset
            ];
            Ok(query.query_map(bound, read_record)?.collect::<Result<_, _>>()?)
        })
    }
}

/// Which rows of a datanet.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecordPage<'a> {
    /// Unpublished ones too.
    pub all: bool,
    /// Only rows with these words.
    pub search: Option<&'a str>,
    /// Only rows of this contributor.
    pub contributor: Option<Address>,
    /// Rows to skip.
    pub offset: u32,
    /// Rows at most.
    pub limit: u32,
}

fn read_record(row: &Row<'_>) -> rusqlite::Result<DatanetRecord> {
    Ok(DatanetRecord {
        row: RecordRow {
            record: row.get::<_, Blake>(0)?.0,
            own_id: row.get(1)?,
            body: row.get::<_, Json<_>>(2)?.0,
        },
        contribution: ContributionId(row.get(3)?),
        contributor: row.get::<_, Hex<_>>(4)?.0,
        version: row.get(5)?,
    })
}
