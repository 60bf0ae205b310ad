//! Writes a followed block, and takes blocks back.

use alloy_primitives::{Address, B256};
use rusqlite::{Connection, OptionalExtension, params};
use tributary_contracts::{ContributionStatus, IDatanets, IModels, ITasks};
use tributary_primitives::{Amount, ContributionId, DatanetId, ModelId, Party, Role};

use super::{
    facts::{BlockFacts, EventFacts, Things},
    subjects::{EventRow, Subjects, subjects},
};
use crate::{
    Event, Index, IndexError, Written,
    codec::{Hex, Json, Wei, party},
    schema::BY_BLOCK,
    store::Scope,
};

/// Roles whose party is an account that hears of its earnings.
const PERSONAL: [Role; 3] = [Role::Provider, Role::Lineage, Role::Data];

impl Index {
    /// Number and hash of the last followed block.
    pub(crate) fn tip(&self) -> Result<Option<(u64, B256)>, IndexError> {
        self.read(|sql| {
            let tip = sql
                .prepare_cached("SELECT number, hash FROM blocks ORDER BY number DESC LIMIT 1")?
                .query_row([], |row| Ok((row.get(0)?, row.get::<_, Hex<_>>(1)?.0)))
                .optional()?;
            Ok(tip)
        })
    }

    /// Hash of a followed block.
    pub(crate) fn followed(&self, number: u64) -> Result<Option<B256>, IndexError> {
        self.read(|sql| {
            let hash = sql
                .prepare_cached("SELECT hash FROM blocks WHERE number = ?1")?
                .query_row([number], |row| Ok(row.get::<_, Hex<_>>(0)?.0))
                .optional()?;
            Ok(hash)
        })
    }

    /// Writes one block; its parent must be the tip.
    pub(crate) fn apply_block(&self, facts: BlockFacts) -> Written<()> {
        self.write(move |scope| {
            put_block(scope.sql, &facts)?;
            let about: Vec<Subjects> = facts
                .events
                .iter()
                .map(|event| subjects(event.emitter, &event.topics, &event.data))
                .collect();
            for (event, about) in facts.events.iter().zip(&about) {
                put_event(scope, &facts, event, about)?;
            }
            let first_tx = |matches: &dyn Fn(&Subjects) -> bool| {
                let position = about.iter().position(matches);
                position.and_then(|at| facts.events.get(at)).map_or(B256::ZERO, |event| event.tx)
            };
            put_things(scope, &facts.things, &first_tx, (facts.number, facts.time))?;
            let txs = u32::try_from(facts.txs.len()).unwrap_or(u32::MAX);
            scope.emit(Event::Block { number: facts.number, hash: facts.hash, txs });
            Ok(())
        })
    }

    /// Takes every block above `number` back.
    pub(crate) fn rewind(&self, number: u64) -> Written<()> {
        self.write(move |scope| {
            for table in BY_BLOCK {
                scope.sql.execute(&format!("DELETE FROM {table} WHERE block > ?1"), [number])?;
            }
            scope.sql.execute("DELETE FROM blocks WHERE number > ?1", [number])?;
            scope.emit(Event::Rewound { number });
            Ok(())
        })
    }

    /// Takes the whole chain back: another chain is behind the transport.
    pub(crate) fn forget_chain(&self) -> Written<()> {
        self.write(move |scope| {
            for table in BY_BLOCK {
                scope.sql.execute(&format!("DELETE FROM {table}"), [])?;
            }
            scope.sql.execute("DELETE FROM blocks", [])?;
            scope.emit(Event::Rewound { number: 0 });
            Ok(())
        })
    }

    /// Writes views that were read again after a rewind.
    pub(crate) fn refresh_things(&self, things: Things) -> Written<()> {
        self.write(move |scope| put_things(scope, &things, &|_| B256::ZERO, (0, 0)))
    }

