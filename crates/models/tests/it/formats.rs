//! Files written and read back, and refusals by name.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use tributary_models::{
    Bundle, Card, Comparison, Imported, ModelError, QuantizeOptions, QuantizedAdapter,
    QuantizedModel, import, quantize, quantize_adapter, write_peft,
};

use crate::fixture;

/// Copies the tiny Llama and lets `change` spoil its configuration.
fn with_config(change: impl Fn(&mut serde_json::Value)) -> Result<Imported, ModelError> {
    let directory = tempfile::tempdir().expect("a directory");
    copy(&fixture::directory().join("tiny-llama"), directory.path());
    let path = directory.path().join("config.json");
    let text = std::fs::read_to_string(&path).expect("it was copied");
    let mut config = serde_json::from_str(&text).expect("it parses");
    change(&mut config);
    std::fs::write(&path, config.to_string()).expect("it can be written");
    import(directory.path())
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("the fixture is there") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("it can be copied");
    }
}

fn refusal(change: impl Fn(&mut serde_json::Value)) -> String {
    with_config(change).expect_err("it must be refused").to_string()
}

#[test]
fn an_exi8_file_reads_back_to_the_same_model_and_digest() {
    let tiny = fixture::tiny();
    let model = quantize(&tiny.float, &QuantizeOptions::default()).expect("it quantises");
    let read = QuantizedModel::from_bytes(model.to_bytes()).expect("it reads");
    assert_eq!(read.model, model.model);
    assert_eq!(read.fold, model.fold);
    assert_eq!(read.digest(), model.digest());

    let float = fixture::tiny_adapter(&tiny.float.shape);
    let adapter = quantize_adapter(&float, &model).expect("it quantises");
    let read = QuantizedAdapter::from_bytes(adapter.to_bytes(), &model).expect("it reads");
    assert_eq!(read.adapter, adapter.adapter);
    assert_eq!(read.digest(), adapter.digest());
    assert_eq!(QuantizedAdapter::base_of(adapter.to_bytes()).expect("it reads"), model.digest());
}

#[test]
fn an_adapter_of_another_base_is_refused() {
    let mut tiny = fixture::tiny();
    let float = fixture::tiny_adapter(&tiny.float.shape);
    let model = quantize(&tiny.float, &QuantizeOptions::default()).expect("it quantises");
    let adapter = quantize_adapter(&float, &model).expect("it quantises");
    tiny.float.embedding.values[0] += 1.0;
    let other = quantize(&tiny.float, &QuantizeOptions::default()).expect("it quantises");
    let refusal = QuantizedAdapter::from_bytes(adapter.to_bytes(), &other);
    assert!(matches!(refusal, Err(ModelError::ForeignBase { .. })));
}

#[test]
fn a_stored_directory_reads_back_and_refuses_a_foreign_part() {
    let tiny = fixture::tiny();
    let model = quantize(&tiny.float, &QuantizeOptions::default()).expect("it quantises");
    let card = Card::of("tiny", "a fixture", &model, &tiny.tokenizer);
    let bundle = Bundle { model, tokenizer: tiny.tokenizer, card };
    let directory = tempfile::tempdir().expect("a directory");
    bundle.write(directory.path()).expect("it can be written");
    match import(directory.path()).expect("it reads") {
        Imported::Bundle(read) => assert_eq!(read.card, bundle.card),
        other => panic!("not a stored model: {other:?}"),
    }
    std::fs::copy(
        fixture::directory().join("tiny-llama/tokenizer.json"),
        directory.path().join("tokenizer.json"),
    )
    .expect("it can be copied");
    let refusal = import(directory.path()).expect_err("the tokenizer is another");
    assert!(refusal.to_string().contains("tokenizer"), "{refusal}");
}

#[test]
fn dequantised_weights_quantise_to_the_same_integers() {
    let tiny = fixture::tiny();
    let once = quantize(&tiny.float, &QuantizeOptions::default()).expect("it quantises");
    let twice = quantize(&once.dequantize(), &QuantizeOptions::default()).expect("it quantises");
    let mut differing = 0;
    for (a, b) in once.model.layers.iter().zip(&twice.model.layers) {
        for (a, b) in a.linears().into_iter().zip(b.linears()) {
            for row in 0..a.rows() {
                // A row of small values may choose a finer exponent; the real values agree.
                for col in 0..a.cols() {
                    let real = |l: &tributary_tensor::Linear| {
                        f64::from(l.weight(row, col)) * 2f64.powi(-l.exponents()[row])
                    };
                    differing += u32::from((real(a) - real(b)).abs() > 1e-9);
                }
            }
        }
    }
    assert_eq!(differing, 0);
}

