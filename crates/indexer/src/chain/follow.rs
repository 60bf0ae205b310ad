//! Follows the chain by hash: one block at a time, back to the common ancestor when its parent is
//! not our tip.

use std::{collections::BTreeSet, time::Duration};

use alloy_consensus::Transaction as _;
use alloy_primitives::B256;
use alloy_rpc_types_eth::{Block, Transaction, TransactionReceipt};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tributary_client::{Chain, ClientError};
use tributary_primitives::{ContributionId, DatanetId, ModelId, TaskId};

use super::{
    decode::Modules,
    facts::{BlockFacts, EventFacts, Things, TxFacts},
    subjects::subjects,
};
use crate::{Index, IndexError};

/// How long to wait for the next block.
const POLL: Duration = Duration::from_millis(100);
/// How long to wait after the chain did not answer.
const RETRY: Duration = Duration::from_secs(1);

impl Index {
    /// Waits until the chain is followed to a block; false when that takes longer than `patience`.
    pub async fn reach(&self, number: u64, patience: Duration) -> Result<bool, IndexError> {
        let mut events = self.subscribe();
        let reached = async {
            while self.tip()?.is_none_or(|(tip, _)| tip < number) {
                if let Err(RecvError::Closed) = events.recv().await {
                    return Err(IndexError::Closed);
                }
            }
            Ok(true)
        };
        tokio::time::timeout(patience, reached).await.unwrap_or(Ok(false))
    }
}

/// Keeps the chain-derived tables at the chain's head.
pub struct Follower {
    index: Index,
    chain: Chain,
    modules: Modules,
}

impl From<ClientError> for IndexError {
    fn from(error: ClientError) -> Self {
        Self::Chain(error.to_string())
    }
}

impl Follower {
    /// Follows this chain into this index.
    pub fn new(index: Index, chain: Chain) -> Self {
        Self { index, chain, modules: Modules::load() }
    }

