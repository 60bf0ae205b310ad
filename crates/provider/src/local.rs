//! The provider's API in process: what the HTTP routes call, and what a node in one process uses.

use std::sync::Arc;

use async_trait::async_trait;
use tributary_client::{
    ClientError, ProviderApi,
    provider::{
        InferRequest, InferStream, JobReport, PromptRequest, PromptTicket, ProviderStatus,
        QuoteRequest, TrainingQuote,
    },
};
use tributary_contracts::ModelStatus;
use tributary_primitives::{B256, DatanetId, Digest, ModelId, Prices, Receipt, TaskId, Transcript};

use crate::{Desk, ModelFacts, ProviderError, Responder, Trainer};

/// A provider in this process.
#[derive(Clone)]
pub struct LocalProvider {
    desk: Desk,
    trainer: Trainer,
    responder: Responder,
    chain: tributary_client::Chain,
}

impl LocalProvider {
    /// Answers at the desk, trains with the trainer, keeps prompts for the responder.
    pub fn new(
        desk: Desk,
        trainer: Trainer,
        responder: Responder,
        chain: tributary_client::Chain,
    ) -> Self {
        Self { desk, trainer, responder, chain }
    }

    /// Shared form.
    pub fn into_shared(self) -> Arc<dyn ProviderApi> {
        Arc::new(self)
    }

    /// The desk.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    async fn prices(&self) -> Result<(Vec<ModelId>, Prices), ProviderError> {
        let models = self.chain.models().list().await?;
        let active = models
            .iter()
            .filter(|model| ModelStatus::try_from(model.status) == Ok(ModelStatus::Active));
        let ids: Vec<ModelId> = active.map(|model| ModelId(model.id)).collect();
        let Some(first) = ids.first() else { return Ok((ids, Prices::default())) };
        let facts = ModelFacts::read(&self.chain, self.desk.seal().provider, *first).await?;
        Ok((ids, facts.compute))
    }
}

#[async_trait]
impl ProviderApi for LocalProvider {
    async fn status(&self) -> Result<ProviderStatus, ClientError> {
        let (models, prices) = self.prices().await.map_err(service)?;
        Ok(ProviderStatus {
            provider: self.desk.seal().provider,
            receipt_key: self.desk.seal().key.address(),
            models,
            prices,
            active_jobs: u32::try_from(self.desk.active()).unwrap_or(u32::MAX),
        })
    }

    async fn infer(&self, request: InferRequest) -> Result<InferStream, ClientError> {
        self.desk.infer(request).await.map_err(service)
    }

    async fn cancel(&self, job: Digest) -> Result<(), ClientError> {
        self.desk.cancel(&job);
        Ok(())
    }

    async fn transcript(&self, receipt: B256) -> Result<Transcript, ClientError> {
        Ok(self.desk.answers().get(&receipt).map_err(service)?.transcript)
    }

    async fn receipt(&self, receipt: B256) -> Result<Receipt, ClientError> {
        Ok(self.desk.answers().get(&receipt).map_err(service)?.receipt)
    }

    async fn quote(&self, request: QuoteRequest) -> Result<TrainingQuote, ClientError> {
        let QuoteRequest { model, datanet, version, preset } = request;
        let quote = self.trainer.quote(model, DatanetId(datanet), version, &preset);
        quote.await.map_err(service)
    }

    async fn keep_prompt(&self, request: PromptRequest) -> Result<PromptTicket, ClientError> {
        self.responder.keep(request).await.map_err(service)
    }

    async fn stop_task(&self, task: TaskId) -> Result<(), ClientError> {
        self.trainer.stop(task);
        Ok(())
    }

    async fn job(&self, task: TaskId, from: u32) -> Result<Option<JobReport>, ClientError> {
        self.trainer.report(task, from).map_err(service)
    }

    async fn blob(&self, digest: Digest) -> Result<Vec<u8>, ClientError> {
        let bytes = self.trainer.made(&digest).await.map_err(service)?;
        Ok(bytes.to_vec())
    }
}

/// A failure in the form that a caller over HTTP would get.
pub(crate) fn service(error: ProviderError) -> ClientError {
    let (status, code) = error.kind();
    let message = error.to_string();
    match error {
        ProviderError::Chain(error) => error,
        _ => ClientError::Service { status, code: code.to_owned(), message, hint: None },
    }
}
