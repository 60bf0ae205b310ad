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
