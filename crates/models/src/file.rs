//! The `.exi8` container: fixed little-endian fields, one encoding per model, digest = BLAKE3.

use std::sync::Arc;

use tributary_tensor::{
    Embedding, EmbeddingRows, Fractions, Layer, LimbCount, Limbs, Linear, Model, ModelParts, Norm,
    RopeTable, Shape,
};

use crate::bytes::{Cursor, Sink};
use crate::error::ModelError;
use crate::float::{Rope, RopeScaling};
use crate::fold::{Fold, QuantizedModel};

/// First bytes of every `.exi8` file.
pub(crate) const MAGIC: [u8; 8] = *b"EXI8\r\n\x1a\n";
/// Version of the format and of its tables.
pub(crate) const VERSION: u16 = 1;
/// Kind bytes behind the version.
pub(crate) const KIND_MODEL: u8 = 0;
pub(crate) const KIND_ADAPTER: u8 = 1;

const FILE: &str = "EXI8 model";

impl QuantizedModel {
    /// Reads an `.exi8` model. Every byte must be the one that writing would produce.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let mut cursor = Cursor::new(FILE, bytes);
        header(&mut cursor, KIND_MODEL)?;
        let (model, fold) = read_body(&mut cursor)?;
        let read = Self::new(Arc::new(Model::new(model)?), fold);
        if read.to_bytes() != bytes {
            return Err(cursor.damaged("the encoding is not the canonical one"));
        }
        Ok(read)
    }
}

/// Checks magic, version and kind.
pub(crate) fn header(cursor: &mut Cursor<'_>, kind: u8) -> Result<(), ModelError> {
    if cursor.take("magic", MAGIC.len())? != MAGIC {
        return Err(cursor.damaged("it does not begin with the EXI8 magic"));
    }
    let version = cursor.u16("version")?;
    if version != VERSION {
        return Err(cursor.damaged(format!("version {version} is unknown, {VERSION} is read")));
    }
    let found = cursor.u8("kind")?;
    if found != kind {
        let name = |kind| if kind == KIND_MODEL { "a model" } else { "an adapter" };
        return Err(cursor.damaged(format!("it is {}, not {}", name(found), name(kind))));
    }
    Ok(())
}

/// Writes magic, version and kind.
pub(crate) fn write_header(sink: &mut Sink, kind: u8) {
    sink.bytes(&MAGIC).bytes(&VERSION.to_le_bytes()).u8(kind);
}

/// Encodes a model.
pub(crate) fn write_model(model: &Model, fold: &Fold) -> Vec<u8> {
    let mut sink = Sink::default();
    write_header(&mut sink, KIND_MODEL);
    let s = &model.shape;
    for field in [s.hidden, s.layers, s.heads, s.kv_heads, s.head_dim, s.ffn, s.vocab, s.context] {
        sink.u32(field);
    }
    let l = &model.limbs;
    for count in [l.norm, l.key, l.output, l.down, l.head] {
        sink.u8(if count == LimbCount::One { 1 } else { 2 });
    }
    sink.u8(model.residual_fraction as u8);
    sink.bytes(&model.residual_clamp.to_le_bytes()).bytes(&model.epsilon.to_le_bytes());
    sink.u8(u8::from(fold.tied)).f32s(&[fold.norm_epsilon]);
    write_rope(&mut sink, &fold.rope);
    match &model.embedding.rows {
        EmbeddingRows::Narrow(rows) => sink.u8(1).i8s(rows.iter().copied()),
        EmbeddingRows::Wide(rows) => sink.u8(2).i16s(rows),
    };
    sink.i8s(model.embedding.exponents.iter().copied());
    sink.i16s(&model.rope.cos).i16s(&model.rope.sin);
    for (layer, gains) in model.layers.iter().zip(fold.gains.chunks(2)) {
        let f = &layer.fractions;
        sink.i8s([f.q, f.k, f.v, f.gate, f.up].map(|f| f as i8));
        write_norm(&mut sink, &layer.attention_norm, &gains[0]);
        write_norm(&mut sink, &layer.mlp_norm, &gains[1]);
        layer.linears().into_iter().for_each(|linear| write_linear(&mut sink, linear));
    }
    write_norm(&mut sink, &model.final_norm, &fold.gains[2 * model.layers.len()]);
    write_linear(&mut sink, &model.head);
    sink.0
}

fn write_norm(sink: &mut Sink, norm: &Norm, gain: &[f32]) {
    sink.u8(norm.fraction as u8).bytes(&norm.shifts).f32s(gain);
}

pub(crate) fn write_linear(sink: &mut Sink, linear: &Linear) {
    sink.i8s(linear.row_major()).i8s(linear.exponents().iter().map(|&e| e as i8));
}

fn write_rope(sink: &mut Sink, rope: &Rope) {
    let (kind, fields) = match rope.scaling {
        RopeScaling::None => (0, [0.0; 4]),
        RopeScaling::Linear { factor } => (1, [factor, 0.0, 0.0, 0.0]),
        RopeScaling::Llama3 {
            factor,
            low_frequency_factor,
            high_frequency_factor,
            original_context,
        } => (2, [factor, low_frequency_factor, high_frequency_factor, original_context]),
    };
    sink.bytes(&rope.theta.to_le_bytes()).u8(kind);
    fields.iter().for_each(|f| {
        sink.bytes(&f.to_le_bytes());
    });
}

