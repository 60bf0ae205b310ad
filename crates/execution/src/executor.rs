//! Building and verifying blocks, one transaction after another.

use crate::build::BlockRun;
use crate::{
    BlockAttributes, BlockLimits, BuiltBlock, ChainSpec, ExecutionError, HeaderContext, Parent,
    RecoveredTx, SkippedTx, TxError,
};
use alloy_consensus::Header;
use std::sync::Arc;
use tributary_storage::SealedBlock;

/// Makes blocks and checks them. Every implementation gives the same bytes.
pub trait BlockExecutor: Send + Sync {
    /// Builds a block from transactions in the order given; those that do not fit are skipped.
    fn build(
        &self,
        parent: &Parent,
        attributes: &BlockAttributes,
        txs: &mut dyn Iterator<Item = RecoveredTx>,
        limits: &BlockLimits,
    ) -> Result<BuiltBlock, ExecutionError>;

    /// Runs a block made elsewhere and compares all that its header claims.
    fn execute(&self, parent: &Parent, block: &SealedBlock) -> Result<BuiltBlock, ExecutionError>;
}

/// One transaction after another.
#[derive(Debug, Clone)]
pub struct SequentialExecutor {
    spec: Arc<ChainSpec>,
}

impl SequentialExecutor {
    /// An executor of a chain.
    pub fn new(spec: Arc<ChainSpec>) -> Self {
        Self { spec }
    }
}

impl BlockExecutor for SequentialExecutor {
    fn build(
        &self,
        parent: &Parent,
        attributes: &BlockAttributes,
        txs: &mut dyn Iterator<Item = RecoveredTx>,
        limits: &BlockLimits,
    ) -> Result<BuiltBlock, ExecutionError> {
        let mut run = BlockRun::start(&self.spec, parent, attributes)?;
        let mut skipped = Vec::new();
        let mut bytes = 0usize;
        while run.len() < limits.max_txs {
            let Some(tx) = txs.next() else { break };
            let size_bytes = BlockRun::size_of(&tx);
            let outcome = if bytes.saturating_add(size_bytes) > limits.max_bytes {
                Err(TxError::BlockBytesFull { size_bytes })
            } else {
                run.transact(&tx)?
            };
            match outcome {
                Ok(()) => bytes += size_bytes,
                Err(reason) => {
                    let (hash, sender) = (*tx.inner().tx_hash(), tx.signer());
                    skipped.push(SkippedTx { hash, sender, reason });
                }
            }
        }
        run.finish(skipped)
    }

    fn execute(&self, parent: &Parent, block: &SealedBlock) -> Result<BuiltBlock, ExecutionError> {
        let attributes = attributes_of(&block.header, parent, block)?;
        let number = block.number();
        let mut run = BlockRun::start(&self.spec, parent, &attributes)?;
        for (index, tx) in block.transactions.iter().enumerate() {
            let refused = |error| ExecutionError::InvalidTransaction {
                number,
                index,
                hash: *tx.tx_hash(),
                error,
            };
            let tx = self.spec.recover(tx.clone()).map_err(refused)?;
            run.transact(&tx)?.map_err(refused)?;
        }
        let built = run.finish(Vec::new())?;
        compare(&block.header, &built.block.header)?;
        if block.hash != built.block.hash {
            return Err(invalid(number, "the hash is not that of its header"));
        }
        Ok(built)
    }
}

fn invalid(number: u64, reason: impl Into<String>) -> ExecutionError {
    ExecutionError::InvalidBlock { number, reason: reason.into() }
}

/// What the proposer of an existing block decided.
pub(crate) fn attributes_of(
    header: &Header,
    parent: &Parent,
    block: &SealedBlock,
) -> Result<BlockAttributes, ExecutionError> {
    let number = header.number;
    if header.parent_hash != parent.header.hash {
        return Err(invalid(number, format!("its parent is not {}", parent.header.hash)));
    }
    let context = HeaderContext::decode(header)
        .ok_or_else(|| invalid(number, "extraData is not the 32 bytes of a header context"))?;
    Ok(BlockAttributes {
        context,
        beneficiary: header.beneficiary,
        prev_randao: header.mix_hash,
        gas_limit: Some(header.gas_limit),
        edits: block.edits.clone(),
    })
}

/// Names the first field in which a header differs from what running the block gives.
fn compare(claimed: &Header, found: &Header) -> Result<(), ExecutionError> {
    macro_rules! same {
        ($($field:ident),* $(,)?) => {$(
            if claimed.$field != found.$field {
                return Err(invalid(claimed.number, format!(
                    concat!(stringify!($field), " is {:?}, running the block gives {:?}"),
                    claimed.$field, found.$field
                )));
            }
        )*};
    }
    same!(
        number,
        parent_hash,
        timestamp,
        gas_limit,
        base_fee_per_gas,
        gas_used,
        transactions_root,
        receipts_root,
        logs_bloom,
        state_root,
        ommers_hash,
        withdrawals_root,
        difficulty,
        nonce,
        blob_gas_used,
        excess_blob_gas,
        parent_beacon_block_root,
        requests_hash,
        block_access_list_hash,
        slot_number,
        extra_data,
        mix_hash,
        beneficiary,
    );
    if claimed != found {
        return Err(invalid(claimed.number, "the header has fields this chain does not use"));
    }
    Ok(())
}
