//! The legacy llama2.c checkpoint: seven integers, then f32 tensors in a fixed order.

use tributary_tensor::Shape;

use crate::bytes::Cursor;
use crate::error::ModelError;
use crate::float::{FloatLayer, FloatModel, Matrix, Rope, RopeScaling};

const FILE: &str = "llama2.c checkpoint";

/// Reads a legacy `.bin`.
pub fn read_checkpoint(bytes: &[u8]) -> Result<FloatModel, ModelError> {
    let mut cursor = Cursor::new(FILE, bytes);
    let mut header = [0i32; 7];
    for field in &mut header {
        *field = cursor.i32("the header")?;
    }
    let [dim, ffn, layers, heads, kv_heads, vocab, context] = header;
    let positive = |what: &str, value: i32| -> Result<u32, ModelError> {
        u32::try_from(value)
            .ok()
            .filter(|&v| v > 0)
            .ok_or_else(|| damaged(format!("{what} is {value}, which no legacy checkpoint has")))
    };
    let tied = vocab > 0;
    let (dim, heads) = (positive("dim", dim)?, positive("n_heads", heads)?);
    if dim % heads != 0 {
        return Err(damaged(format!("dim {dim} is not a multiple of n_heads {heads}")));
    }
    let shape = Shape {
        hidden: dim,
        layers: positive("n_layers", layers)?,
        heads,
        kv_heads: positive("n_kv_heads", kv_heads)?,
        head_dim: dim / heads,
        ffn: positive("hidden_dim", ffn)?,
        vocab: positive("vocab_size", vocab.saturating_abs())?,
        context: positive("seq_len", context)?,
    };
    shape.check()?;
    let (found, expected) = (cursor.left() as u128, size_bytes(&shape, tied));
    if found != expected {
        return Err(damaged(format!(
            "{found} bytes follow the header, its shape asks for {expected}"
        )));
    }
    read_tensors(&mut cursor, shape, tied)
}

/// Bytes after the header, so that nothing is allocated for a file that is cut short.
fn size_bytes(shape: &Shape, tied: bool) -> u128 {
    let (d, layers) = (u128::from(shape.hidden), u128::from(shape.layers));
    let matrices: u128 =
        shape.projections().iter().map(|(_, r, c)| (*r as u128) * (*c as u128)).sum();
    let table = u128::from(shape.vocab) * d;
    let rope = u128::from(shape.context) * u128::from(shape.head_dim);
    let heads = if tied { table } else { 2 * table };
    4 * (heads + layers * (matrices + 2 * d) + d + rope)
}

fn read_tensors(
    cursor: &mut Cursor<'_>,
    shape: Shape,
    tied: bool,
) -> Result<FloatModel, ModelError> {
    let (d, layers) = (shape.hidden as usize, shape.layers as usize);
    let vocab = shape.vocab as usize;
    let [q, k, v, o, gate, up, down] = shape.projections();
    let embedding = matrix(cursor, "token embedding", vocab, d)?;
    let mut attention_norms = stack(cursor, "rms_att_weight", layers, (1, d))?;
    let mut qs = stack(cursor, "wq", layers, (q.1, q.2))?;
    let mut ks = stack(cursor, "wk", layers, (k.1, k.2))?;
    let mut vs = stack(cursor, "wv", layers, (v.1, v.2))?;
    let mut os = stack(cursor, "wo", layers, (o.1, o.2))?;
    let mut mlp_norms = stack(cursor, "rms_ffn_weight", layers, (1, d))?;
    let mut gates = stack(cursor, "w1", layers, (gate.1, gate.2))?;
    let mut downs = stack(cursor, "w2", layers, (down.1, down.2))?;
    let mut ups = stack(cursor, "w3", layers, (up.1, up.2))?;
    let final_norm = cursor.f32s("rms_final_weight", d)?;
    // Precomputed angles: the same for every checkpoint of this head width.
    cursor.f32s("freq_cis", shape.context as usize * shape.head_dim as usize)?;
    let head = if tied { None } else { Some(matrix(cursor, "wcls", vocab, d)?) };
    cursor.end()?;
    let mut out = Vec::with_capacity(layers);
    for _ in 0..layers {
        // The stacks were built with one entry per layer.
        let next = |stack: &mut std::vec::IntoIter<Matrix>| {
            stack.next().ok_or_else(|| damaged("a layer is missing".into()))
        };
        out.push(FloatLayer {
            attention_norm: next(&mut attention_norms)?.values,
            q: next(&mut qs)?,
            k: next(&mut ks)?,
            v: next(&mut vs)?,
            o: next(&mut os)?,
            mlp_norm: next(&mut mlp_norms)?.values,
            gate: next(&mut gates)?,
            up: next(&mut ups)?,
            down: next(&mut downs)?,
        });
    }
    let rope = Rope { theta: 10_000.0, scaling: RopeScaling::None };
    Ok(FloatModel { shape, rope, norm_epsilon: 1e-5, embedding, layers: out, final_norm, head })
}

fn damaged(reason: String) -> ModelError {
    ModelError::Damaged { file: FILE.into(), reason }
}

fn matrix(
    cursor: &mut Cursor<'_>,
    what: &str,
    rows: usize,
    cols: usize,
) -> Result<Matrix, ModelError> {
    Ok(Matrix::new(rows, cols, cursor.f32s(what, rows * cols)?))
}

/// One matrix per layer.
fn stack(
    cursor: &mut Cursor<'_>,
    what: &str,
    layers: usize,
    (rows, cols): (usize, usize),
) -> Result<std::vec::IntoIter<Matrix>, ModelError> {
    let all: Result<Vec<_>, _> = (0..layers).map(|_| matrix(cursor, what, rows, cols)).collect();
    Ok(all?.into_iter())
}
