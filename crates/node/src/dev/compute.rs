//! The provider's role in a process: engine, desk and trainer under one account.

use std::{path::Path, sync::Arc};

use tokio_util::sync::CancellationToken;
use tributary_client::{Chain, Sender, Signer};
use tributary_indexer::Index;
use tributary_inference::{Engine, EngineConfig};
use tributary_provider::{
    Answers, Blobs, Desk, Library, LocalProvider, Prompts, Responder, Seal, Trainer,
};

use super::setup;
use crate::{NodeError, datadir::Datadir};

/// A provider in this process.
pub struct Compute {
    /// Answers requests, here and behind its HTTP routes.
    pub local: LocalProvider,
    sender: Sender,
    trainer: Trainer,
    responder: Responder,
    receipt_key: Signer,
}

/// What a provider works with.
pub struct Tools {
    /// The chain.
    pub chain: Chain,
    /// Where files come from.
    pub blobs: Blobs,
    /// Where it notes its jobs.
    pub history: Index,
}

impl Compute {
    /// Under this account; keys and work lie in the data directory.
    pub fn start(tools: Tools, datadir: &Datadir, sender: Sender) -> Result<Self, NodeError> {
        let Tools { chain, blobs, history } = tools;
        let receipt_key = Signer::from_bytes(datadir.secret("receipt", rand::random)?)?;
        let salt = datadir.secret("salt", rand::random)?;
        let folder = datadir.join("provider");
        let within = |name: &str| Path::join(&folder, name);
        let engine = Engine::start(EngineConfig::default());
        let library = Library::new(chain.clone(), blobs, engine, within("indexes"));
        let library = Arc::new(library);
        let seal = Seal::new(sender.address(), receipt_key.clone(), chain.chain_id(), salt);
        let answers = Answers::open(&within("answers"))?;
        let desk = Desk::new(chain.clone(), Arc::clone(&library), answers, seal);
        let trainer = Trainer::new(sender.clone(), library, history, within("jobs"));
        let prompts = Prompts::open(&within("prompts"))?;
        let responder = Responder::new(sender.clone(), desk.clone(), prompts);
        let local = LocalProvider::new(desk, trainer.clone(), responder.clone(), chain);
        Ok(Self { local, sender, trainer, responder, receipt_key })
    }

    /// Tells the chain where it is reached, what it costs and who signs its receipts.
    pub async fn enrol(&self, url: &str) -> Result<(), NodeError> {
        setup::enrol_provider(&self.sender, url, self.receipt_key.address()).await
    }

    /// Its account.
    pub fn address(&self) -> tributary_primitives::Address {
        self.sender.address()
    }

    /// Speaks for it.
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Works on the tasks of the chain until told to stop.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        tokio::join!(self.trainer.clone().run(stop.clone()), self.responder.clone().run(stop));
    }
}
