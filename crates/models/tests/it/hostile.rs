//! Damaged files: truncated at every kind of place and with flipped bits, seeded. Whatever
//! happens, it is a typed refusal (or, for a flip that hits a weight, another valid model).

use rand::{Rng, SeedableRng, rngs::StdRng};
use tributary_models::{
    Imported, ModelError, QuantizeOptions, QuantizedAdapter, QuantizedModel, Tokenizer, import,
    llama2c, quantize, quantize_adapter,
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
            Imported::Adapter(adapter) => adapter.fit(&shape).map(|_| ()),
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

/// A llama2.c checkpoint of random weights with a vocabulary of `vocab`.
fn small_checkpoint(vocab: i32) -> Vec<u8> {
    let (dim, ffn, layers, heads, kv_heads, context) = (16, 24, 2, 2, 1, 8);
    let header = [dim, ffn, layers, heads, kv_heads, vocab, context];
    let mut bytes: Vec<u8> = header.iter().flat_map(|field: &i32| field.to_le_bytes()).collect();
    let kv = dim / heads * kv_heads;
    let layer = 2 * dim * dim + 2 * kv * dim + 3 * ffn * dim + 2 * dim;
    let floats = vocab * dim + layers * layer + dim + context * dim / heads;
    let rng = &mut StdRng::seed_from_u64(1);
    bytes.extend((0..floats).flat_map(|_| rng.random_range(-1.0f32..1.0).to_le_bytes()));
    bytes
}

/// Its tokenizer: three markers, 256 bytes and some letters.
fn small_tokenizer(vocab: u32) -> Vec<u8> {
    let mut bytes = 8u32.to_le_bytes().to_vec();
    for id in 0..vocab {
        let piece = match id {
            0 => "<unk>".to_owned(),
            1 => "\n<s>\n".to_owned(),
            2 => "\n</s>\n".to_owned(),
            3..259 => format!("<0x{:02X}>", id - 3),
            _ => char::from_u32(id - 259 + 97).map_or_else(String::new, String::from),
        };
        bytes.extend((-(id as f32)).to_le_bytes());
        bytes.extend((piece.len() as u32).to_le_bytes());
        bytes.extend(piece.as_bytes());
    }
    bytes
}

#[test]
fn damaged_llama2c_files_never_panic() {
    let (checkpoint, tokenizer) = (small_checkpoint(270), small_tokenizer(270));
    let refused =
        attack("model.bin", &checkpoint, 300, |bytes| llama2c::read_checkpoint(bytes).map(|_| ()));
    assert!(refused >= 100);
    let refused = attack("tok270.bin", &tokenizer, 300, |bytes| {
        Tokenizer::from_llama2c(bytes, 270)?.encode("abc", true).map(|_| ())
    });
    assert!(refused >= 100);
    let Some(path) = fixture::stories() else { return };
    let bytes = std::fs::read(&path).expect("it is there");
    let refused =
        attack("stories260K.bin", &bytes, 30, |bytes| llama2c::read_checkpoint(bytes).map(|_| ()));
    assert!(refused >= 10);
}

#[test]
fn a_llama2c_checkpoint_lies_beside_its_tokenizer_and_needs_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("model.bin");
    std::fs::write(&path, small_checkpoint(270)).expect("it is written");
    let refusal = import(&path).expect_err("no tokenizer lies there");
    assert!(refusal.to_string().contains("tok270.bin"), "{refusal}");
    let tokenizer = directory.path().join("tok270.bin");
    std::fs::write(&tokenizer, small_tokenizer(268)).expect("it is written");
    let refusal = import(&path).expect_err("the tokenizer has two pieces too few");
    assert!(refusal.to_string().contains("llama2.c tokenizer is damaged"), "{refusal}");
    std::fs::write(&tokenizer, small_tokenizer(270)).expect("it is written");
    for path in [&path, directory.path()] {
        match import(path).expect("it imports") {
            Imported::Float(found) => assert_eq!(found.float.shape.vocab, 270),
            other => panic!("not a float model: {other:?}"),
        }
    }
}

#[test]
fn a_llama2c_header_that_promises_too_much_is_refused_without_allocating() {
    let whole = small_checkpoint(270);
    for (field, value) in (0..7).flat_map(|f| [i32::MAX, i32::MIN, -1, 0, 1 << 20].map(|v| (f, v)))
    {
        let mut bytes = whole.clone();
        bytes[4 * field..4 * field + 4].copy_from_slice(&value.to_le_bytes());
        let refusal = llama2c::read_checkpoint(&bytes);
        assert!(refusal.is_err(), "field {field} as {value} was taken");
    }
}

/// A copy of the tiny Llama's directory, of which `name` is replaced before each import.
fn attack_directory(name: &str, rounds: u32) -> u32 {
    let directory = tempfile::tempdir().expect("a directory");
    let source = fixture::directory().join("tiny-llama");
    for entry in std::fs::read_dir(&source).expect("the fixture is there") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), directory.path().join(entry.file_name())).expect("a copy");
    }
    let path = directory.path().join(name);
    let bytes = std::fs::read(&path).expect("the file is there").trim_ascii_end().to_vec();
    attack(name, &bytes, rounds, |bytes| {
        std::fs::write(&path, bytes).expect("it is written");
        import(directory.path()).map(|_| ())
    })
}

#[test]
fn damaged_configurations_and_indexes_never_panic() {
    for name in ["config.json", "tokenizer_config.json", "model.safetensors.index.json"] {
        assert!(attack_directory(name, 90) >= 30, "{name}");
    }
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
