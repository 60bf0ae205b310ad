//! Routes calls of `open`.

use alloy_primitives::{FixedBytes, U256};
use tributary_contracts::{IOpen, OPEN, open_domain};
use tributary_primitives::TOTAL_SUPPLY;

use super::{ALLOWANCES, AUTHORIZATIONS, NONCES, Terms};
use crate::dispatch::{decode, returns};
use crate::fault::Result;
use crate::money;
use crate::session::{Session, packed};

macro_rules! terms {
    ($call:expr) => {
        Terms {
            from: $call.from,
            to: $call.to,
            value: $call.value,
            valid_after: $call.validAfter,
            valid_before: $call.validBefore,
            nonce: $call.nonce,
        }
    };
}

pub(crate) fn dispatch(s: &mut Session<'_>, data: &[u8]) -> Result<Vec<u8>> {
    use IOpen::IOpenCalls as Calls;
    Ok(match decode(data)? {
        Calls::name(_) => returns::<IOpen::nameCall>(&"OPEN".to_owned()),
        Calls::symbol(_) => returns::<IOpen::symbolCall>(&"OPEN".to_owned()),
        Calls::decimals(_) => returns::<IOpen::decimalsCall>(&18),
        Calls::totalSupply(_) => returns::<IOpen::totalSupplyCall>(&TOTAL_SUPPLY.to_u256()),
        Calls::burned(_) => returns::<IOpen::burnedCall>(&money::burned(s)?),
        Calls::balanceOf(call) => returns::<IOpen::balanceOfCall>(&s.host.balance(call.account)?),
        Calls::allowance(call) => {
            let allowance = ALLOWANCES.get(s, (call.owner, call.spender))?.0;
            returns::<IOpen::allowanceCall>(&allowance)
        }
        Calls::nonces(call) => returns::<IOpen::noncesCall>(&NONCES.get(s, call.owner)?.0),
        Calls::authorizationState(call) => {
            let used = AUTHORIZATIONS.get(s, (call.authorizer, call.nonce))?.0;
            returns::<IOpen::authorizationStateCall>(&used)
        }
        Calls::DOMAIN_SEPARATOR(_) => {
            s.charge_keccak(256)?;
            let separator = open_domain(s.host.chain_id()).separator();
            returns::<IOpen::DOMAIN_SEPARATORCall>(&separator)
        }
        Calls::eip712Domain(_) => domain(s),
        write => return writes(s, write),
    })
}

fn domain(s: &Session<'_>) -> Vec<u8> {
    returns::<IOpen::eip712DomainCall>(&IOpen::eip712DomainReturn {
        fields: FixedBytes([0x0f]),
        name: "OPEN".into(),
        version: "1".into(),
        chainId: U256::from(s.host.chain_id()),
        verifyingContract: OPEN,
        salt: Default::default(),
        extensions: Vec::new(),
    })
}

fn writes(s: &mut Session<'_>, call: IOpen::IOpenCalls) -> Result<Vec<u8>> {
    use IOpen::IOpenCalls as Calls;
    let caller = s.caller;
    match call {
        Calls::transfer(call) => {
            super::transfer(s, caller, call.to, call.amount)?;
            return Ok(returns::<IOpen::transferCall>(&true));
        }
        Calls::approve(call) => {
            super::approve(s, caller, call.spender, call.amount)?;
            return Ok(returns::<IOpen::approveCall>(&true));
        }
        Calls::transferFrom(call) => {
            super::transfer_from(s, call.from, call.to, call.amount)?;
            return Ok(returns::<IOpen::transferFromCall>(&true));
        }
        Calls::permit(call) => super::permit(s, &call)?,
        Calls::transferWithAuthorization_0(call) => {
            let signature = packed(call.v, call.r, call.s);
            super::transfer_with_authorization(s, &terms!(call), &signature)?;
        }
        Calls::transferWithAuthorization_1(call) => {
            super::transfer_with_authorization(s, &terms!(call), &call.signature)?;
        }
        Calls::receiveWithAuthorization_0(call) => {
            let signature = packed(call.v, call.r, call.s);
            super::receive_with_authorization(s, &terms!(call), &signature)?;
        }
        Calls::receiveWithAuthorization_1(call) => {
            super::receive_with_authorization(s, &terms!(call), &call.signature)?;
        }
        Calls::cancelAuthorization_0(call) => {
            let signature = packed(call.v, call.r, call.s);
            super::cancel_authorization(s, call.authorizer, call.nonce, &signature)?;
        }
        Calls::cancelAuthorization_1(call) => {
            super::cancel_authorization(s, call.authorizer, call.nonce, &call.signature)?;
        }
        _ => return Err(crate::fault::revert(tributary_contracts::IModule::BadCalldata {})),
    }
    Ok(Vec::new())
}
