//! Routes calls of `royalties`.

use tributary_contracts::{IRoyalties, receipts_domain};

use super::backing::{self, POOLS};
use super::commons::{self, COMMONS};
use super::{PARAMS, PROTOCOL, receipt, split};
use crate::dispatch::{decode, returns};
use crate::fault::{Result, require, revert};
use crate::models;
use crate::money::Place;
use crate::session::Session;

pub(crate) fn dispatch(s: &mut Session<'_>, data: &[u8]) -> Result<Vec<u8>> {
    use IRoyalties::IRoyaltiesCalls as Calls;
    match decode(data)? {
        Calls::back(call) => backing::back(s, call.datanetId)?,
        Calls::unback(call) => backing::unback(s, call.datanetId, call.amount)?,
        Calls::withdrawBacking(call) => {
            let amount = backing::withdraw(s, call.datanetId)?;
            return Ok(returns::<IRoyalties::withdrawBackingCall>(&amount));
        }
        Calls::claimBacking(call) => {
            let amount = backing::claim(s, call.datanetId)?;
            return Ok(returns::<IRoyalties::claimBackingCall>(&amount));
        }
        Calls::claimCommons(call) => {
            let amount = commons::claim(s, call.contributionId)?;
            return Ok(returns::<IRoyalties::claimCommonsCall>(&amount));
        }
        Calls::sweepCommons(call) => {
            let amount = commons::sweep(s, call.datanetId)?;
            return Ok(returns::<IRoyalties::sweepCommonsCall>(&amount));
        }
        Calls::donate(call) => donate(s, call.datanetId)?,
        view => return views(s, view),
    }
    Ok(Vec::new())
}

fn donate(s: &mut Session<'_>, datanet_id: u64) -> Result<()> {
    let amount = s.value;
    require!(amount > 0, IRoyalties::ZeroAmount {});
    let known = crate::datanets::exists(s, datanet_id)?;
    require!(known, IRoyalties::UnknownPoolDatanet { datanetId: datanet_id });
    super::pay_commons(s, Place::Value, datanet_id, amount)
}

fn views(s: &mut Session<'_>, call: IRoyalties::IRoyaltiesCalls) -> Result<Vec<u8>> {
    use IRoyalties::IRoyaltiesCalls as Calls;
    Ok(match call {
        Calls::splitOf(call) => {
            let split = split::split(s, call.feeCompute, call.feeLicence)?;
            returns::<IRoyalties::splitOfCall>(&split)
        }
        Calls::lineageOf(call) => {
            let steps = models::lineage(s, call.modelId)?.into_iter();
            let steps = steps.map(|step| IRoyalties::LineageStep {
                modelId: step.model_id,
                owner: step.owner,
                parents: step.parents,
                sharesPpm: step.shares_ppm,
            });
            returns::<IRoyalties::lineageOfCall>(&steps.collect())
        }
        Calls::routeOf(call) => returns::<IRoyalties::routeOfCall>(&split::route(s, call.modelId)?),
        Calls::poolOf(call) => {
            let (pool, commons) = (POOLS.get(s, call.datanetId)?, COMMONS.get(s, call.datanetId)?);
            returns::<IRoyalties::poolOfCall>(&IRoyalties::Pool {
                backing: pool.total,
                backersReceived: pool.received,
                commonsReceived: commons.received,
                commonsUndistributed: commons.undistributed,
                commonsItems: commons.items,
            })
        }
        Calls::backingOf(call) => {
            let found = backing::shown(s, call.datanetId, call.backer)?;
            returns::<IRoyalties::backingOfCall>(&found)
        }
        Calls::commonsOf(call) => {
            let amount = commons::earned(s, call.contributionId)?;
            returns::<IRoyalties::commonsOfCall>(&amount)
        }
        Calls::protocolTotals(_) => {
            let totals = PROTOCOL.get(s)?;
            let totals = IRoyalties::protocolTotalsReturn {
                treasury: totals.treasury,
                burned: totals.burned,
            };
            returns::<IRoyalties::protocolTotalsCall>(&totals)
        }
        Calls::receiptDigest(call) => {
            let digest = receipt::digest(s, &call.receipt)?;
            returns::<IRoyalties::receiptDigestCall>(&digest)
        }
        Calls::verifyReceipt(call) => {
            let (signer, valid) = receipt::verify(s, &call.receipt, &call.signature)?;
            let found = IRoyalties::verifyReceiptReturn { signer, valid };
            returns::<IRoyalties::verifyReceiptCall>(&found)
        }
        Calls::DOMAIN_SEPARATOR(_) => {
            s.charge_keccak(256)?;
            let separator = receipts_domain(s.host.chain_id()).separator();
            returns::<IRoyalties::DOMAIN_SEPARATORCall>(&separator)
        }
        Calls::royaltiesParams(_) => returns::<IRoyalties::royaltiesParamsCall>(&params(s)?),
        _ => return Err(revert(tributary_contracts::IModule::BadCalldata {})),
    })
}

fn params(s: &mut Session<'_>) -> Result<IRoyalties::RoyaltiesParams> {
    let params = PARAMS.get(s)?;
    Ok(IRoyalties::RoyaltiesParams {
        computeProtocolPpm: params.compute_protocol_ppm,
        licenceProtocolPpm: params.licence_protocol_ppm,
        lineagePpm: params.lineage_ppm,
        dataPpm: params.data_ppm,
        backersPpm: params.backers_ppm,
        computeBurnPpm: params.compute_burn_ppm,
        licenceBurnPpm: params.licence_burn_ppm,
        backingThaw: params.backing_thaw,
        treasury: params.treasury,
    })
}
