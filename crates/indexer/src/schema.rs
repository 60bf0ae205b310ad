//! The tables. Service-written ones are the only copy of their facts; chain-derived ones can
//! be read again from it.

use rusqlite::{Connection, TransactionBehavior};

use crate::IndexError;

/// Raised with every change of a table.
pub(crate) const VERSION: u32 = 3;

const SERVICE: &str = "
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY, owner TEXT NOT NULL, provider TEXT NOT NULL, model_name TEXT NOT NULL,
    base_model INTEGER NOT NULL, datanet INTEGER NOT NULL, version INTEGER NOT NULL,
    preset TEXT NOT NULL, steps INTEGER NOT NULL, state TEXT NOT NULL, phase TEXT NOT NULL,
    error TEXT, result_model INTEGER, fee TEXT NOT NULL, details TEXT NOT NULL,
    created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_by_owner ON jobs (owner, id);
CREATE TABLE progress (
    job INTEGER NOT NULL, step INTEGER NOT NULL, loss REAL NOT NULL, val_loss REAL,
    tokens_per_s REAL NOT NULL, eta_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (job, step)
) STRICT, WITHOUT ROWID;
CREATE TABLE receipts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, receipt TEXT NOT NULL,
    payer TEXT NOT NULL, gateway TEXT NOT NULL, provider TEXT NOT NULL, model INTEGER NOT NULL,
    datanet INTEGER NOT NULL, version INTEGER NOT NULL, fee TEXT NOT NULL, epoch INTEGER,
    key_hash TEXT, at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX receipts_by_payer ON receipts (payer, seq);
