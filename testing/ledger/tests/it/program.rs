//! Caller contracts: one small interpreter that runs whatever its calldata says.
//!
//! Calldata: a word that is not zero when the frame reverts at its end, then steps of (target,
//! value, length, bytes). A step's failure is swallowed, so what a module refuses does not stop
//! the rest.

use alloy_primitives::{Address, Bytes, U256};

/// The interpreter's code.
pub fn runner_code() -> Bytes {
    let code: &[u8] = &[
        0x60, 0x20, // 00 PUSH1 32          p
        0x5b, // 02 JUMPDEST
        0x36, 0x81, 0x10, // 03 CALLDATASIZE DUP2 LT      p < size
        0x60, 0x13, 0x57, // 06 PUSH1 body JUMPI
        0x5f, 0x35, // 09 PUSH0 CALLDATALOAD
        0x60, 0x0f, 0x57, // 0b PUSH1 fail JUMPI
        0x00, // 0e STOP
        0x5b, 0x5f, 0x5f, 0xfd, // 0f fail: JUMPDEST PUSH0 PUSH0 REVERT
        0x5b, // 13 body: JUMPDEST
        0x80, 0x60, 0x40, 0x01, 0x35, // 14 DUP1 64 ADD CALLDATALOAD            p len
        0x80, 0x82, 0x60, 0x60, 0x01, // 19 DUP1 DUP3 96 ADD                    p len len src
        0x5f, 0x37, // 1e PUSH0 CALLDATACOPY                                    p len
        0x5f, 0x5f, // 20 out size, out offset                                  p len 0 0
        0x82,
        0x5f, // 22 DUP3 PUSH0: in size, in offset                        p len 0 0 len 0
        0x85, 0x60, 0x20, 0x01, 0x35, // 24 DUP6 32 ADD CALLDATALOAD: value
        0x86, 0x35, // 29 DUP7 CALLDATALOAD: target
        0x5a, 0xf1, 0x50, // 2b GAS CALL POP                                    p len
        0x01, 0x60, 0x60, 0x01, // 2e ADD 96 ADD                                p'
        0x60, 0x02, 0x56, // 32 PUSH1 loop JUMP
    ];
    Bytes::copy_from_slice(code)
}

/// A frame's calldata.
#[derive(Clone, Debug, Default)]
pub struct Program {
    bytes: Vec<u8>,
}

impl Program {
    /// An empty frame.
    pub fn new(reverts: bool) -> Self {
        Self { bytes: word(U256::from(u8::from(reverts))) }
    }

    /// Appends a call.
    pub fn step(&mut self, target: Address, value: u128, data: &[u8]) {
        self.bytes.extend_from_slice(target.into_word().as_slice());
        self.bytes.extend(word(U256::from(value)));
        self.bytes.extend(word(U256::from(data.len())));
        self.bytes.extend_from_slice(data);
    }

    /// The calldata.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

fn word(value: U256) -> Vec<u8> {
    value.to_be_bytes::<32>().to_vec()
}
