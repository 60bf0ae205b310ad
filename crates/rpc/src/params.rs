//! Reading parameters and registering methods.

use crate::RpcError;
use crate::state::{Module, Node};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, U64, U256};
use jsonrpsee::types::Params;
use jsonrpsee::types::params::ParamsSequence;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) type Answer<T> = Result<T, RpcError>;

/// Parameters by position.
pub(crate) struct Args<'a>(ParamsSequence<'a>);

impl Args<'_> {
    /// The next parameter, which must be there.
    pub(crate) fn next<T: DeserializeOwned>(&mut self) -> Answer<T> {
        Ok(self.0.next()?)
    }

    /// The next parameter, or `None` when it is missing or null.
    pub(crate) fn optional<T: DeserializeOwned>(&mut self) -> Answer<Option<T>> {
        Ok(self.0.optional_next()?)
    }

    /// The next parameter as a block, the latest when it is missing.
    pub(crate) fn block(&mut self) -> Answer<BlockId> {
        Ok(self.optional()?.unwrap_or(BlockId::Number(BlockNumberOrTag::Latest)))
    }
}

/// Registers a method that reads or computes: it runs on a thread where it may block.
pub(crate) fn method<T: Serialize + Clone + Send + 'static>(
    module: &mut Module,
    name: &'static str,
    run: fn(&Node, &mut Args<'_>) -> Answer<T>,
) -> Answer<()> {
    module.register_blocking_method(name, move |params: Params<'_>, node: Arc<Node>, _| {
        run(&node, &mut Args(params.sequence()))
    })?;
    Ok(())
}

/// Registers a method that runs the interpreter: only so many run at once, only so many wait.
pub(crate) fn heavy<T: Serialize + Clone + Send + 'static>(
    module: &mut Module,
    name: &'static str,
    run: fn(&Node, &mut Args<'_>) -> Answer<T>,
) -> Answer<()> {
    module.register_async_method(
        name,
        move |params: Params<'static>, node: Arc<Node>, _| async move {
            let permit = node.simulations.enter().await?;
            run_blocking(move || {
                let answer = run(&node, &mut Args(params.sequence()));
                drop(permit);
                answer
            })
            .await
        },
    )?;
    Ok(())
}

/// Runs a task on a thread where it may block.
pub(crate) async fn run_blocking<T: Send + 'static>(
    task: impl FnOnce() -> Answer<T> + Send + 'static,
) -> Answer<T> {
    tokio::task::spawn_blocking(task)
        .await
        .map_err(|error| RpcError::Internal(error.to_string()))?
}

/// The door to the interpreter.
#[derive(Debug)]
pub(crate) struct Door {
    places: Arc<Semaphore>,
    queue: Semaphore,
}

impl Door {
    pub(crate) fn new(at_once: usize, waiting: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(at_once)), queue: Semaphore::new(waiting) }
    }

    /// Waits for a place; refuses when too many wait already.
    pub(crate) async fn enter(&self) -> Answer<OwnedSemaphorePermit> {
        let busy = || RpcError::LimitExceeded("too many simulations wait; try again".into());
        let _turn = self.queue.try_acquire().map_err(|_| busy())?;
        Arc::clone(&self.places).acquire_owned().await.map_err(|_| busy())
    }
}

/// Registers a method that costs nothing: it runs where it was received.
pub(crate) fn quick<T: Serialize + Clone + Send + 'static>(
    module: &mut Module,
    name: &'static str,
    run: fn(&Node, &mut Args<'_>) -> Answer<T>,
) -> Answer<()> {
    module.register_method(name, move |params: Params<'_>, node: &Node, _| {
        run(node, &mut Args(params.sequence()))
    })?;
    Ok(())
}

/// A number as clients write it: hex quantity, decimal string or JSON number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LooseU256(pub(crate) U256);

impl LooseU256 {
    pub(crate) fn to_u64(self) -> Answer<u64> {
        u64::try_from(self.0).map_err(|_| RpcError::InvalidParams("number exceeds 64 bits".into()))
    }
}

impl<'de> Deserialize<'de> for LooseU256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Float(f64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(number) => Ok(Self(U256::from(number))),
            // JavaScript writes large whole numbers in this form.
            Written::Float(float) => U256::from_str_radix(&format!("{float:.0}"), 10)
                .map(Self)
                .map_err(|error| D::Error::custom(format!("invalid number: {error}"))),
            Written::Text(text) => text
                .parse::<U256>()
                .map(Self)
                .map_err(|error| D::Error::custom(format!("invalid number {text:?}: {error}"))),
        }
    }
}

/// A storage slot: 32 bytes, or a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot(pub(crate) U256);

impl<'de> Deserialize<'de> for Slot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        LooseU256::deserialize(deserializer).map(|number| Self(number.0))
    }
}

/// A quantity in an answer.
pub(crate) fn quantity(value: u64) -> U64 {
    U64::from(value)
}

/// 32 bytes of a slot's value.
pub(crate) fn word(value: U256) -> B256 {
    B256::from(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_every_form() {
        for text in ["255", "\"255\"", "\"0xff\"", "255.0"] {
            let number: LooseU256 = serde_json::from_str(text).unwrap();
            assert_eq!(number.0, U256::from(255), "{text}");
        }
        for text in ["-1", "\"ff\"", "null", "[]", "-1.0", "1e300"] {
            assert!(serde_json::from_str::<LooseU256>(text).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn the_door_refuses_when_too_many_wait() {
        let door = Arc::new(Door::new(1, 1));
        let inside = door.enter().await.unwrap();
        let waiting = tokio::spawn({
            let door = Arc::clone(&door);
            async move { door.enter().await.map(drop) }
        });
        while door.queue.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(door.enter().await, Err(RpcError::LimitExceeded(_))));
        drop(inside);
        waiting.await.unwrap().unwrap();
        assert!(door.enter().await.is_ok());
    }
}
