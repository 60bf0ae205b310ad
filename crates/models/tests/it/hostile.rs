//! Damaged files: truncated at every kind of place and with flipped bits, seeded. Whatever
//! happens, it is a typed refusal (or, for a flip that hits a weight, another valid model).

use rand::{Rng, SeedableRng, rngs::StdRng};
use tributary_models::{
    ModelError, QuantizeOptions, QuantizedAdapter, QuantizedModel, Tokenizer, import, llama2c,
    quantize, quantize_adapter,
};

use crate::fixture;

/// Calls `parse` with truncations and bit flips of `bytes`; returns how many were refused.
fn attack(
    name: &str,
    bytes: &[u8],
    rounds: u32,
    parse: impl Fn(&[u8]) -> Result<(), ModelError>,
) -> u32 {
    parse(bytes).unwrap_or_else(|error| panic!("{name} is whole: {error}"));
    let seed = rand::random();
    println!("{name}: seed {seed}");
    let rng = &mut StdRng::seed_from_u64(seed);
    let mut refused = 0;
    for round in 0..rounds {
        let mut copy = bytes.to_vec();
        if round % 3 == 0 {
            copy.truncate(rng.random_range(0..bytes.len()));
            let outcome = parse(&copy);
            assert!(outcome.is_err(), "{name} cut to {} bytes was taken", copy.len());
            refused += 1;
            continue;
        }
        // Half of the flips hit the first kilobyte, where headers are.
        let range = if round % 2 == 0 { bytes.len() } else { bytes.len().min(1024) };
        for _ in 0..rng.random_range(1..4) {
            copy[rng.random_range(0..range)] ^= 1 << rng.random_range(0..8);
        }
        refused += u32::from(parse(&copy).is_err());
    }
    refused
}

#[test]
fn damaged_exi8_files_never_panic() {
    let tiny = fixture::tiny();
    let model = quantize(&tiny.float, &QuantizeOptions::default()).expect("it quantises");
    let refused = attack("model.exi8", model.to_bytes(), 300, |bytes| {
        let read = QuantizedModel::from_bytes(bytes)?;
        assert_eq!(read.to_bytes(), bytes, "one encoding per model");
        Ok(())
    });
    assert!(refused >= 100);
    let float = fixture::tiny_adapter(&tiny.float.shape);
    let adapter = quantize_adapter(&float, &model).expect("it quantises");
    let refused = attack("adapter.exi8", adapter.to_bytes(), 300, |bytes| {
        let read = QuantizedAdapter::from_bytes(bytes, &model)?;
        assert_eq!(read.to_bytes(), bytes, "one encoding per adapter");
        Ok(())
    });
    assert!(refused >= 100);
}

#[test]
fn damaged_safetensors_never_panic() {
    let directory = tempfile::tempdir().expect("a directory");
    let source = fixture::directory().join("tiny-llama-lora");
    let config = std::fs::read(source.join("adapter_config.json")).expect("it is there");
    std::fs::write(directory.path().join("adapter_config.json"), config).expect("it is written");
    let bytes = std::fs::read(source.join("adapter_model.safetensors")).expect("it is there");
    let path = directory.path().join("adapter_model.safetensors");
    let shape = fixture::tiny().float.shape;
    let refused = attack("adapter_model.safetensors", &bytes, 200, |bytes| {
        std::fs::write(&path, bytes).expect("it is written");
        match import(directory.path())? {
            tributary_models::Imported::Adapter(adapter) => adapter.fit(&shape).map(|_| ()),
            other => panic!("not an adapter: {other:?}"),
        }
    });
    assert!(refused >= 60);
}

#[test]
fn a_safetensors_header_that_promises_too_much_is_refused_without_allocating() {
    let directory = tempfile::tempdir().expect("a directory");
    let source = fixture::directory().join("tiny-llama-lora");
    let config = std::fs::read(source.join("adapter_config.json")).expect("it is there");
    std::fs::write(directory.path().join("adapter_config.json"), config).expect("it is written");
    let header = |body: &str| {
        let mut bytes = (body.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(body.as_bytes());
        bytes
    };
    let hostile = [
        u64::MAX.to_le_bytes().to_vec(),
        header(r#"{"a":{"dtype":"F32","shape":[4294967295,4294967295],"data_offsets":[0,4]}}"#),
        header(r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}}"#),
        header(&"[".repeat(100_000)),
        Vec::new(),
    ];
    for bytes in hostile {
        let path = directory.path().join("adapter_model.safetensors");
        std::fs::write(&path, &bytes).expect("it is written");
        let refusal = import(directory.path()).expect_err("it must be refused");
        assert!(matches!(refusal, ModelError::Damaged { .. }), "{refusal}");
    }
}

#[test]
fn damaged_llama2c_files_never_panic() {
    let Some(path) = fixture::stories() else { return };
    let bytes = std::fs::read(&path).expect("it is there");
    let refused =
        attack("stories260K.bin", &bytes, 30, |bytes| llama2c::read_checkpoint(bytes).map(|_| ()));
    assert!(refused >= 10);
    let bytes = std::fs::read(path.with_file_name("tok512.bin")).expect("it is there");
    let refused =
        attack("tok512.bin", &bytes, 200, |bytes| Tokenizer::from_llama2c(bytes, 512).map(|_| ()));
    assert!(refused >= 60);
}

#[test]
fn damaged_tokenizers_never_panic() {
    let path = fixture::directory().join("tiny-llama/tokenizer.json");
    let bytes = std::fs::read(path).expect("it is there");
    let bytes = bytes.trim_ascii_end();
    let refused = attack("tokenizer.json", bytes, 200, |bytes| {
        let tokenizer = Tokenizer::from_json(bytes)?;
        // One that still loads must still work on anything.
        let ids = tokenizer.encode("the river \u{1f30a} ran", true)?;
        tokenizer.completion(&ids[..1], &ids).map(|_| ())
    });
    assert!(refused >= 60);
}

#[test]
fn a_shard_outside_the_directory_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let source = fixture::directory().join("tiny-llama");
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json"] {
        std::fs::copy(source.join(name), directory.path().join(name)).expect("it is copied");
    }
    let index = r#"{"weight_map": {"model.norm.weight": "../../secret.safetensors"}}"#;
    let path = directory.path().join("model.safetensors.index.json");
    std::fs::write(path, index).expect("it is written");
    let refusal = import(directory.path()).expect_err("it must be refused").to_string();
    assert!(refusal.contains("plain file name"), "{refusal}");
}
