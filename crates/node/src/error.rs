//! Why a node does not start or had to stop; each names what to do.

use tributary_client::ClientError;

/// A node's failure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The data directory.
    #[error(transparent)]
    Datadir(#[from] crate::datadir::DatadirError),
    /// The port.
    #[error(transparent)]
    Port(#[from] crate::listener::PortTaken),
    /// The chain's store.
    #[error(transparent)]
    Storage(#[from] tributary_storage::StorageError),
    /// Genesis.
    #[error(transparent)]
    Genesis(#[from] tributary_execution::GenesisError),
    /// The pool.
    #[error(transparent)]
    Pool(#[from] tributary_txpool::PoolError),
    /// The sequencer.
    #[error(transparent)]
    Consensus(#[from] tributary_consensus::ConsensusError),
    /// The JSON-RPC handlers.
    #[error(transparent)]
    Rpc(#[from] tributary_rpc::RpcError),
    /// The chain as a client sees it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The history.
    #[error(transparent)]
    Index(#[from] tributary_indexer::IndexError),
    /// The blobs.
    #[error(transparent)]
    Artifact(#[from] tributary_artifacts::ArtifactError),
    /// Rows of a sample datanet.
    #[error(transparent)]
    Dataset(#[from] tributary_datasets::DatasetError),
    /// The provider.
    #[error(transparent)]
    Provider(#[from] tributary_provider::ProviderError),
    /// The gateway.
    #[error(transparent)]
    Gateway(#[from] tributary_gateway::Refusal),
    /// The system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A part of the node ended by itself.
    #[error("the node stops: {0}")]
    Fatal(String),
}

impl NodeError {
    /// A way to a chain that can't be made.
    pub(crate) fn transport(error: tributary_client::TransportError) -> Self {
        Self::Client(error.into())
    }
}
