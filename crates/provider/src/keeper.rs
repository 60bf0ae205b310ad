//! Does what is due: when a module's timer has passed, anyone may poke it, and the keeper does.
//! Every effect so has a transaction, a receipt and logs like any other.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tributary_client::{Call, Sender, channels, datanets, tasks};
use tributary_contracts::{CHANNELS, DATANETS, IChannels, IDatanets, ITasks, TASKS};

use crate::ProviderError;

/// How often the head is looked at.
const PACE: Duration = Duration::from_millis(100);
/// Items handled by one poke.
const BUDGET: u32 = 32;

/// Pokes with its own key.
pub struct Keeper {
    sender: Sender,
}

impl Keeper {
    /// Speaks with this key.
    pub fn new(sender: Sender) -> Self {
        Self { sender }
    }

    /// Pokes until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut last = None;
        loop {
            match self.sender.chain().head().await {
                Ok(head) if last != Some(head.hash) => match self.tick(head.timestamp).await {
                    Ok(()) => last = Some(head.hash),
                    Err(error) => tracing::debug!(%error, "keeper: a poke failed"),
                },
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "keeper: no head"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PACE) => {}
            }
        }
    }

    async fn tick(&self, now: u64) -> Result<(), ProviderError> {
        let chain = self.sender.chain();
        let due = |at: u64| at != 0 && at <= now;
        if due(chain.call(DATANETS, &IDatanets::nextTimerCall {}).await?) {
            self.poke(&datanets::poke(BUDGET)).await?;
        }
        if due(chain.call(TASKS, &ITasks::nextTimerCall {}).await?) {
            self.poke(&tasks::poke(BUDGET)).await?;
        }
        if due(chain.call(CHANNELS, &IChannels::nextTimerCall {}).await?) {
            self.poke(&channels::poke(BUDGET)).await?;
        }
        Ok(())
    }

    async fn poke(&self, call: &Call) -> Result<(), ProviderError> {
        self.sender.send(call).await?;
        Ok(())
    }
}
