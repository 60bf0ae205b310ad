//! Reverts as people read them: the module's error with its fields, and what to do.

use alloy_primitives::{Address, Bytes, hex};
use alloy_sol_types::SolInterface;
use serde_json::Value;
use tributary_contracts::{
    IChannels, IDatanets, IModels, IModule, IOpen, IRoyalties, IStaking, ITasks, module_name,
};

use crate::{
    ClientError,
    error::Revert,
    transport::{RpcFault, TransportError},
};

/// The error a fault stands for: a decoded revert when it carries revert data.
pub(crate) fn revert_of(to: Address, fault: RpcFault) -> ClientError {
    let Some(data) = fault.data.as_ref().and_then(revert_data) else {
        if fault.message.contains("revert") {
            return reverted(to, Bytes::new(), fault.message);
        }
        return TransportError::Fault(fault).into();
    };
    let error = decode(&data).unwrap_or_else(|| fault.message.clone());
    reverted(to, data, error)
}

fn reverted(to: Address, data: Bytes, error: String) -> ClientError {
    let contract = module_name(&to).map_or_else(|| to.to_string(), str::to_owned);
    let hint = hint(&error).to_owned();
    ClientError::Reverted(Box::new(Revert { contract, error, hint, data }))
}

fn revert_data(data: &Value) -> Option<Bytes> {
    let text = data.as_str().or_else(|| data.get("data")?.as_str())?;
    hex::decode(text).ok().map(Bytes::from)
}

/// The name and fields of a module's error, or of Solidity's `Error(string)` and `Panic`.
pub fn decode(data: &[u8]) -> Option<String> {
    macro_rules! try_modules {
        ($($errors:ty),* $(,)?) => {$(
            if let Ok(error) = <$errors>::abi_decode(data) {
                return Some(tidy(&format!("{error:?}")));
            }
        )*};
    }
    try_modules!(
        IModule::IModuleErrors,
        IOpen::IOpenErrors,
        IStaking::IStakingErrors,
        IDatanets::IDatanetsErrors,
        IModels::IModelsErrors,
        ITasks::ITasksErrors,
        IChannels::IChannelsErrors,
        IRoyalties::IRoyaltiesErrors,
    );
    alloy_sol_types::decode_revert_reason(data)
}

/// `Name(Name { field: 1 })` as `Name { field: 1 }`.
fn tidy(debug: &str) -> String {
    match debug.split_once('(') {
        Some((name, rest)) if rest.starts_with(name) => {
            rest.strip_suffix(')').unwrap_or(rest).to_owned()
        }
        _ => debug.to_owned(),
    }
}

fn hint(error: &str) -> &'static str {
    let name = error.split([' ', '{', '(']).next().unwrap_or_default();
    match name {
        "BalanceTooSmall" => "deposit OPEN into channels first",
        "InsufficientFunds" | "ERC20InsufficientBalance" => "send OPEN to the account first",
        "WrongValue" => "send exactly the expected value: stake plus fee for a contribution",
        "DuplicateItems" => "these rows were contributed before: leave out what is there already",
        "NameTaken" => "choose another name",
        "BadName" => "a name is `owner/model` in lower-case letters, digits, `-`, `_` and `.`",
        "StillOwing" => "post a root for all that was redeemed and let its hold-back pass",
        "NotAbandoned" => "the gateway may still post a root: wait for the second that is named",
        "DatanetNotActive" => "choose a datanet that takes contributions",
        "UnknownDatanet" => "`tributary datanet ls` lists the datanets",
        "UnknownModel" | "UnknownModelName" => "`tributary model ls` lists the models",
        "UnknownSnapshot" => "publish the datanet first, or name a version it has",
        "NothingToPublish" => "wait until a contribution is accepted and its window is over",
        "VoucherOverCap" => "raise the key's cap with a top-up",
        "NotCovered" => "the provider needs more stake for this escrow",
        "RootHeldBack" => "wait until the hold-back of the root is over",
        "ChannelNotOpen" | "ChannelExpired" => "make a new key",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use alloy_sol_types::SolError;

    use super::*;

    #[test]
    fn a_module_error_is_named_with_its_fields_and_a_hint() {
        let error = IModels::NameTaken { name: "ada/tea".into() };
        let data = hex::encode_prefixed(error.abi_encode());
        let fault = RpcFault { code: 3, message: "reverted".into(), data: Some(data.into()) };
        let ClientError::Reverted(revert) = revert_of(tributary_contracts::MODELS, fault) else {
            panic!("not a revert")
        };
        assert_eq!(revert.contract, "models");
        assert_eq!(revert.error, "NameTaken { name: \"ada/tea\" }");
        assert_eq!(revert.hint, "choose another name");
    }

    #[test]
    fn a_fault_without_revert_data_stays_a_fault() {
        let fault = RpcFault { code: -32000, message: "nonce too low".into(), data: None };
        let error = revert_of(Address::ZERO, fault);
        assert!(matches!(error, ClientError::Transport(TransportError::Fault(_))));
    }
}
