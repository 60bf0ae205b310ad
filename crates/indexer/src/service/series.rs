//! Money over time: what each of the newest answers brought, for the small charts.

use rusqlite::{Connection, ToSql, params};
use tributary_primitives::{Amount, DatanetId, ModelId, Party, Role};

use crate::{
    Index, IndexError,
    codec::{Wei, party},
};

/// Whose money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowOf {
    /// All fees.
    Network,
    /// Fees of one model's calls.
    Model(ModelId),
    /// What one datanet's contributors, backers and commons were paid.
    Datanet(DatanetId),
    /// Everything that one party was paid.
    Payee(Party),
}

/// What one answer brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// When it was answered, in milliseconds.
    pub at_ms: i64,
    /// How much.
    pub amount: Amount,
}

impl Index {
    /// The newest answers that brought something, newest first.
    pub fn flow(&self, of: FlowOf, limit: u32) -> Result<Vec<Flow>, IndexError> {
        self.read(|sql| match of {
            FlowOf::Network => answers(
                sql,
                "SELECT at_ms, fee FROM receipts ORDER BY seq DESC LIMIT ?1",
                params![limit],
            ),
            FlowOf::Model(model) => answers(
                sql,
                "SELECT at_ms, fee FROM receipts WHERE model = ?1 ORDER BY seq DESC LIMIT ?2",
                params![model.0, limit],
            ),
            // `+` keeps the order of the answers' own numbers: the newest are read and no more.
            FlowOf::Datanet(datanet) => answers(
                sql,
                "SELECT r.at_ms, s.amount FROM receipts r JOIN shares s ON s.receipt = r.seq
                 WHERE +r.datanet = ?1 AND s.role IN (?2, ?3, ?4) ORDER BY r.seq DESC LIMIT ?5",
                params![
                    datanet.0,
                    Role::Data as u8,
                    Role::Backers as u8,
                    Role::Commons as u8,
                    limit
                ],
            ),
            FlowOf::Payee(payee) => answers(
                sql,
                "SELECT r.at_ms, s.amount FROM shares s JOIN receipts r ON r.seq = s.receipt
                 WHERE s.party = ?1 ORDER BY s.receipt DESC LIMIT ?2",
                params![party(&payee), limit],
            ),
        })
    }
}

/// Amounts of one answer stand behind each other and are added up.
fn answers(sql: &Connection, query: &str, bound: &[&dyn ToSql]) -> Result<Vec<Flow>, IndexError> {
    let mut query = sql.prepare_cached(query)?;
    let rows = query.query_map(bound, |row| Ok((row.get(0)?, row.get::<_, Wei>(1)?.0)))?;
    let mut flows: Vec<Flow> = Vec::new();
    for row in rows {
        let (at_ms, amount) = row?;
        match flows.last_mut().filter(|last| last.at_ms == at_ms) {
            Some(last) => last.amount = last.amount.saturating_add(amount),
            None => flows.push(Flow { at_ms, amount }),
        }
    }
    Ok(flows)
}
