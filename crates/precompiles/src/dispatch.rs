//! From calldata to a module's function: gas for the words, mutability from the ABI, strict
//! decoding within a memory limit, and the check that all value found a bucket.

use std::sync::LazyLock;

use alloy_primitives::{Address, FixedBytes, U256, Uint};
use alloy_sol_types::abi::AbiDecoderConfig;
use alloy_sol_types::private::alloy_json_abi::StateMutability;
use alloy_sol_types::{SolCall, SolInterface};
use tributary_contracts::{
    CHANNELS, DATANETS, IModule, MODELS, OPEN, ROYALTIES, STAKING, TASKS, artifacts, module_name,
};

use crate::fault::{Result, require, revert};
use crate::host::Host;
use crate::session::Session;

/// One call of a module.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The module.
    pub module: Address,
    /// The direct caller.
    pub caller: Address,
    /// Value that came with it, already at the module.
    pub value: U256,
    /// Inside a `STATICCALL`.
    pub is_static: bool,
    /// Selector and arguments.
    pub data: &'a [u8],
}

/// What the ABI says about a function.
struct Entry {
    module: Address,
    selector: [u8; 4],
    mutability: StateMutability,
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let mut entries = Vec::new();
    for artifact in artifacts() {
        let found = tributary_contracts::MODULES.iter().find(|(name, _)| *name == artifact.module);
        let Some((_, module)) = found else { continue };
        entries.extend(artifact.abi.functions().map(|function| Entry {
            module: *module,
            selector: function.selector().0,
            mutability: function.state_mutability,
        }));
    }
    entries.sort_by_key(|entry| (entry.module, entry.selector));
    entries
});

fn mutability(module: Address, selector: [u8; 4]) -> Option<StateMutability> {
    let found = ENTRIES.binary_search_by_key(&(module, selector), |e| (e.module, e.selector));
    found.ok().and_then(|at| ENTRIES.get(at)).map(|entry| entry.mutability)
}

/// Runs one call. Never panics, whatever the input.
pub fn run(host: &mut dyn Host, call: &Call<'_>) -> Result<Vec<u8>> {
    let mut session = Session::new(host, call.module, call.caller, call.value)?;
    let words = call.data.len().div_ceil(32) as u64;
    let entry_gas = session.prices.call + session.prices.word * words;
    session.host.charge(entry_gas)?;
    let Some((selector, _)) = call.data.split_first_chunk::<4>() else {
        return Err(revert(IModule::BadCalldata {}));
    };
    let Some(mutability) = mutability(call.module, *selector) else {
        let selector = FixedBytes::from(*selector);
        return Err(revert(IModule::UnknownSelector { selector }));
    };
    let is_view = matches!(mutability, StateMutability::Pure | StateMutability::View);
    require!(is_view || !call.is_static, IModule::StaticCallRefused {});
    let payable = mutability == StateMutability::Payable;
    require!(payable || call.value.is_zero(), IModule::ValueRefused { value: call.value });
    if let Some(output) = common(&session, call, *selector)? {
        return Ok(output);
    }
    let output = route(&mut session, call)?;
    let placed = session.unplaced == 0;
    require!(placed, IModule::BrokenInvariant { what: "value without a bucket".into() });
    Ok(output)
}

fn route(session: &mut Session<'_>, call: &Call<'_>) -> Result<Vec<u8>> {
    match call.module {
        OPEN => crate::open::dispatch(session, call.data),
        STAKING => crate::staking::dispatch(session, call.data),
        DATANETS => crate::datanets::dispatch(session, call.data),
        MODELS => crate::models::dispatch(session, call.data),
        TASKS => crate::tasks::dispatch(session, call.data),
        CHANNELS => crate::channels::dispatch(session, call.data),
        ROYALTIES => crate::royalties::dispatch(session, call.data),
        _ => Err(revert(IModule::BadCalldata {})),
    }
}

/// What every module answers alike: ERC-165 and ERC-6372.
fn common(session: &Session<'_>, call: &Call<'_>, selector: [u8; 4]) -> Result<Option<Vec<u8>>> {
    use IModule::IModuleCalls as Calls;
    if !is_common(&selector) {
        return Ok(None);
    }
    Ok(Some(match decode(call.data)? {
        Calls::supportsInterface(arguments) => {
            let id = arguments.interfaceId.0;
            let own = module_name(&call.module).is_some_and(|name| interface_id(name) == id);
            let standards = [IModule::supportsInterfaceCall::SELECTOR, ERC6372_ID];
            let answer = (own || standards.contains(&id)) && id != [0xff; 4];
            returns::<IModule::supportsInterfaceCall>(&answer)
        }
        Calls::clock(_) => {
            let seconds = Uint::<48, 1>::saturating_from(session.now());
            returns::<IModule::clockCall>(&seconds)
        }
        Calls::CLOCK_MODE(_) => returns::<IModule::CLOCK_MODECall>(&"mode=timestamp".to_owned()),
    }))
}

/// XOR of the selectors of `clock` and `CLOCK_MODE`.
const ERC6372_ID: [u8; 4] = [0xda, 0x28, 0x7a, 0x1d];

fn is_common(selector: &[u8; 4]) -> bool {
    IModule::IModuleCalls::SELECTORS.contains(selector)
}

/// XOR of a module's own selectors, as ERC-165 defines an interface's id.
pub fn interface_id(module: &str) -> [u8; 4] {
    static IDS: LazyLock<Vec<(&'static str, [u8; 4])>> = LazyLock::new(|| {
        let id = |abi: &alloy_sol_types::private::alloy_json_abi::JsonAbi| {
            abi.functions()
                .map(|function| function.selector().0)
                .filter(|selector| !is_common(selector))
                .fold([0u8; 4], |id, s| [id[0] ^ s[0], id[1] ^ s[1], id[2] ^ s[2], id[3] ^ s[3]])
        };
        artifacts().iter().map(|artifact| (artifact.module, id(&artifact.abi))).collect()
    });
    IDS.iter().find(|(name, _)| *name == module).map_or([0xff; 4], |(_, id)| *id)
}

/// Decodes a call; anything but the canonical encoding (plus trailing bytes, which some wallets
/// append) is refused, and offsets that alias cannot blow memory up.
pub(crate) fn decode<I: SolInterface>(data: &[u8]) -> Result<I> {
    let memory = data.len().saturating_mul(8).saturating_add(64 << 10);
    let config = AbiDecoderConfig::new()
        .strict(true)
        .validate_allow_trailing_bytes(true)
        .memory_limit(memory);
    I::abi_decode_with_config(data, config).map_err(|_| revert(IModule::BadCalldata {}))
}

/// Encodes a call's result.
pub(crate) fn returns<C: SolCall>(value: &C::Return) -> Vec<u8> {
    C::abi_encode_returns(value)
}
