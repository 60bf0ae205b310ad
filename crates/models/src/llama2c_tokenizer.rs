//! The llama2.c tokenizer file, rewritten as a Hugging Face BPE.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::bytes::Cursor;
use crate::error::ModelError;

const FILE: &str = "llama2.c tokenizer";
/// Longest piece that is believed.
const PIECE_LIMIT_BYTES: usize = 4_096;

/// Rewrites `vocab` scored pieces.
pub(crate) fn to_json(bytes: &[u8], vocab: u32) -> Result<Value, ModelError> {
    let mut cursor = Cursor::new(FILE, bytes);
    cursor.u32("longest piece")?;
    let mut pieces: Vec<(String, f32)> = Vec::new();
    for id in 0..vocab {
        let score = cursor.f32("score")?;
        let length = cursor.u32("piece length")? as usize;
        if length == 0 || length > PIECE_LIMIT_BYTES {
            return Err(cursor.damaged(format!("piece {id} has {length} bytes")));
        }
        let piece = std::str::from_utf8(cursor.take("piece", length)?)
            .map_err(|_| cursor.damaged(format!("piece {id} is not UTF-8")))?;
        if !score.is_finite() {
            return Err(cursor.damaged(format!("the score of piece {id} is not finite")));
        }
        pieces.push((special_name(id, piece).to_owned(), score));
    }
    cursor.end()?;
    let mut ids = HashMap::new();
    for (id, (piece, _)) in pieces.iter().enumerate() {
        if ids.insert(piece.as_str(), id).is_some() {
            return Err(cursor.damaged(format!("piece {piece:?} occurs twice")));
        }
    }
    let vocabulary: Map<String, Value> =
        pieces.iter().enumerate().map(|(id, (piece, _))| (piece.clone(), json!(id))).collect();
    Ok(json!({
        "version": "1.0",
        "added_tokens": [special(0, "<unk>"), special(1, "<s>"), special(2, "</s>")],
        "normalizer": { "type": "Prepend", "prepend": " " },
        "pre_tokenizer": null,
        "post_processor": null,
        "decoder": { "type": "Sequence", "decoders": [
            { "type": "ByteFallback" },
            { "type": "Fuse" },
            { "type": "Strip", "content": " ", "start": 1, "stop": 0 },
        ]},
        "model": {
            "type": "BPE",
            "unk_token": "<unk>",
            "fuse_unk": true,
            "byte_fallback": true,
            "vocab": vocabulary,
            "merges": merges(&pieces, &ids),
        },
    }))
}

/// llama2.c wraps its markers in line feeds.
fn special_name(id: u32, piece: &str) -> &str {
    if id < 3 { piece.trim() } else { piece }
}

fn special(id: u32, content: &str) -> Value {
    json!({
        "id": id,
        "content": content,
        "single_word": false,
        "lstrip": false,
        "rstrip": false,
        "normalized": false,
        "special": true,
    })
}

/// Pairs that make a piece, best score first: the order in which llama2.c merges.
fn merges(pieces: &[(String, f32)], ids: &HashMap<&str, usize>) -> Vec<[String; 2]> {
    let mut found: Vec<(f32, usize, usize)> = Vec::new();
    for (piece, score) in &pieces[3.min(pieces.len())..] {
        for (cut, _) in piece.char_indices().skip(1) {
            let (left, right) = piece.split_at(cut);
            if let (Some(&left), Some(&right)) = (ids.get(left), ids.get(right)) {
                found.push((*score, left, right));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let name = |id: usize| pieces[id].0.clone();
    found.into_iter().map(|(_, left, right)| [name(left), name(right)]).collect()
}
