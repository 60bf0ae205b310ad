//! The chain wing of a process: store, pool, sequencer, JSON-RPC.

use std::sync::Arc;

use tributary_client::Chain;
use tributary_consensus::{
    Chain as Committee, ChainConfig, Sequencer, SequencerConfig, SequencerHandle,
};
use tributary_execution::{Genesis, SequentialExecutor};
use tributary_rpc::{RpcConfig, RpcContext, RpcService, RpcStop};
use tributary_storage::Store;
use tributary_txpool::{Pool, PoolConfig};

use super::actors::Actors;
use crate::{NodeError, datadir::Datadir, transport::InProcess};

/// A running chain.
pub struct Ledger {
    sequencer: SequencerHandle,
    service: Option<RpcService>,
    stop: RpcStop,
    /// The way to it in this process.
    pub chain: Chain,
}

impl Ledger {
    /// Opens the store and starts to make blocks.
    pub async fn start(datadir: &Datadir) -> Result<Self, NodeError> {
        // Whoever wants another network puts its genesis there before the first start.
        let fresh = Genesis::dev().to_toml()?;
        let genesis = Genesis::from_toml(&datadir.text("genesis.toml", || fresh)?)?;
        let spec = Arc::new(genesis.spec()?);
        let store = Store::open_or_create(datadir.path(), &genesis.build()?)?;
        let journal = datadir.join("pool.journal");
        let pool =
            Pool::open(Arc::clone(&spec), store.clone(), PoolConfig::default(), Some(&journal))?;
        let executor = Arc::new(SequentialExecutor::new(Arc::clone(&spec)));
        // Tips go to the keeper, which pays for the pokes.
        let config = ChainConfig { beneficiary: Actors::proposer()?, ..ChainConfig::default() };
        let committee = Committee::new(spec, store, pool, executor, config);
        let sequencer = Sequencer::start(committee.clone(), SequencerConfig::default())?;
        let config = RpcConfig::default();
        let context = RpcContext { chain: committee, dev: sequencer.dev() };
        let module = tributary_rpc::module(context, config.clone())?;
        let (service, stop) = tributary_rpc::service(module.clone(), &config);
        let chain = Chain::connect(Arc::new(InProcess::new(module))).await?;
        Ok(Self { sequencer, service: Some(service), stop, chain })
    }

    /// JSON-RPC for the listener, once.
    pub fn take_rpc(&mut self) -> Option<RpcService> {
        self.service.take()
    }

    /// Ends JSON-RPC; blocks are still made for what is settling.
    pub fn close_rpc(&self) {
        self.stop.stop();
    }

    /// Resolves with the cause when the sequencer had to stop.
    pub async fn failed(&self) -> String {
        let mut failure = self.sequencer.failure();
        loop {
            if let Some(cause) = failure.borrow_and_update().clone() {
                return cause;
            }
            if failure.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Ends the sequencer; the store closes last.
    pub async fn stop(self) {
        let sequencer = self.sequencer;
        let stopped = tokio::task::spawn_blocking(move || sequencer.stop()).await;
        if let Err(error) = stopped {
            tracing::error!(%error, "the sequencer did not stop cleanly");
        }
    }
}
