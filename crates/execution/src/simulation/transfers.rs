//! Coins that change hands, told as logs: what `eth_simulateV1` calls `traceTransfers`.

use alloy_primitives::{Address, B256, Log, LogData, U256, address, b256};
use revm::Inspector;
use revm::bytecode::opcode::SELFDESTRUCT;
use revm::context_interface::{ContextTr, JournalTr};
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::interpreter_types::Jumps;
use revm::interpreter::{
    CallInputs, CallOutcome, CreateInputs, CreateOutcome, Interpreter, InterpreterTypes,
};

/// Address that such logs name as their contract.
pub(super) const EMITTER: Address = address!("eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
/// `Transfer(address,address,uint256)`.
const TRANSFER: B256 = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// Writes a log into the journal for every transfer, so that a revert takes it back.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TransferLogs {
    /// Off, it does nothing.
    pub(super) enabled: bool,
}

impl TransferLogs {
    fn tell(self, journal: &mut impl JournalTr, from: Address, to: Address, value: U256) {
        if self.enabled && !value.is_zero() {
            let topics = vec![TRANSFER, from.into_word(), to.into_word()];
            let data = LogData::new_unchecked(topics, B256::from(value).into());
            journal.log(Log { address: EMITTER, data });
        }
    }
}

impl<C: ContextTr> Inspector<C, EthInterpreter> for TransferLogs {
    fn step(&mut self, interpreter: &mut Interpreter<EthInterpreter>, context: &mut C) {
        if !self.enabled || interpreter.bytecode.opcode() != SELFDESTRUCT {
            return;
        }
        let from = contract_of(interpreter);
        let Some(to) = interpreter.stack.data().last().copied() else { return };
        let journal = context.journal_mut();
        let Ok(balance) = journal.load_account(from).map(|account| account.info.balance) else {
            return;
        };
        self.tell(journal, from, Address::from_word(to.into()), balance);
    }

    fn call(&mut self, context: &mut C, inputs: &mut CallInputs) -> Option<CallOutcome> {
        if let Some(value) = inputs.transfer_value() {
            let (from, to) = (inputs.transfer_from(), inputs.transfer_to());
            self.tell(context.journal_mut(), from, to, value);
        }
        None
    }

    fn create(&mut self, context: &mut C, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        let journal = context.journal_mut();
        let nonce = journal.load_account(inputs.caller()).ok()?.info.nonce;
        let to = inputs.created_address(nonce);
        self.tell(journal, inputs.caller(), to, inputs.value());
        None
    }
}

fn contract_of<T: InterpreterTypes>(interpreter: &Interpreter<T>) -> Address {
    use revm::interpreter::interpreter_types::InputsTr;
    interpreter.input.target_address()
}
