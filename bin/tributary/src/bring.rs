//! Bringing models in and measuring them: `tributary model import` and `model eval`, which need no
//! node.
//!
//! **Invariant:** a stored model remembers where its float original lay and what it was; a
//! perplexity called float is always that original's, never one of weights made back from EXI8.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tributary_models::{
    Bundle, Card, CardMeasure, Comparison, FloatImport, Imported, MODEL_FILE, MOST_LOSS_PERCENT,
    ModelError, PeftAdapter, QuantizeOptions, QuantizedModel, Sides, Text, evaluate, import,
    quantize, quantize_adapter, quantize_to_loss,
};
use tributary_node::assets;
use tributary_primitives::Digest;

use crate::{
    fail::{Exit, Failure},
    output::Output,
};

/// Tokens of the built-in text when no other is given.
const TOKENS: usize = 20_000;
/// Longest window that is measured.
const WINDOW: usize = 256;
/// Where a stored model remembers its original.
const ORIGINAL_FILE: &str = "original.json";

/// What to import, and where to.
pub struct Files {
    /// Folder or file.
    pub path: PathBuf,
    /// Where the stored model goes.
    pub out: Option<PathBuf>,
    /// Base of a PEFT adapter.
    pub base: Option<PathBuf>,
    /// Text to judge the conversion by.
    pub text: Option<PathBuf>,
}

/// The float checkpoint that a stored model was made from.
#[derive(Serialize, Deserialize)]
struct Original {
    path: PathBuf,
    digest: Digest,
}

/// `model import`
pub fn take_in(output: Output, files: &Files) -> Result<()> {
    let report = match import(&files.path)? {
        Imported::Float(float) => take_in_checkpoint(output, &float, files)?,
        Imported::Adapter(adapter) => take_in_adapter(adapter, files)?,
        Imported::Bundle(bundle) => json!(bundle.card),
        Imported::Quantized(model) => json!({
            "digest": model.digest(),
            "context": model.model.shape.context,
            "vocab": model.model.shape.vocab,
        }),
    };
    output.print(&report, || {
        println!("{}", serde_json::to_string_pretty(&report).unwrap_or_default());
    })
}

fn take_in_checkpoint(output: Output, float: &FloatImport, files: &Files) -> Result<Value> {
    let spinner = output.spinner(&format!("{}: quantising and measuring", float.format));
    let bundle = convert(float, files)?;
    spinner.finish_and_clear();
    if let Some(out) = &files.out {
        bundle.write(out)?;
        let path = fs::canonicalize(&files.path).unwrap_or_else(|_| files.path.clone());
        let original = Original { digest: digest_of(&files.path)?, path };
        let text = serde_json::to_string_pretty(&original)?;
        write(&out.join(ORIGINAL_FILE), format!("{text}\n").as_bytes())?;
    }
    Ok(json!(bundle.card))
}

/// A text that was named judges the conversion and may ask for a finer profile; without one the
/// weights alone decide, so that everybody gets the same digest.
fn convert(float: &FloatImport, files: &Files) -> Result<Bundle> {
    let text = match &files.text {
        Some(path) => read_text(path)?,
        None => assets::DATANETS.iter().map(|sample| sample.rows).collect(),
    };
    let mut ids = float.tokenizer.encode(&text, false)?;
    ids.truncate(TOKENS);
    let bos = float.tokenizer.special().bos;
    let (model, evaluation) = if files.text.is_some() {
        let text = Text { ids: &ids, bos, window: WINDOW };
        let made = quantize_to_loss(&float.float, &text, MOST_LOSS_PERCENT)?;
        (made.model, made.evaluation)
    } else {
        let model = quantize(&float.float, &QuantizeOptions::default())?;
        let sides = Sides { float: &float.float, model: &model.model, adapter: None };
        let evaluation = evaluate(&sides, &ids, bos, WINDOW)?;
        (model, evaluation)
    };
    let name = files.path.file_name();
    let name = name.map_or_else(|| "model".into(), |name| name.to_string_lossy());
    let mut card = Card::of(&name, float.format, &model, &float.tokenizer);
    let named = if files.text.is_some() { "text given at import" } else { "sample datanets" };
    card.measures.push(CardMeasure {
        text: named.into(),
        text_digest: Digest::of(text.as_bytes()),
        evaluation,
    });
    Ok(Bundle { model, tokenizer: float.tokenizer.clone(), card })
}

fn take_in_adapter(adapter: PeftAdapter, files: &Files) -> Result<Value> {
    let base = match &files.base {
        Some(folder) => Bundle::read(folder)?.model,
        None => QuantizedModel::from_bytes(assets::SEED_MODEL)?,
    };
    let base_name = adapter.base_name.clone();
    let float = adapter.fit(&base.model.shape)?;
    let made = quantize_adapter(&float, &base)?;
    if let Some(out) = &files.out {
        fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
        write(&out.join("adapter.exi8"), made.to_bytes())?;
    }
    Ok(json!({
        "kind": "adapter",
        "digest": made.digest(),
        "base": base.digest(),
        "base_name": base_name,
        "rank": float.rank,
        "parameters": float.parameters(),
        "may_clamp": made.may_clamp,
    }))
}