CREATE INDEX receipts_by_model ON receipts (model, seq);
CREATE INDEX receipts_by_epoch ON receipts (gateway, epoch, seq);
CREATE TABLE shares (
    receipt INTEGER NOT NULL REFERENCES receipts (seq), position INTEGER NOT NULL,
    gateway TEXT NOT NULL, role INTEGER NOT NULL, party TEXT NOT NULL, amount TEXT NOT NULL,
    record TEXT, model INTEGER, accrued_after TEXT NOT NULL,
    PRIMARY KEY (receipt, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX shares_by_party ON shares (party, role, receipt);
CREATE INDEX shares_by_record ON shares (record, receipt) WHERE record IS NOT NULL;
CREATE TABLE accrued (
    gateway TEXT NOT NULL, role INTEGER NOT NULL, party TEXT NOT NULL, total TEXT NOT NULL,
    PRIMARY KEY (gateway, role, party)
) STRICT, WITHOUT ROWID;
CREATE INDEX accrued_by_party ON accrued (party);
CREATE TABLE sources (
    party TEXT NOT NULL, role INTEGER NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL,
    total TEXT NOT NULL, answers INTEGER NOT NULL,
    PRIMARY KEY (party, role, kind, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX sources_by_key ON sources (kind, source);
CREATE TABLE transcripts (receipt TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE uploads (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, digest TEXT NOT NULL, name TEXT NOT NULL,
    datanet INTEGER NOT NULL, rows INTEGER NOT NULL, accepted INTEGER NOT NULL,
    items_root TEXT NOT NULL, report TEXT NOT NULL, state TEXT NOT NULL, contribution INTEGER,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE records (
    blob TEXT NOT NULL, position INTEGER NOT NULL, record TEXT NOT NULL, own_id TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (blob, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX records_by_id ON records (record);
CREATE TABLE keys (
    hash TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, channel TEXT NOT NULL,
    signer TEXT NOT NULL, cap TEXT NOT NULL, spent TEXT NOT NULL, held TEXT NOT NULL,
    redeemed TEXT NOT NULL, voucher TEXT, secret BLOB, state TEXT NOT NULL,
    expires_at INTEGER NOT NULL, created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_by_owner ON keys (owner);
CREATE TABLE holds (
    id TEXT PRIMARY KEY, key_hash TEXT NOT NULL REFERENCES keys (hash), amount TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE guests (
    account TEXT PRIMARY KEY, name TEXT NOT NULL, origin TEXT NOT NULL, key_blob BLOB NOT NULL,
    exported_ms INTEGER, created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY, account TEXT NOT NULL, created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE idempotency (
    scope TEXT NOT NULL, key TEXT NOT NULL, route TEXT NOT NULL, body_hash TEXT NOT NULL,
    status INTEGER, response BLOB, at_ms INTEGER NOT NULL, PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE epochs (
    gateway TEXT NOT NULL, epoch INTEGER NOT NULL, root TEXT NOT NULL, total TEXT NOT NULL,
    leaves INTEGER NOT NULL, up_to INTEGER NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (gateway, epoch)
) STRICT, WITHOUT ROWID;
CREATE TABLE leaves (
    gateway TEXT NOT NULL, epoch INTEGER NOT NULL, position INTEGER NOT NULL, role INTEGER NOT NULL,
    party TEXT NOT NULL, cumulative TEXT NOT NULL, proof TEXT NOT NULL,
    PRIMARY KEY (gateway, epoch, role, party)
) STRICT, WITHOUT ROWID;
CREATE INDEX leaves_by_party ON leaves (party, gateway, epoch);
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
";

/// Since version 2: what a repeated request must not do again.
const ACTS: &str = "
CREATE TABLE settled (
    job TEXT PRIMARY KEY, receipt TEXT NOT NULL, finish TEXT NOT NULL, at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sent (act TEXT PRIMARY KEY, raw BLOB NOT NULL, at_ms INTEGER NOT NULL)
STRICT, WITHOUT ROWID;
";

const CHAIN: &str = "
CREATE TABLE blocks (
    number INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, parent TEXT NOT NULL,
    time INTEGER NOT NULL, gas_used INTEGER NOT NULL, gas_limit INTEGER NOT NULL,
    base_fee TEXT NOT NULL, producer TEXT NOT NULL, size INTEGER NOT NULL, txs INTEGER NOT NULL
) STRICT;
CREATE TABLE txs (
    hash TEXT PRIMARY KEY, block INTEGER NOT NULL, position INTEGER NOT NULL, sender TEXT NOT NULL,
    recipient TEXT, created TEXT, value TEXT NOT NULL, nonce INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    gas_used INTEGER NOT NULL, gas_price TEXT NOT NULL, success INTEGER NOT NULL,
    input TEXT NOT NULL, module TEXT, method TEXT, args TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX txs_by_block ON txs (block, position);
CREATE INDEX txs_by_sender ON txs (sender, block);
CREATE INDEX txs_by_recipient ON txs (recipient, block);
CREATE TABLE events (
    block INTEGER NOT NULL, log_index INTEGER NOT NULL, tx TEXT NOT NULL, emitter TEXT NOT NULL,
    module TEXT, name TEXT, args TEXT NOT NULL,
    PRIMARY KEY (block, log_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX events_by_tx ON events (tx);
CREATE INDEX events_by_name ON events (module, name, block);
";

/// Things on chain: the body is the module's own view, read again whenever an event names it.
const DERIVED: &str = "
CREATE TABLE datanets (
    id INTEGER PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
    tx TEXT NOT NULL, block INTEGER NOT NULL, time INTEGER NOT NULL
) STRICT;
CREATE TABLE contributions (
    id INTEGER PRIMARY KEY, datanet INTEGER NOT NULL, contributor TEXT NOT NULL,
    blob TEXT NOT NULL, items INTEGER NOT NULL, status INTEGER NOT NULL, version INTEGER,
    body TEXT NOT NULL, tx TEXT NOT NULL, block INTEGER NOT NULL, time INTEGER NOT NULL
) STRICT;
CREATE INDEX contributions_by_datanet ON contributions (datanet, id);
CREATE INDEX contributions_by_blob ON contributions (blob);
CREATE INDEX contributions_by_contributor ON contributions (contributor, id);
CREATE TABLE steps (
    block INTEGER NOT NULL, log_index INTEGER NOT NULL, contribution INTEGER NOT NULL,
    step TEXT NOT NULL, detail TEXT NOT NULL, tx TEXT NOT NULL, time INTEGER NOT NULL,
    PRIMARY KEY (block, log_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX steps_by_contribution ON steps (contribution, block, log_index);
CREATE TABLE snapshots (
    datanet INTEGER NOT NULL, version INTEGER NOT NULL, root TEXT NOT NULL,
    contributions INTEGER NOT NULL, items INTEGER NOT NULL, tx TEXT NOT NULL,
    block INTEGER NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (datanet, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE models (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, owner TEXT NOT NULL, kind INTEGER NOT NULL,
    datanet INTEGER NOT NULL, task INTEGER NOT NULL, body TEXT NOT NULL, tx TEXT NOT NULL,
    block INTEGER NOT NULL, time INTEGER NOT NULL
) STRICT;
CREATE INDEX models_by_name ON models (name);
CREATE TABLE tasks (
    id INTEGER PRIMARY KEY, requester TEXT NOT NULL, kind INTEGER NOT NULL,
    datanet INTEGER NOT NULL, state INTEGER NOT NULL, body TEXT NOT NULL, tx TEXT NOT NULL,
    block INTEGER NOT NULL, time INTEGER NOT NULL
) STRICT;
CREATE INDEX tasks_by_requester ON tasks (requester, kind, id);
CREATE TABLE posted (
    gateway TEXT NOT NULL, epoch INTEGER NOT NULL, root TEXT NOT NULL, total TEXT NOT NULL,
    claimable_at INTEGER NOT NULL, tx TEXT NOT NULL, block INTEGER NOT NULL, time INTEGER NOT NULL,
    PRIMARY KEY (gateway, epoch)
) STRICT, WITHOUT ROWID;
CREATE TABLE claims (
    block INTEGER NOT NULL, log_index INTEGER NOT NULL, gateway TEXT NOT NULL,
    role INTEGER NOT NULL, party TEXT NOT NULL, epoch INTEGER NOT NULL, cumulative TEXT NOT NULL,
    paid TEXT NOT NULL, tx TEXT NOT NULL, time INTEGER NOT NULL,
    PRIMARY KEY (block, log_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_by_party ON claims (party, role, gateway, block);
";

/// Tables whose rows carry the block that made them: a rewind deletes above it.
pub(crate) const BY_BLOCK: [&str; 10] = [
    "txs",
    "events",
    "datanets",
    "contributions",
    "steps",
    "snapshots",
    "models",
    "tasks",
    "posted",
    "claims",
];

/// Creates the tables of a new file, brings an older file up, refuses any other.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), IndexError> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let parts: &[&str] = match found {
        VERSION => return Ok(()),
        0 => &[SERVICE, ACTS, CHAIN, DERIVED],
        1 => &[ACTS, CHAIN, DERIVED],
        2 => &[CHAIN, DERIVED],
        _ => return Err(IndexError::Schema { found, expected: VERSION }),
    };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if found > 0 {
        // Tasks name a gateway since version 3: what the chain says is read again from it.
        for table in BY_BLOCK.iter().chain(&["blocks"]) {
            transaction.execute_batch(&format!("DROP TABLE {table}"))?;
        }
    }
    for part in parts {
        transaction.execute_batch(part)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_file_keeps_what_only_it_knows_and_reads_the_chain_again() {
        for (found, parts) in
            [(1, vec![SERVICE, CHAIN, DERIVED]), (2, vec![SERVICE, ACTS, CHAIN, DERIVED])]
        {
            let mut connection = Connection::open_in_memory().expect("opens");
            for part in parts {
                connection.execute_batch(part).expect("an older table");
            }
            let rows = "INSERT INTO settings VALUES ('name', 'kept');
                INSERT INTO blocks VALUES (7, 'h', 'p', 1, 0, 0, '0', 'x', 0, 0);";
            connection.execute_batch(rows).expect("rows");
            connection.pragma_update(None, "user_version", found).expect("marks");
            migrate(&mut connection).expect("brings it up");
            let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u32>(0));
            assert_eq!(count("SELECT count(*) FROM settings"), Ok(1), "version {found}");
            assert_eq!(count("SELECT count(*) FROM blocks"), Ok(0), "version {found}");
            assert_eq!(count("SELECT count(*) FROM tasks WHERE kind = 1"), Ok(0));
            assert_eq!(count("SELECT count(*) FROM sent"), Ok(0));
        }
    }

    #[test]
    fn a_newer_file_is_refused() {
        let mut connection = Connection::open_in_memory().expect("opens");
        connection.pragma_update(None, "user_version", VERSION + 1).expect("marks");
        let refused = migrate(&mut connection);
        assert!(matches!(refused, Err(IndexError::Schema { .. })), "{refused:?}");
    }
}