fn read_body(cursor: &mut Cursor<'_>) -> Result<(ModelParts, Fold), ModelError> {
    let mut fields = [0u32; 8];
    for field in &mut fields {
        *field = cursor.u32("shape")?;
    }
    let [hidden, layers, heads, kv_heads, head_dim, ffn, vocab, context] = fields;
    let shape = Shape { hidden, layers, heads, kv_heads, head_dim, ffn, vocab, context };
    shape.check()?;
    let limbs = read_limbs(cursor)?;
    let residual_fraction = i32::from(cursor.u8("residual fraction")?);
    let residual_clamp = cursor.i32("residual clamp")?;
    let epsilon = cursor.u64("epsilon")?;
    let tied = cursor.u8("tied flag")? == 1;
    let norm_epsilon = cursor.f32("norm epsilon")?;
    let rope = read_rope(cursor)?;
    let (d, vocab) = (hidden as usize, vocab as usize);
    let rows = match cursor.u8("embedding width")? {
        1 => EmbeddingRows::Narrow(cursor.i8s("embedding", vocab * d)?),
        2 => EmbeddingRows::Wide(cursor.i16s("embedding", vocab * d)?),
        other => return Err(cursor.damaged(format!("embedding width {other} is neither 1 nor 2"))),
    };
    let embedding = Embedding { rows, exponents: cursor.i8s("embedding exponents", vocab)? };
    let angles = context as usize * head_dim as usize / 2;
    let cos = cursor.i16s("rope cosines", angles)?;
    let sin = cursor.i16s("rope sines", angles)?;
    // A layer needs more than one byte, so this many were there.
    let mut gains = Vec::new();
    let mut read_layers = Vec::new();
    for index in 0..layers {
        read_layers.push(read_layer(cursor, index, &shape, &mut gains)?);
    }
    let final_norm = read_norm(cursor, "final norm", d, &mut gains)?;
    let head = read_linear(cursor, "head", vocab, d)?;
    cursor.end()?;
    let parts = ModelParts {
        shape,
        limbs,
        residual_fraction,
        residual_clamp,
        epsilon,
        embedding,
        layers: read_layers,
        final_norm,
        head,
        rope: RopeTable { cos, sin },
    };
    Ok((parts, Fold { gains, rope, norm_epsilon, tied }))
}

fn read_layer(
    cursor: &mut Cursor<'_>,
    index: u32,
    shape: &Shape,
    gains: &mut Vec<Vec<f32>>,
) -> Result<Layer, ModelError> {
    let mut fractions = [0i32; 5];
    for fraction in &mut fractions {
        *fraction = cursor.i8("fraction")?.into();
    }
    let [q, k, v, gate, up] = fractions;
    let d = shape.hidden as usize;
    let attention_norm = read_norm(cursor, "attention norm", d, gains)?;
    let mlp_norm = read_norm(cursor, "mlp norm", d, gains)?;
    let mut linears = Vec::with_capacity(7);
    for (name, rows, cols) in shape.projections() {
        linears.push(read_linear(cursor, &format!("layer {index} {name}"), rows, cols)?);
    }
    let mut next = linears.into_iter();
    let mut take = || next.next().ok_or_else(|| cursor.damaged("a projection is missing"));
    Ok(Layer {
        attention_norm,
        q: take()?,
        k: take()?,
        v: take()?,
        o: take()?,
        mlp_norm,
        gate: take()?,
        up: take()?,
        down: take()?,
        fractions: Fractions { q, k, v, gate, up },
    })
}

fn read_norm(
    cursor: &mut Cursor<'_>,
    what: &str,
    width: usize,
    gains: &mut Vec<Vec<f32>>,
) -> Result<Norm, ModelError> {
    let fraction = i32::from(cursor.u8(what)?);
    let shifts = cursor.take(what, width)?.to_vec();
    gains.push(cursor.f32s(what, width)?);
    Ok(Norm { shifts, fraction })
}

pub(crate) fn read_linear(
    cursor: &mut Cursor<'_>,
    what: &str,
    rows: usize,
    cols: usize,
) -> Result<Linear, ModelError> {
    let weights = cursor.i8s(what, rows * cols)?;
    let exponents = cursor.i8s(what, rows)?;
    Ok(Linear::new(what, (rows, cols), &weights, &exponents)?)
}

fn read_limbs(cursor: &mut Cursor<'_>) -> Result<Limbs, ModelError> {
    let mut limbs = [LimbCount::One; 5];
    for limb in &mut limbs {
        *limb = match cursor.u8("limbs")? {
            1 => LimbCount::One,
            2 => LimbCount::Two,
            other => return Err(cursor.damaged(format!("{other} limbs are neither 1 nor 2"))),
        };
    }
    let [norm, key, output, down, head] = limbs;
    Ok(Limbs { norm, key, output, down, head })
}

fn read_rope(cursor: &mut Cursor<'_>) -> Result<Rope, ModelError> {
    let theta = cursor.f64("rope theta")?;
    let kind = cursor.u8("rope scaling")?;
    let mut fields = [0.0; 4];
    for field in &mut fields {
        *field = cursor.f64("rope scaling")?;
    }
    let [factor, low_frequency_factor, high_frequency_factor, original_context] = fields;
    let scaling = match kind {
        0 => RopeScaling::None,
        1 => RopeScaling::Linear { factor },
        2 => RopeScaling::Llama3 {
            factor,
            low_frequency_factor,
            high_frequency_factor,
            original_context,
        },
        other => return Err(cursor.damaged(format!("rope scaling {other} is unknown"))),
    };
    if !theta.is_finite() || fields.iter().any(|f| !f.is_finite()) {
        return Err(cursor.damaged("a rope field is not finite"));
    }
    Ok(Rope { theta, scaling })
}