#[test]
fn a_peft_directory_written_by_us_reads_back_to_the_same_adapter() {
    let shape = fixture::tiny().float.shape;
    let adapter = fixture::tiny_adapter(&shape);
    let directory = tempfile::tempdir().expect("a directory");
    write_peft(directory.path(), &adapter, &shape, "tiny").expect("it can be written");
    match import(directory.path()).expect("it reads") {
        Imported::Adapter(read) => {
            assert_eq!(read.base_name.as_deref(), Some("tiny"));
            assert_eq!(read.fit(&shape).expect("it fits"), adapter);
        }
        other => panic!("not an adapter: {other:?}"),
    }
}

#[test]
fn what_the_engine_cannot_compute_is_refused_by_name() {
    let cases: [(&str, serde_json::Value, &str); 8] = [
        ("architectures", serde_json::json!(["GPT2LMHeadModel"]), "GPT2LMHeadModel"),
        ("hidden_act", serde_json::json!("gelu"), "hidden_act"),
        ("attention_bias", serde_json::json!(true), "attention_bias"),
        ("quantization_config", serde_json::json!({"quant_method": "awq"}), "awq"),
        ("rope_scaling", serde_json::json!({"rope_type": "yarn"}), "yarn"),
        ("hidden_size", serde_json::json!(-3), "hidden_size must be"),
        ("intermediate_size", serde_json::json!(97), "mlp.gate_proj.weight has shape [96, 64]"),
        ("head_dim", serde_json::json!(7), "head_dim"),
    ];
    for (field, value, named) in cases {
        let refusal = refusal(|config| config[field] = value.clone());
        assert!(refusal.contains(named), "{field}: {refusal}");
    }
}

#[test]
fn a_layer_too_many_or_too_few_is_refused_by_tensor_name() {
    let more = refusal(|config| config["num_hidden_layers"] = 3.into());
    assert!(more.contains("model.layers.2.input_layernorm.weight is missing"), "{more}");
    let fewer = refusal(|config| config["num_hidden_layers"] = 1.into());
    assert!(fewer.contains("model.layers.1."), "{fewer}");
    assert!(fewer.contains("has no place"), "{fewer}");
}

#[test]
fn a_tokenizer_larger_than_the_vocabulary_is_refused() {
    let refusal = with_config(|config| config["vocab_size"] = 100.into());
    // The embedding would not fit either; the tokenizer or the tensor is named.
    let text = refusal.expect_err("it must be refused").to_string();
    assert!(text.contains("100"), "{text}");
}

#[test]
fn a_path_that_is_nothing_we_know_says_what_we_take() {
    let directory = tempfile::tempdir().expect("a directory");
    let refusal = import(directory.path()).expect_err("it is empty");
    assert!(matches!(refusal, ModelError::UnknownFormat { .. }));
    assert!(refusal.to_string().contains("config.json"));
    let refusal = import(&directory.path().join("absent.bin")).expect_err("it is absent");
    assert!(refusal.to_string().contains("absent.bin"));
}

#[test]
fn a_pickle_is_named_and_never_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let source = fixture::directory().join("tiny-llama");
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json"] {
        std::fs::copy(source.join(name), directory.path().join(name)).expect("it is copied");
    }
    let write = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).expect("it can be written");
        path
    };
    let zip = b"PK\x03\x04 and so on";
    write("pytorch_model.bin", zip);
    let bare = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.";
    let files = [
        write("zip.bin", zip),
        write("bare.bin", bare),
        write("model.pth", bare),
        directory.path().to_owned(),
    ];
    for path in files {
        let refusal = import(&path).expect_err("it must be refused");
        assert!(matches!(refusal, ModelError::Pickle { .. }), "{}: {refusal}", path.display());
        assert!(refusal.to_string().contains("safetensors"), "{refusal}");
    }
}

/// A directory like the tiny Llama's, whose weights `change` may spoil.
fn with_tensors(change: impl Fn(&mut Tensors)) -> Result<Imported, ModelError> {
    let source = fixture::directory().join("tiny-llama");
    let mut tensors = Tensors::new();
    for shard in ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] {
        let bytes = std::fs::read(source.join(shard)).expect("the shard is there");
        let parsed = SafeTensors::deserialize(&bytes).expect("it parses");
        for (name, view) in parsed.iter() {
            let parts = (view.dtype(), view.shape().to_vec(), view.data().to_vec());
            tensors.insert(name.to_owned(), parts);
        }
    }
    change(&mut tensors);
    let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
        let view = TensorView::new(*dtype, shape.clone(), bytes).expect("a whole tensor");
        (name.clone(), view)
    });
    let bytes = safetensors::serialize(views, None).expect("it serialises");
    let directory = tempfile::tempdir().expect("a directory");
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json"] {
        std::fs::copy(source.join(name), directory.path().join(name)).expect("it is copied");
    }
    std::fs::write(directory.path().join("model.safetensors"), bytes).expect("it is written");
    import(directory.path())
}