/// What `model eval` measures.
pub struct Measured {
    /// A checkpoint, a stored model, an `.exi8` file or a PEFT folder.
    pub path: PathBuf,
    /// The float original, where the model does not remember it.
    pub original: Option<PathBuf>,
    /// Text to measure on.
    pub text: PathBuf,
    /// Tokens at the most.
    pub tokens: usize,
}

/// `model eval`
pub fn measure(output: Output, asked: &Measured) -> Result<()> {
    let text = read_text(&asked.text)?;
    let remembered = remembered(&asked.path)?;
    let (original, gone) = match (&asked.original, remembered) {
        (Some(path), _) => (Some(path.clone()), None),
        (None, Some(original)) if original.path.exists() => {
            check_unchanged(&original)?;
            (Some(original.path), None)
        }
        (None, Some(original)) => (None, Some(original.path)),
        (None, None) => (None, None),
    };
    let spinner = output.spinner("measuring");
    let (evaluation, compared) = match Comparison::open(&asked.path, original.as_deref()) {
        Ok(both) => (both.evaluate(&text, asked.tokens)?, true),
        Err(ModelError::NoOriginal { .. }) if original.is_none() => (alone(asked, &text)?, false),
        Err(error) => return Err(error.into()),
    };
    spinner.finish_and_clear();
    let only = |value: f64| if compared { json!(value) } else { Value::Null };
    let report = json!({
        "tokens": evaluation.tokens,
        "exi8_perplexity": evaluation.exi8_perplexity,
        "float_perplexity": only(evaluation.float_perplexity),
        "delta_percent": only(evaluation.delta_percent),
        "standard_error_percent": only(evaluation.standard_error_percent),
        "agreement_percent": only(evaluation.agreement_percent),
        "original": original,
    });
    output.print(&report, || {
        println!("tokens            {}", evaluation.tokens);
        println!("EXI8 perplexity   {:.4}", evaluation.exi8_perplexity);
        if compared {
            println!("float perplexity  {:.4}", evaluation.float_perplexity);
            let (delta, error) = (evaluation.delta_percent, evaluation.standard_error_percent);
            println!("difference        {delta:+.3} % +- {error:.3} %");
        } else {
            let gone =
                gone.map_or_else(String::new, |path| format!(" ({} is gone)", path.display()));
            println!("float perplexity  unknown: the float original is not here{gone}");
            eprintln!("Name it with --original DIR|FILE.");
        }
    })
}

/// The integers by themselves: the float side of this evaluation is thrown away.
fn alone(asked: &Measured, text: &str) -> Result<tributary_models::Evaluation> {
    let bundle = Bundle::read(folder_of(&asked.path)).map_err(|error| {
        let message = format!("{}: {error}", asked.path.display());
        let help = "a bare model needs its original for the tokenizer: name it with --original";
        Failure::new(Exit::Failed, message, help)
    })?;
    let float = bundle.model.dequantize();
    let Bundle { model, tokenizer, .. } = bundle;
    let both = Comparison { float, model, tokenizer, adapter: None };
    Ok(both.evaluate(text, asked.tokens)?)
}

/// The stored directory that a path names: itself, or the one its `model.exi8` lies in.
fn folder_of(path: &Path) -> &Path {
    let is_model = path.file_name().is_some_and(|name| name == MODEL_FILE);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if is_model { parent.unwrap_or(Path::new(".")) } else { path }
}

fn remembered(path: &Path) -> Result<Option<Original>> {
    let file = folder_of(path).join(ORIGINAL_FILE);
    if !file.is_file() {
        return Ok(None);
    }
    let text = read_text(&file)?;
    let original = serde_json::from_str(&text);
    Ok(Some(original.with_context(|| format!("{} is damaged", file.display()))?))
}

fn check_unchanged(original: &Original) -> Result<()> {
    if digest_of(&original.path)? == original.digest {
        return Ok(());
    }
    let path = original.path.display();
    let message = format!("{path} has changed since the model was made from it");
    Err(Failure::new(Exit::Failed, message, "import it again, or name it with --original"))
}

/// One digest of a checkpoint: of its file, or of the names and bytes of its weights and settings.
fn digest_of(path: &Path) -> Result<Digest> {
    let read =
        |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    if path.is_file() {
        return Ok(Digest::of(&read(path)?));
    }
    let entries = fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| {
        let kind = file.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
        file.is_file() && matches!(kind, "safetensors" | "bin" | "json")
    });
    files.sort();
    let mut list = Vec::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        list.extend_from_slice(format!("{name} {}\n", Digest::of(&read(&file)?)).as_bytes());
    }
    Ok(Digest::of(&list))
}

fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
