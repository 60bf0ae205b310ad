//! Names the calls and events of native modules from the emitted ABI.

use std::collections::HashMap;

use alloy_dyn_abi::{DynSolValue, EventExt, JsonAbiExt};
use alloy_json_abi::{Event, EventParam, Function, Param};
use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tributary_contracts::{MODULES, artifacts};

/// A named argument. Integers are decimal strings, bytes hex, structs objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Argument {
    /// Its name in the ABI.
    pub name: String,
    /// Its type in the ABI.
    pub kind: String,
    /// Its value.
    pub value: Value,
}

/// A call or an event with its names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decoded {
    /// `datanets`, `channels` ...
    pub module: String,
    /// Function or event.
    pub name: String,
    /// In order of declaration.
    pub args: Vec<Argument>,
}

struct ModuleAbi {
    name: &'static str,
    functions: HashMap<[u8; 4], Function>,
    events: HashMap<B256, Event>,
}

/// The ABI of every native module, by address.
pub(crate) struct Modules(HashMap<Address, ModuleAbi>);

impl Modules {
    pub(crate) fn load() -> Self {
        let mut modules = HashMap::new();
        for artifact in artifacts() {
            let Some((name, address)) = MODULES.iter().find(|(name, _)| *name == artifact.module)
            else {
                continue;
            };
            let functions = artifact.abi.functions().map(|f| (f.selector().0, f.clone())).collect();
            let events = artifact.abi.events().map(|e| (e.selector(), e.clone())).collect();
            modules.insert(*address, ModuleAbi { name, functions, events });
        }
        Self(modules)
    }

    /// A call to a module; `None` for any other contract or a selector it does not have.
    pub(crate) fn call(&self, to: Address, input: &[u8]) -> Option<Decoded> {
        let module = self.0.get(&to)?;
        let (selector, data) = input.split_at_checked(4)?;
        let function = module.functions.get(selector)?;
        let values = function.abi_decode_input(data).ok()?;
        let args = function
            .inputs
            .iter()
            .zip(values)
            .map(|(param, value)| Argument {
                name: param.name.clone(),
                kind: param.ty.clone(),
                value: to_json(&value, &param.components),
            })
            .collect();
        Some(Decoded { module: module.name.to_owned(), name: function.name.clone(), args })
    }

    /// An event of a module.
    pub(crate) fn event(&self, emitter: Address, topics: &[B256], data: &[u8]) -> Option<Decoded> {
        let module = self.0.get(&emitter)?;
        let event = module.events.get(topics.first()?)?;
        let decoded = event.decode_log_parts(topics.iter().copied(), data).ok()?;
        let (mut indexed, mut body) = (decoded.indexed.into_iter(), decoded.body.into_iter());
        let mut args = Vec::with_capacity(event.inputs.len());
        for param in &event.inputs {
            let value = if param.indexed { indexed.next() } else { body.next() }?;
            args.push(event_argument(param, &value));
        }
        Some(Decoded { module: module.name.to_owned(), name: event.name.clone(), args })
    }
}

fn event_argument(param: &EventParam, value: &DynSolValue) -> Argument {
    Argument {
        name: param.name.clone(),
        kind: param.ty.clone(),
        value: to_json(value, &param.components),
    }
}

fn to_json(value: &DynSolValue, components: &[Param]) -> Value {
    match value {
        DynSolValue::Bool(truth) => json!(truth),
        DynSolValue::Int(number, _) => json!(number.to_string()),
        DynSolValue::Uint(number, _) => json!(number.to_string()),
        DynSolValue::FixedBytes(word, size) => {
            let bytes = word.get(..*size).unwrap_or(word.as_slice());
            json!(alloy_primitives::hex::encode_prefixed(bytes))
        }
        DynSolValue::Address(address) => json!(address.to_checksum(None)),
        DynSolValue::Function(function) => json!(function.to_string()),
        DynSolValue::Bytes(bytes) => json!(alloy_primitives::hex::encode_prefixed(bytes)),
        DynSolValue::String(text) => json!(text),
        DynSolValue::Array(items) | DynSolValue::FixedArray(items) => {
            items.iter().map(|item| to_json(item, components)).collect()
        }
        DynSolValue::Tuple(fields) => named_fields(fields, components),
        // Only reached with a feature that other crates may turn on.
        #[allow(unreachable_patterns)]
        other => json!(format!("{other:?}")),
    }
}

fn named_fields(fields: &[DynSolValue], components: &[Param]) -> Value {
    let mut object = Map::new();
    for (position, field) in fields.iter().enumerate() {
        let (name, inner) = match components.get(position) {
            Some(param) if !param.name.is_empty() => {
                (param.name.clone(), param.components.as_slice())
            }
            _ => (position.to_string(), [].as_slice()),
        };
        object.insert(name, to_json(field, inner));
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, U256};
    use alloy_sol_types::{SolCall, SolEvent};
    use tributary_contracts::{CHANNELS, DATANETS, IChannels, IDatanets};

    use super::*;

    #[test]
    fn a_call_with_a_struct_gets_its_field_names() {
        let spec = IDatanets::DatanetSpec {
            name: "tea".into(),
            uri: String::new(),
            schemaHash: B256::ZERO,
            licence: "CC0-1.0".into(),
            reviewers: 1,
            acceptScore: 60,
            autoPublish: true,
        };
        let input = IDatanets::createDatanetCall { spec }.abi_encode();
        let decoded = Modules::load().call(DATANETS, &input).unwrap();
        assert_eq!((decoded.module.as_str(), decoded.name.as_str()), ("datanets", "createDatanet"));
        assert_eq!(decoded.args[0].value["name"], "tea");
        assert_eq!(decoded.args[0].value["acceptScore"], "60");
        assert_eq!(decoded.args[0].value["autoPublish"], true);
    }

    #[test]
    fn an_event_lists_indexed_and_plain_fields_in_their_order() {
        let event = IChannels::Claimed {
            gateway: Address::repeat_byte(1),
            role: 3,
            party: B256::from(U256::from(9)),
            epoch: 4,
            cumulative: 1000,
            amount: 250,
        };
        let log = event.encode_log_data();
        let decoded = Modules::load().event(CHANNELS, log.topics(), &log.data).unwrap();
        let names: Vec<_> = decoded.args.iter().map(|arg| arg.name.as_str()).collect();
        assert_eq!(names, ["gateway", "role", "party", "epoch", "cumulative", "amount"]);
        assert_eq!(decoded.args[5].value, "250");
    }

    #[test]
    fn garbage_and_strangers_decode_to_nothing() {
        let modules = Modules::load();
        assert_eq!(modules.call(DATANETS, &[1, 2]), None);
        assert_eq!(modules.call(DATANETS, &[0xff; 4]), None);
        assert_eq!(modules.call(Address::repeat_byte(7), &[0; 36]), None);
        assert_eq!(modules.event(CHANNELS, &[], &[]), None);
        let short = IDatanets::getDatanetCall::SELECTOR;
        assert_eq!(modules.call(DATANETS, &short), None);
    }
}