type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

#[test]
fn one_file_or_shards_are_the_same_model() {
    let Imported::Float(whole) = with_tensors(|_| ()).expect("it imports") else {
        panic!("a float model")
    };
    assert_eq!(whole.float, fixture::tiny().float);
}

#[test]
fn a_weight_that_is_not_finite_is_refused_by_tensor_and_index() {
    const NAME: &str = "model.norm.weight";
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let refusal = with_tensors(|tensors| {
            let bytes = &mut tensors.get_mut(NAME).expect("it is there").2;
            bytes[20..24].copy_from_slice(&value.to_le_bytes());
        });
        match refusal.expect_err("it must be refused") {
            ModelError::NotFinite { tensor, index } => assert_eq!((&*tensor, index), (NAME, 5)),
            other => panic!("{value}: {other}"),
        }
    }
}

#[test]
fn a_number_format_that_is_not_a_float_is_refused_by_tensor_and_name() {
    for dtype in [Dtype::I64, Dtype::F64, Dtype::BOOL] {
        let refusal = with_tensors(|tensors| {
            let bytes = dtype.bitsize() / 8 * 64;
            let spoiled = (dtype, vec![64], vec![0; bytes]);
            tensors.insert("model.norm.weight".into(), spoiled);
        });
        let refusal = refusal.expect_err("it must be refused").to_string();
        assert!(refusal.contains("model.norm.weight"), "{refusal}");
        assert!(refusal.contains(&format!("{dtype:?}")), "{refusal}");
    }
}

#[test]
fn a_tied_head_is_the_embedding_and_an_untied_one_its_own() {
    let tied = with_config(|config| config["tie_word_embeddings"] = true.into());
    let Imported::Float(tied) = tied.expect("it imports") else { panic!("a float model") };
    assert!(tied.float.head.is_none());
    assert_eq!(tied.float.head(), &tied.float.embedding);
    let untied = fixture::tiny().float;
    assert_ne!(untied.head(), &untied.embedding);
    let missing = with_tensors(|tensors| drop(tensors.remove("lm_head.weight")));
    let refusal = missing.expect_err("it must be refused").to_string();
    assert!(refusal.contains("lm_head.weight is missing"), "{refusal}");
}

#[test]
fn a_stored_model_is_measured_against_its_original_and_no_other() {
    let original = fixture::directory().join("small-float");
    let small = fixture::float("small-float");
    let model = quantize(&small.float, &QuantizeOptions::default()).expect("it quantises");
    let card = Card::of("small", "a fixture", &model, &small.tokenizer);
    let bundle = Bundle { model, tokenizer: small.tokenizer, card };
    let stored = tempfile::tempdir().expect("a directory");
    bundle.write(stored.path()).expect("it can be written");
    let text = fixture::directory().join("small-float.held-out.txt");
    let text = std::fs::read_to_string(text).expect("the text is committed");
    let measure = |path: &Path, original: Option<&Path>| {
        Comparison::open(path, original)?.evaluate(&text, 2_000)
    };
    let whole = measure(&original, None).expect("the original alone is enough");
    let found = measure(stored.path(), Some(&original)).expect("they belong together");
    assert_eq!(found, whole, "an import stores what the original converts to");
    let bare = stored.path().join("model.exi8");
    assert_eq!(measure(&bare, Some(&original)).expect("they belong together"), whole);
    let refusal = measure(stored.path(), None).expect_err("integers alone");
    assert!(matches!(refusal, ModelError::NoOriginal { .. }), "{refusal}");
    let foreign = fixture::directory().join("tiny-llama");
    let refusal = measure(stored.path(), Some(&foreign)).expect_err("another model");
    assert!(matches!(refusal, ModelError::ForeignOriginal { .. }), "{refusal}");
    let adapter = fixture::directory().join("small-float-lora");
    let found = measure(&adapter, Some(&original)).expect("it fits its base");
    assert_ne!(found.float_perplexity, whole.float_perplexity, "the adapter takes part");
}