    /// Ids of everything the tables know: datanets, contributions, models, tasks.
    pub(crate) fn known_things(&self) -> Result<[Vec<u64>; 4], IndexError> {
        self.read(|sql| {
            let ids = |table: &str| -> Result<Vec<u64>, IndexError> {
                let mut query = sql.prepare(&format!("SELECT id FROM {table} ORDER BY id"))?;
                Ok(query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
            };
            Ok([ids("datanets")?, ids("contributions")?, ids("models")?, ids("tasks")?])
        })
    }
}

fn put_block(sql: &Connection, facts: &BlockFacts) -> Result<(), IndexError> {
    sql.prepare_cached("INSERT INTO blocks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?
        .execute(params![
            facts.number,
            Hex(facts.hash),
            Hex(facts.parent),
            facts.time,
            facts.gas_used,
            facts.gas_limit,
            facts.base_fee.to_string(),
            Hex(facts.producer),
            facts.size,
            facts.txs.len()
        ])?;
    for (position, tx) in facts.txs.iter().enumerate() {
        let args = tx.call.as_ref().map(|call| call.args.as_slice()).unwrap_or_default();
        sql.prepare_cached(
            "INSERT OR REPLACE INTO txs VALUES
             (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?
        .execute(params![
            Hex(tx.hash),
            facts.number,
            position,
            Hex(tx.sender),
            tx.recipient.map(Hex),
            tx.created.map(Hex),
            tx.value.to_string(),
            tx.nonce,
            tx.kind,
            tx.gas_used,
            tx.gas_price.to_string(),
            tx.success,
            tx.input.to_string(),
            tx.call.as_ref().map(|call| call.module.as_str()),
            tx.call.as_ref().map(|call| call.name.as_str()),
            Json(args)
        ])?;
    }
    Ok(())
}

fn put_event(
    scope: &mut Scope<'_>,
    block: &BlockFacts,
    event: &EventFacts,
    about: &Subjects,
) -> Result<(), IndexError> {
    let args = event.decoded.as_ref().map(|decoded| decoded.args.as_slice()).unwrap_or_default();
    let sql = scope.sql;
    sql.prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(
        params![
            block.number,
            event.log_index,
            Hex(event.tx),
            Hex(event.emitter),
            event.decoded.as_ref().map(|decoded| decoded.module.as_str()),
            event.decoded.as_ref().map(|decoded| decoded.name.as_str()),
            Json(args)
        ],
    )?;
    if let (Some(contribution), Some((step, detail))) = (about.contribution, &about.step) {
        sql.prepare_cached("INSERT INTO steps VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(
            params![
                block.number,
                event.log_index,
                contribution,
                step,
                detail,
                Hex(event.tx),
                block.time
            ],
        )?;
    }
    match &about.row {
        Some(row) => put_event_row(scope, block, event, row),
        None => Ok(()),
    }
}

fn put_event_row(
    scope: &mut Scope<'_>,
    block: &BlockFacts,
    event: &EventFacts,
    row: &EventRow,
) -> Result<(), IndexError> {
    let sql = scope.sql;
    let (tx, number, time) = (Hex(event.tx), block.number, block.time);
    match *row {
        EventRow::Snapshot { datanet, version, root, contributions, items } => {
            sql.execute(
                "INSERT OR REPLACE INTO snapshots VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![datanet, version, Hex(root), contributions, items, tx, number, time],
            )?;
        }
        EventRow::Posted { gateway, epoch, root, total, claimable_at } => {
            sql.execute(
                "INSERT OR REPLACE INTO posted VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![Hex(gateway), epoch, Hex(root), Wei(total), claimable_at, tx, number, time],
            )?;
            announce_earned(scope, gateway, epoch, root)?;
        }
        EventRow::Claimed { gateway, role, party: word, epoch, cumulative, amount } => {
            sql.execute(
                "INSERT OR REPLACE INTO claims VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    number,
                    event.log_index,
                    Hex(gateway),
                    role,
                    Hex(word),
                    epoch,
                    Wei(cumulative),
                    Wei(amount),
                    tx,
                    time
                ],
            )?;
            let personal = PERSONAL.iter().any(|personal| *personal as u8 == role);
            if let Some(account) = Party(word).as_account().filter(|_| personal) {
                scope.emit(Event::Paid { account, amount });
            }
        }
    }
    Ok(())
}

/// Tells every account by how much this root raised what it may claim.
fn announce_earned(
    scope: &mut Scope<'_>,
    gateway: Address,
    epoch: u64,
    root: B256,
) -> Result<(), IndexError> {
    let mut by_account = std::collections::BTreeMap::<Address, Amount>::new();
    let mut query = scope.sql.prepare_cached(
        "SELECT l.role, l.party, l.cumulative FROM leaves l
         JOIN epochs e ON e.gateway = l.gateway AND e.epoch = l.epoch
         WHERE l.gateway = ?1 AND l.epoch = ?2 AND e.root = ?3",
    )?;
    let leaves = query.query_map(params![Hex(gateway), epoch, Hex(root)], |row| {
        Ok((row.get::<_, u8>(0)?, row.get::<_, Hex<B256>>(1)?.0, row.get::<_, Wei>(2)?.0))
    })?;
    for leaf in leaves {
        let (role, word, cumulative) = leaf?;
        let personal = PERSONAL.iter().any(|personal| *personal as u8 == role);
        let Some(account) = Party(word).as_account().filter(|_| personal) else { continue };
        let before: Option<Wei> = scope
            .sql
            .prepare_cached(
                "SELECT l.cumulative FROM leaves l
                 JOIN posted p ON p.gateway = l.gateway AND p.epoch = l.epoch
                 WHERE l.gateway = ?1 AND l.role = ?2 AND l.party = ?3 AND l.epoch < ?4
                 ORDER BY l.epoch DESC LIMIT 1",
            )?
            .query_row(params![Hex(gateway), role, Hex(word), epoch], |row| row.get(0))
            .optional()?;
        let before = before.map_or(Amount::ZERO, |wei| wei.0);
        let raised = cumulative.saturating_sub(before);
        let sum = by_account.entry(account).or_default();
        *sum = sum.saturating_add(raised);
    }
    drop(query);
    for (account, amount) in by_account {
        if amount.is_zero() {
            continue;
        }
        let (answers, newest) = paying_answers(scope.sql, gateway, epoch, account)?;
        scope.emit(Event::Earned { account, amount, answers, receipt: newest });
    }
    Ok(())
}

/// How many of an epoch's receipts pay an account, and the newest of them.
fn paying_answers(
    sql: &Connection,
    gateway: Address,
    epoch: u64,
    account: Address,
) -> Result<(u32, Option<B256>), IndexError> {
    let mut query = sql.prepare_cached(
        "SELECT DISTINCT r.id FROM receipts r JOIN shares s ON s.receipt = r.seq
         WHERE r.gateway = ?1 AND r.epoch = ?2 AND s.party = ?3 AND s.role <= 3 ORDER BY r.seq DESC",
    )?;
    let bound = params![Hex(gateway), epoch, party(&Party::account(account))];
    let ids = query.query_map(bound, |row| Ok(row.get::<_, Hex<B256>>(0)?.0))?;
    let ids: Vec<B256> = ids.collect::<Result<_, _>>()?;
    Ok((u32::try_from(ids.len()).unwrap_or(u32::MAX), ids.first().copied()))
}

/// Writes views; the first transaction that named a thing stays with it.
fn put_things(
    scope: &mut Scope<'_>,
    things: &Things,
    first_tx: &dyn Fn(&dyn Fn(&Subjects) -> bool) -> B256,
    block: (u64, u64),
) -> Result<(), IndexError> {
    for datanet in &things.datanets {
        let tx = first_tx(&|about| about.datanet == Some(datanet.id));
        put_datanet(scope, datanet, tx, block)?;
    }
    for contribution in &things.contributions {
        let tx = first_tx(&|about| about.contribution == Some(contribution.id));
        put_contribution(scope, contribution, tx, block)?;
    }
    for model in &things.models {
        let tx = first_tx(&|about| about.model == Some(model.id));
        put_model(scope, model, tx, block)?;
    }
    for task in &things.tasks {
        let tx = first_tx(&|about| about.task == Some(task.id));
        put_task(scope, task, tx, block)?;
    }
    Ok(())
}

fn put_datanet(
    scope: &mut Scope<'_>,
    datanet: &IDatanets::Datanet,
    tx: B256,
    (block, time): (u64, u64),
) -> Result<(), IndexError> {
    scope.sql.execute(
        "INSERT INTO datanets VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (id) DO UPDATE SET owner = ?2, name = ?3, body = ?4",
        params![
            datanet.id,
            Hex(datanet.owner),
            datanet.spec.name,
            Json(datanet),
            Hex(tx),
            block,
            time
        ],
    )?;
    scope.emit(Event::Datanet { id: DatanetId(datanet.id) });
    Ok(())
}

fn put_contribution(
    scope: &mut Scope<'_>,
    contribution: &IDatanets::Contribution,
    tx: B256,
    (block, time): (u64, u64),
) -> Result<(), IndexError> {
    let version = (contribution.version != 0).then_some(contribution.version);
    scope.sql.execute(
        "INSERT INTO contributions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (id) DO UPDATE SET status = ?6, version = ?7, body = ?8",
        params![
            contribution.id,
            contribution.datanetId,
            Hex(contribution.contributor),
            alloy_primitives::hex::encode(contribution.dataCommit),
            contribution.itemCount,
            contribution.status,
            version,
            Json(contribution),
            Hex(tx),
            block,
            time
        ],
    )?;
    let state = ContributionStatus::try_from(contribution.status)
        .map_or_else(|code| code.to_string(), |status| status.name().to_owned());
    scope.emit(Event::Contribution {
        id: ContributionId(contribution.id),
        datanet: DatanetId(contribution.datanetId),
        state,
    });
    Ok(())
}

fn put_model(
    scope: &mut Scope<'_>,
    model: &IModels::Model,
    tx: B256,
    (block, time): (u64, u64),
) -> Result<(), IndexError> {
    let datanet = model.snapshots.first().map_or(0, |snapshot| snapshot.datanetId);
    scope.sql.execute(
        "INSERT INTO models VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (id) DO UPDATE SET owner = ?3, body = ?7",
        params![
            model.id,
            model.name,
            Hex(model.owner),
            model.kind,
            datanet,
            model.taskId,
            Json(model),
            Hex(tx),
            block,
            time
        ],
    )?;
    scope.emit(Event::Model { id: ModelId(model.id) });
    Ok(())
}

fn put_task(
    scope: &mut Scope<'_>,
    task: &ITasks::Task,
    tx: B256,
    (block, time): (u64, u64),
) -> Result<(), IndexError> {
    scope.sql.execute(
        "INSERT INTO tasks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (id) DO UPDATE SET state = ?5, body = ?6",
        params![
            task.id,
            Hex(task.requester),
            task.spec.kind,
            task.spec.datanetId,
            task.state,
            Json(task),
            Hex(tx),
            block,
            time
        ],
    )?;
    scope.emit(Event::Job { id: task.id.into() });
    Ok(())
}
