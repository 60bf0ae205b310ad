//! What an account or a datanet has pending, earned and paid, and from what.

use alloy_primitives::Address;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use tributary_primitives::{Amount, DatanetId, Digest, ModelId, Party, Role};

use crate::{
    Index, IndexError,
    codec::{Hex, Wei, party, role},
    service::receipts::{claimed, posted_cumulative},
};

/// Money in its three states; they never overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earnings {
    /// In signed receipts, not yet in a posted root.
    pub pending: Amount,
    /// In a posted root, not yet claimed.
    pub earned: Amount,
    /// Claimed.
    pub paid: Amount,
}

impl Earnings {
    /// All three.
    pub fn total(&self) -> Amount {
        self.pending.saturating_add(self.earned).saturating_add(self.paid)
    }
}

/// What earned it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Records of a datanet.
    Datanet(DatanetId),
    /// A model's calls.
    Model(ModelId),
    /// One record.
    Record(Digest),
}

/// A party's income from one source since the beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceEarnings {
    /// From what.
    pub source: Source,
    /// In which role.
    pub role: Role,
    /// How much: pending, earned and paid together.
    pub total: Amount,
    /// From how many answers.
    pub answers: u64,
}

/// Uses and income of one record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordEarnings {
    /// Answers that quoted it.
    pub answers: u64,
    /// What it was paid.
    pub total: Amount,
}

fn overflow() -> IndexError {
    IndexError::Conflict("a total passed the whole supply".to_owned())
}

impl Index {
    /// An account's money over all gateways and roles.
    pub fn earnings(&self, account: Address) -> Result<Earnings, IndexError> {
        self.party_earnings(Party::account(account))
    }

    /// A party's money over all gateways and roles.
    pub fn party_earnings(&self, payee: Party) -> Result<Earnings, IndexError> {
        self.read(|sql| sum_party(sql, payee, None))
    }

    /// A party's money in one role.
    pub fn role_earnings(&self, payee: Party, role: Role) -> Result<Earnings, IndexError> {
        self.read(|sql| sum_party(sql, payee, Some(role)))
    }

    /// A party's income by datanet, model and record, largest first.
    pub fn earnings_by_source(&self, payee: Party) -> Result<Vec<SourceEarnings>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT kind, source, role, total, answers FROM sources WHERE party = ?1",
            )?;
            let rows = query.query_map([party(&payee)], |row| {
                let (kind, source): (String, String) = (row.get(0)?, row.get(1)?);
                Ok((kind, source, role(row.get(2)?)?, row.get::<_, Wei>(3)?.0, row.get(4)?))
            })?;
            let mut sources = Vec::new();
            for row in rows {
                let (kind, source, role, total, answers) = row?;
                let source = parse_source(&kind, &source)?;
                sources.push(SourceEarnings { source, role, total, answers });
            }
            sources.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.source.cmp(&b.source)));
            Ok(sources)
        })
    }

    /// Data income of a datanet's contributors since the beginning: the number on its card.
    pub fn datanet_income(&self, datanet: DatanetId) -> Result<Amount, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT total FROM sources WHERE kind = 'datanet' AND source = ?1",
            )?;
            let rows = query.query_map([datanet.to_string()], |row| row.get::<_, Wei>(0))?;
            let mut total = Amount::ZERO;
            for row in rows {
                total = total.checked_add(row?.0).ok_or_else(overflow)?;
            }
            Ok(total)
        })
    }

    /// Income by contributor of a datanet, largest first.
    pub fn datanet_contributors(
        &self,
        datanet: DatanetId,
        limit: usize,
    ) -> Result<Vec<(Address, Amount, u64)>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT party, total, answers FROM sources
                 WHERE kind = 'datanet' AND source = ?1 AND role = ?2",
            )?;
            let rows = query.query_map(params![datanet.to_string(), Role::Data as u8], |row| {
                Ok((row.get::<_, Hex<_>>(0)?.0, row.get::<_, Wei>(1)?.0, row.get(2)?))
            })?;
            let mut list = Vec::new();
            for row in rows {
                let (word, total, answers) = row?;
                if let Some(account) = Party(word).as_account() {
                    list.push((account, total, answers));
                }
            }
            list.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            list.truncate(limit);
            Ok(list)
        })
    }

    /// Uses and income of records, in the order asked.
    pub fn record_earnings(&self, records: &[Digest]) -> Result<Vec<RecordEarnings>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT total, answers FROM sources WHERE kind = 'record' AND source = ?1",
            )?;
            let mut list = Vec::with_capacity(records.len());
            for record in records {
                let mut sum = RecordEarnings::default();
                let rows = query.query_map([record.to_string()], |row| {
                    Ok((row.get::<_, Wei>(0)?.0, row.get::<_, u64>(1)?))
                })?;
                for row in rows {
                    let (total, answers) = row?;
                    sum.total = sum.total.checked_add(total).ok_or_else(overflow)?;
                    sum.answers += answers;
                }
                list.push(sum);
            }
            Ok(list)
        })
    }

    /// All that receipts have promised so far, over all gateways: the network's pulse.
    pub fn promised(&self) -> Result<Amount, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached("SELECT total FROM accrued")?;
            let mut sum = Amount::ZERO;
            for row in query.query_map([], |row| row.get::<_, Wei>(0))? {
                sum = sum.checked_add(row?.0).ok_or_else(overflow)?;
            }
            Ok(sum)
        })
    }
}

fn parse_source(kind: &str, source: &str) -> Result<Source, IndexError> {
    let malformed = |reason: &dyn ToString| IndexError::malformed("source", reason.to_string());
    match kind {
        "datanet" => {
            source.parse().map(|id| Source::Datanet(DatanetId(id))).map_err(|e| malformed(&e))
        }
        "model" => source.parse().map(|id| Source::Model(ModelId(id))).map_err(|e| malformed(&e)),
        "record" => source.parse().map(Source::Record).map_err(|e| malformed(&e)),
        other => Err(malformed(&other)),
    }
}

fn sum_party(sql: &Connection, payee: Party, only: Option<Role>) -> Result<Earnings, IndexError> {
    let mut query = sql.prepare_cached(
        "SELECT gateway, role, total FROM accrued WHERE party = ?1 AND (?2 IS NULL OR role = ?2)",
    )?;
    let rows = query.query_map(params![party(&payee), only.map(|role| role as u8)], |row| {
        Ok((row.get::<_, Hex<Address>>(0)?.0, role(row.get(1)?)?, row.get::<_, Wei>(2)?.0))
    })?;
    let mut sum = Earnings::default();
    for row in rows {
        let (gateway, role, accrued) = row?;
        let paid = claimed(sql, gateway, role, &payee)?;
        let posted = posted_cumulative(sql, gateway, role, &payee)?.max(paid);
        let add = |total: Amount, part: Amount| total.checked_add(part).ok_or_else(overflow);
        sum.paid = add(sum.paid, paid)?;
        sum.earned = add(sum.earned, posted.saturating_sub(paid))?;
        sum.pending = add(sum.pending, accrued.saturating_sub(posted))?;
    }
    Ok(sum)
}
