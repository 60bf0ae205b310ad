//! One door for every format that is taken in.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::bundle::{Bundle, MODEL_FILE};
use crate::error::ModelError;
use crate::float::FloatModel;
use crate::fold::QuantizedModel;
use crate::huggingface;
use crate::llama2c;
use crate::peft::PeftAdapter;
use crate::tokenizer::Tokenizer;

/// Largest JSON file that is read.
const JSON_LIMIT_BYTES: u64 = 256 << 20;
/// Largest weight file that is read into memory.
const WEIGHTS_LIMIT_BYTES: u64 = 32 << 30;

/// What lay at a path.
#[derive(Debug)]
pub enum Imported {
    /// Float weights with their tokenizer.
    Float(Box<FloatImport>),
    /// A PEFT adapter, to be fitted to its base.
    Adapter(PeftAdapter),
    /// A stored model directory.
    Bundle(Box<Bundle>),
    /// A bare `.exi8` file.
    Quantized(Box<QuantizedModel>),
}

/// Float weights with their tokenizer.
#[derive(Debug)]
pub struct FloatImport {
    /// The weights.
    pub float: FloatModel,
    /// The tokenizer that was trained with them.
    pub tokenizer: Tokenizer,
    /// Which format it was.
    pub format: &'static str,
}

/// Reads a Hugging Face Llama directory, a PEFT directory, a llama2.c `.bin` beside its
/// tokenizer, a stored model directory or a bare `.exi8` file.
pub fn import(path: &Path) -> Result<Imported, ModelError> {
    if path.join(MODEL_FILE).is_file() {
        return Ok(Imported::Bundle(Box::new(Bundle::read(path)?)));
    }
    if path.join("adapter_config.json").is_file() {
        return Ok(Imported::Adapter(PeftAdapter::read(path)?));
    }
    if path.join("config.json").is_file() {
        return import_huggingface(path);
    }
    if path.is_dir() {
        return match only_checkpoint(path) {
            Some(checkpoint) => import_llama2c(&checkpoint),
            None => Err(ModelError::UnknownFormat { path: path.into() }),
        };
    }
    match path.extension().and_then(|e| e.to_str()) {
        Some("bin") => import_llama2c(path),
        Some("exi8") => {
            let bytes = read_bounded(path, WEIGHTS_LIMIT_BYTES)?;
            Ok(Imported::Quantized(Box::new(QuantizedModel::from_bytes(&bytes)?)))
        }
        Some("pt" | "pth" | "pkl" | "ckpt") if path.exists() => {
            Err(ModelError::Pickle { path: path.into() })
        }
        _ if path.exists() => Err(ModelError::UnknownFormat { path: path.into() }),
        _ => Err(ModelError::MissingFile { path: path.into(), hint: "check the path" }),
    }
}

fn import_huggingface(directory: &Path) -> Result<Imported, ModelError> {
    let tokenizer = Tokenizer::of_directory(directory)?;
    let float = huggingface::read_model(directory)?;
    tokenizer.check_vocab(float.shape.vocab)?;
    let format = "Hugging Face Llama";
    Ok(Imported::Float(Box::new(FloatImport { float, tokenizer, format })))
}

/// The only `.bin` of a directory that is not a tokenizer.
fn only_checkpoint(directory: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(directory).ok()?;
    let mut found = entries.flatten().map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        name.ends_with(".bin") && !name.starts_with("tok")
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

fn import_llama2c(path: &Path) -> Result<Imported, ModelError> {
    let bytes = read_bounded(path, WEIGHTS_LIMIT_BYTES)?;
    if is_pickle(&bytes) {
        return Err(ModelError::Pickle { path: path.into() });
    }
    let float = llama2c::read_checkpoint(&bytes)?;
    let vocab = float.shape.vocab;
    let names = [format!("tok{vocab}.bin"), "tokenizer.bin".to_owned()];
    let beside = names.iter().map(|name| path.with_file_name(name)).find(|path| path.is_file());
    let Some(tokenizer) = beside else {
        return Err(ModelError::MissingFile {
            path: path.with_file_name(&names[0]),
            hint: "put the checkpoint's tokenizer beside it",
        });
    };
    let tokenizer = read_bounded(&tokenizer, JSON_LIMIT_BYTES)?;
    let tokenizer = Tokenizer::from_llama2c(&tokenizer, vocab)?;
    tokenizer.check_vocab(vocab)?;
    Ok(Imported::Float(Box::new(FloatImport { float, tokenizer, format: "llama2.c" })))
}

/// Whether a `.bin` is what PyTorch saves, a zip archive or a bare pickle. As the width of a
/// llama2.c checkpoint either beginning would be in the millions.
fn is_pickle(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || matches!(bytes, [0x80, 2..=5, 0x5d..=0xff, ..])
}

/// Reads a file of at most `limit_bytes`.
pub(crate) fn read_bounded(path: &Path, limit_bytes: u64) -> Result<Vec<u8>, ModelError> {
    let failed = |source| ModelError::Read { path: path.into(), source };
    let size_bytes = std::fs::metadata(path).map_err(failed)?.len();
    if size_bytes > limit_bytes {
        let file = path.display().to_string();
        return Err(ModelError::TooLarge { file, size_bytes, limit_bytes });
    }
    std::fs::read(path).map_err(failed)
}

/// Reads a JSON file.
pub(crate) fn read_json(path: &Path) -> Result<Value, ModelError> {
    let bytes = read_bounded(path, JSON_LIMIT_BYTES)?;
    serde_json::from_slice(&bytes).map_err(|error| ModelError::Json {
        file: path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
        reason: error.to_string(),
    })
}

/// Writes a file whole.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    std::fs::write(path, bytes).map_err(|source| ModelError::Write { path: path.into(), source })
}
