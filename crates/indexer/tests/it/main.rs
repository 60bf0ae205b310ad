//! The index as its callers see it: through a file on disk and a chain behind a transport.

mod chain;
mod money;
mod service;

use std::sync::Arc;

use tributary_client::Chain;
use tributary_indexer::{Follower, Index, mocks::FakeChain};

/// An index in a folder that goes away with it.
struct Desk {
    index: Index,
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(&folder.path().join("index.sqlite")).unwrap();
        Self { index, folder }
    }

    /// Closes the file and opens it again, as a restart does.
    fn reopen(&mut self) {
        self.index.close();
        self.index = Index::open(&self.folder.path().join("index.sqlite")).unwrap();
    }

    async fn follow(&self, chain: &FakeChain) {
        let client = Chain::connect(Arc::new(chain.clone())).await.unwrap();
        Follower::new(self.index.clone(), client).catch_up().await.unwrap();
    }
}
