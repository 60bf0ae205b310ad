//! What every method sees, and the table of methods.

use crate::filters::Filters;
use crate::params::Door;
use crate::signers::Signers;
use crate::{RpcConfig, RpcError};
use jsonrpsee::RpcModule;
use tributary_consensus::{Chain, DevHandle};
use tributary_execution::Simulator;
use tributary_storage::Store;
use tributary_txpool::Pool;

/// What the interface serves.
#[derive(Debug, Clone)]
pub struct RpcContext {
    /// The chain.
    pub chain: Chain,
    /// Cheat codes and the dev accounts' keys; `None` outside the dev role.
    pub dev: Option<DevHandle>,
}

pub(crate) type Module = RpcModule<Node>;

/// What every method sees.
pub(crate) struct Node {
    pub(crate) chain: Chain,
    pub(crate) dev: Option<DevHandle>,
    pub(crate) simulator: Simulator,
    pub(crate) simulations: Door,
    pub(crate) signers: Signers,
    pub(crate) filters: Filters,
    pub(crate) config: RpcConfig,
}

impl Node {
    pub(crate) fn store(&self) -> &Store {
        self.chain.store()
    }

    pub(crate) fn pool(&self) -> &Pool {
        self.chain.pool()
    }

    /// The cheat codes; methods that need them are registered only with them.
    pub(crate) fn cheats(&self) -> Result<&DevHandle, RpcError> {
        self.dev.as_ref().ok_or_else(|| RpcError::Refused("not a dev chain".into()))
    }
}

/// The table of all methods, for calls in process and for [`service`](crate::service).
pub fn module(context: RpcContext, config: RpcConfig) -> Result<RpcModule<()>, RpcError> {
    let RpcContext { chain, dev } = context;
    let is_dev = dev.is_some();
    let debug = config.debug;
    let node = Node {
        simulator: Simulator::new(chain.spec().clone()),
        simulations: Door::new(config.max_simulations, config.max_waiting_simulations),
        signers: if is_dev { Signers::dev()? } else { Signers::default() },
        filters: Filters::new(config.max_filters, config.filter_expiry),
        chain,
        dev,
        config,
    };
    let mut module = RpcModule::new(node);
    crate::eth::register(&mut module)?;
    crate::subscribe::register(&mut module)?;
    crate::net::register(&mut module)?;
    crate::pool_view::register(&mut module)?;
    crate::trib::register(&mut module)?;
    if debug {
        crate::debug::register(&mut module)?;
    }
    if is_dev {
        crate::anvil::register(&mut module)?;
    }
    Ok(module.remove_context())
}