    /// Follows until cancelled. Errors are logged and tried again.
    pub async fn run(self, cancel: CancellationToken) {
        while !cancel.is_cancelled() {
            let pause = match self.step().await {
                Ok(true) => continue,
                Ok(false) => POLL,
                Err(error) => {
                    tracing::warn!(%error, "the index cannot follow the chain");
                    RETRY
                }
            };
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Follows to the present head.
    pub async fn catch_up(&self) -> Result<(), IndexError> {
        while self.step().await? {}
        Ok(())
    }

    /// One block, or one way back. False when there is nothing to do.
    async fn step(&self) -> Result<bool, IndexError> {
        let Some((number, hash)) = self.index.tip()? else {
            return self.follow(0, B256::ZERO).await;
        };
        match self.chain.block_ref(number).await? {
            Some(block) if block.hash == hash => self.follow(number + 1, hash).await,
            _ => self.go_back(number).await,
        }
    }

    async fn follow(&self, number: u64, parent: B256) -> Result<bool, IndexError> {
        let Some(block) = self.chain.block(number, true).await? else { return Ok(false) };
        if number > 0 && block.header.parent_hash != parent {
            // The chain turned between two requests; the next step goes back.
            return Ok(true);
        }
        let facts = self.facts(&block).await?;
        self.index.apply_block(facts).await?;
        Ok(true)
    }

    async fn go_back(&self, tip: u64) -> Result<bool, IndexError> {
        let mut number = tip;
        let common = loop {
            if number == 0 {
                break None;
            }
            number -= 1;
            let ours = self.index.followed(number)?;
            let theirs = self.chain.block_ref(number).await?.map(|block| block.hash);
            if ours.is_some() && ours == theirs {
                break Some(number);
            }
        };
        match common {
            Some(number) => {
                self.index.rewind(number).await?;
                let [datanets, contributions, models, tasks] = self.index.known_things()?;
                let named = Named {
                    datanets: datanets.into_iter().collect(),
                    contributions: contributions.into_iter().collect(),
                    models: models.into_iter().collect(),
                    tasks: tasks.into_iter().collect(),
                };
                let things = self.read_things(&named).await?;
                self.index.refresh_things(things).await?;
            }
            None => self.index.forget_chain().await?,
        }
        Ok(true)
    }

    async fn facts(&self, block: &Block) -> Result<BlockFacts, IndexError> {
        let transactions = block.transactions.as_transactions().unwrap_or_default();
        let receipts = self.receipts(transactions).await?;
        let mut txs = Vec::with_capacity(transactions.len());
        let mut events = Vec::new();
        let mut named = Named::default();
        for (transaction, receipt) in transactions.iter().zip(&receipts) {
            txs.push(self.tx_facts(transaction, receipt));
            for log in receipt.logs() {
                let topics = log.topics().to_vec();
                let data = log.data().data.clone();
                named.note(&subjects(log.address(), &topics, &data));
                events.push(EventFacts {
                    log_index: log.log_index.unwrap_or(events.len() as u64),
                    tx: receipt.transaction_hash,
                    emitter: log.address(),
                    decoded: self.modules.event(log.address(), &topics, &data),
                    topics,
                    data,
                });
            }
        }
        let header = &block.header;
        Ok(BlockFacts {
            number: header.number,
            hash: header.hash,
            parent: header.parent_hash,
            time: header.timestamp,
            gas_used: header.gas_used,
            gas_limit: header.gas_limit,
            base_fee: header.base_fee_per_gas.unwrap_or_default(),
            producer: header.beneficiary,
            size: header.size.map(|size| size.saturating_to()).unwrap_or_default(),
            txs,
            events,
            things: self.read_things(&named).await?,
        })
    }

    async fn receipts(
        &self,
        transactions: &[Transaction],
    ) -> Result<Vec<TransactionReceipt>, IndexError> {
        let calls: Vec<_> = transactions
            .iter()
            .map(|tx| ("eth_getTransactionReceipt", json!([tx.inner.tx_hash()])))
            .collect();
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        let answers = self.chain.transport().batch(calls).await;
        let answers = answers.map_err(|error| IndexError::Chain(error.to_string()))?;
        let mut receipts = Vec::with_capacity(answers.len());
        for answer in answers {
            let value = answer.map_err(|fault| IndexError::Chain(fault.message))?;
            let receipt: Option<TransactionReceipt> = serde_json::from_value(value)
                .map_err(|error| IndexError::malformed("transaction receipt", error))?;
            receipts.push(receipt.ok_or_else(|| {
                IndexError::Chain("a transaction lost its receipt while being read".to_owned())
            })?);
        }
        Ok(receipts)
    }

    fn tx_facts(&self, transaction: &Transaction, receipt: &TransactionReceipt) -> TxFacts {
        let recipient = transaction.to();
        TxFacts {
            hash: receipt.transaction_hash,
            sender: receipt.from,
            recipient,
            created: receipt.contract_address,
            value: transaction.value(),
            nonce: transaction.nonce(),
            kind: receipt.transaction_type() as u8,
            gas_used: receipt.gas_used,
            gas_price: receipt.effective_gas_price,
            success: receipt.status(),
            input: transaction.input().clone(),
            call: recipient.and_then(|to| self.modules.call(to, transaction.input())),
        }
    }

    /// Reads the named things as they are now; one that is gone again is left out.
    async fn read_things(&self, named: &Named) -> Result<Things, IndexError> {
        let mut things = Things::default();
        for id in &named.datanets {
            let read = self.chain.datanets().get(DatanetId(*id)).await;
            things.datanets.extend(unless_gone(read)?);
        }
        for id in &named.contributions {
            let read = self.chain.datanets().contribution(ContributionId(*id)).await;
            things.contributions.extend(unless_gone(read)?);
        }
        for id in &named.models {
            things.models.extend(unless_gone(self.chain.models().get(ModelId(*id)).await)?);
        }
        for id in &named.tasks {
            things.tasks.extend(unless_gone(self.chain.tasks().get(TaskId(*id)).await)?);
        }
        Ok(things)
    }
}

fn unless_gone<T>(read: Result<T, ClientError>) -> Result<Option<T>, IndexError> {
    match read {
        Ok(thing) => Ok(Some(thing)),
        Err(ClientError::Reverted(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Ids that a block's events name.
#[derive(Default)]
struct Named {
    datanets: BTreeSet<u64>,
    contributions: BTreeSet<u64>,
    models: BTreeSet<u64>,
    tasks: BTreeSet<u64>,
}

impl Named {
    fn note(&mut self, about: &super::subjects::Subjects) {
        self.datanets.extend(about.datanet);
        self.contributions.extend(about.contribution);
        self.models.extend(about.model);
        self.tasks.extend(about.task);
    }
}
