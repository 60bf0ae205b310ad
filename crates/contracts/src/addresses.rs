//! Where modules live and which chains there are. Never changed, only added to.

use alloy_primitives::{Address, address};

/// The development chain.
pub const CHAIN_ID_DEV: u64 = 7310;
/// The main network (reserved).
pub const CHAIN_ID_MAIN: u64 = 731;

/// The ERC-20 face of the coin.
pub const OPEN: Address = address!("0000000000000000000000000000000000001001");
/// Stake, provisions, profiles.
pub const STAKING: Address = address!("0000000000000000000000000000000000001002");
/// Contributions, reviews, snapshots.
pub const DATANETS: Address = address!("0000000000000000000000000000000000001003");
/// The registry of models.
pub const MODELS: Address = address!("0000000000000000000000000000000000001004");
/// Reserved for the compute market; no code yet.
pub const MARKET: Address = address!("0000000000000000000000000000000000001005");
/// Jobs with escrow.
pub const TASKS: Address = address!("0000000000000000000000000000000000001006");
/// Prepaid escrow, vouchers, roots, claims.
pub const CHANNELS: Address = address!("0000000000000000000000000000000000001007");
/// Splits and pools.
pub const ROYALTIES: Address = address!("0000000000000000000000000000000000001008");

/// The modules that exist, by name and address.
pub const MODULES: [(&str, Address); 7] = [
    ("open", OPEN),
    ("staking", STAKING),
    ("datanets", DATANETS),
    ("models", MODELS),
    ("tasks", TASKS),
    ("channels", CHANNELS),
    ("royalties", ROYALTIES),
];

/// Code at a module's address: an invalid opcode, so that the account is not empty and
/// `extcodesize` is not zero.
pub const MODULE_CODE: [u8; 1] = [0xEF];

/// True for the address of a module that exists.
pub fn is_module(address: &Address) -> bool {
    MODULES.iter().any(|(_, module)| module == address)
}

/// True for the range `0x1000..=0x1fff` that belongs to modules, present and future.
pub fn is_reserved(address: &Address) -> bool {
    let bytes = address.as_slice();
    let (high, low) = bytes.split_at(18);
    high.iter().all(|byte| *byte == 0) && low.first().is_some_and(|byte| byte >> 4 == 1)
}

/// A module's name.
pub fn module_name(address: &Address) -> Option<&'static str> {
    MODULES.iter().find(|(_, module)| module == address).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_chain_ids_stay_what_they_are() {
        let listed: Vec<String> =
            MODULES.iter().map(|(name, address)| format!("{name} {address}")).collect();
        let expected: Vec<String> = [
            ("open", 0x1001),
            ("staking", 0x1002),
            ("datanets", 0x1003),
            ("models", 0x1004),
            ("tasks", 0x1006),
            ("channels", 0x1007),
            ("royalties", 0x1008),
        ]
        .iter()
        .map(|(name, low)| format!("{name} 0x{:040x}", low))
        .collect();
        assert_eq!(listed, expected);
        assert_eq!((CHAIN_ID_DEV, CHAIN_ID_MAIN), (7310, 731));
    }

    #[test]
    fn the_reserved_range_holds_every_module_and_no_ordinary_account() {
        assert!(MODULES.iter().all(|(_, address)| is_reserved(address)));
        assert!(is_reserved(&MARKET) && !is_module(&MARKET));
        assert!(!is_reserved(&Address::ZERO));
        assert!(!is_reserved(&address!("0000000000000000000000000000000000000101")));
        assert!(!is_reserved(&address!("1000000000000000000000000000000000001001")));
        assert!(!is_reserved(&address!("0000000000000000000000000000000000002001")));
    }
}
