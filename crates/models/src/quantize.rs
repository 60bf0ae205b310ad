//! From float weights to the integer model. The stored integers are normative, not this recipe.

use std::sync::Arc;

use tributary_tensor::{
    Embedding, EmbeddingRows, Fractions, Layer, Limbs, Linear, Model, ModelParts, Norm, RopeTable,
    Shape,
};

use crate::calibration::Calibration;
use crate::error::ModelError;
use crate::float::{FloatLayer, FloatModel, Matrix, Rope};
use crate::fold::{Fold, QuantizedModel, column_fold, query_fold};

/// Clamp of the i16 sites, half of which is headroom for adapters.
const SITE: f64 = 23_170.0;
/// Largest value of a 16-bit embedding row.
const WIDE_MAX: f64 = 32_767.0;
/// Fraction of the residual stream.
const RESIDUAL_FRACTION: i32 = 16;

/// How to convert.
#[derive(Debug, Clone)]
pub struct QuantizeOptions {
    /// Limbs per site: the profile.
    pub limbs: Limbs,
    /// Largest channels measured on text; `None` is calibration-free.
    pub calibration: Option<Calibration>,
    /// Embedding rows in 16 bits: for models with a massive channel, which would leave nothing of
    /// the others in 8.
    pub wide_embedding: bool,
}

impl Default for QuantizeOptions {
    fn default() -> Self {
        Self { limbs: Limbs::D2, calibration: None, wide_embedding: false }
    }
}

/// Converts a float model.
pub fn quantize(
    float: &FloatModel,
    options: &QuantizeOptions,
) -> Result<QuantizedModel, ModelError> {
    float.check()?;
    let shape = float.shape;
    let norms = match &options.calibration {
        None => vec![plain_norm(&shape); 2 * float.layers.len() + 1],
        Some(calibration) => calibration.norms(float)?,
    };
    let d = shape.hidden as usize;
    let layers: Result<Vec<Layer>, ModelError> = float
        .layers
        .iter()
        .enumerate()
        .map(|(index, layer)| {
            let norms = [norms[2 * index].clone(), norms[2 * index + 1].clone()];
            quantize_layer(index, layer, &shape, norms)
        })
        .collect();
    let final_norm = norms[2 * float.layers.len()].clone();
    let head_fold = column_fold(&float.final_norm, &final_norm);
    let head = pack("head", &fold_columns(float.head(), &head_fold, 1.0))?;
    let contributions = 2 * i32::try_from(shape.layers).unwrap_or(i32::MAX / 2) + 1;
    let parts = ModelParts {
        shape,
        limbs: options.limbs,
        residual_fraction: RESIDUAL_FRACTION,
        residual_clamp: ((1 << 23) - 1).min((1 << 29) / contributions),
        epsilon: epsilon(float.norm_epsilon, d),
        embedding: quantize_embedding(&as_f64(&float.embedding), options.wide_embedding),
        layers: layers?,
        final_norm,
        head,
        rope: rope_table(&float.rope, &shape),
    };
    let gains = float
        .layers
        .iter()
        .flat_map(|l| [l.attention_norm.clone(), l.mlp_norm.clone()])
        .chain([float.final_norm.clone()])
        .collect();
    let fold = Fold {
        gains,
        rope: float.rope,
        norm_epsilon: float.norm_epsilon,
        tied: float.head.is_none(),
    };
    Ok(QuantizedModel::new(Arc::new(Model::new(parts)?), fold))
}

/// `c = 0` and `f_n = 14`: what a calibration-free model uses.
pub(crate) fn plain_norm(shape: &Shape) -> Norm {
    Norm { shifts: vec![0; shape.hidden as usize], fraction: 14 }
}

fn epsilon(norm_epsilon: f32, hidden: usize) -> u64 {
    // The shortest decimal that prints this f32 is what the configuration meant: 1e-5, not its
    // nearest binary neighbour.
    let decimal: f64 = norm_epsilon.to_string().parse().unwrap_or(f64::from(norm_epsilon));
    let scaled = decimal * hidden as f64 * (2.0f64).powi(2 * RESIDUAL_FRACTION);
    scaled.round_ties_even() as u64
}

fn quantize_layer(
    index: usize,
    layer: &FloatLayer,
    shape: &Shape,
    [attention_norm, mlp_norm]: [Norm; 2],
) -> Result<Layer, ModelError> {
    let attention = column_fold(&layer.attention_norm, &attention_norm);
    let mlp = column_fold(&layer.mlp_norm, &mlp_norm);
    // Fractions rest on the rows without the shifts: |n| <= 1 bounds them by Cauchy-Schwarz.
    let plain = plain_norm(shape);
    let plain_attention = column_fold(&layer.attention_norm, &plain);
    let plain_mlp = column_fold(&layer.mlp_norm, &plain);
    let q_scale = query_fold(shape);
    let site = |matrix: &Matrix, fold: &[f64], scale: f64| -> i32 {
        site_fraction(&fold_columns(matrix, fold, scale), shape)
    };
    let fractions = Fractions {
        q: site(&layer.q, &plain_attention, q_scale),
        k: site(&layer.k, &plain_attention, 1.0),
        v: site(&layer.v, &plain_attention, 1.0),
        gate: site(&layer.gate, &plain_mlp, 1.0).clamp(2, 13),
        up: site(&layer.up, &plain_mlp, 1.0),
    };
    let name = |part: &str| format!("layer {index} {part}");
    Ok(Layer {
        q: pack(&name("q"), &fold_columns(&layer.q, &attention, q_scale))?,
        k: pack(&name("k"), &fold_columns(&layer.k, &attention, 1.0))?,
        v: pack(&name("v"), &fold_columns(&layer.v, &attention, 1.0))?,
        o: pack(&name("o"), &as_f64(&layer.o))?,
        gate: pack(&name("gate"), &fold_columns(&layer.gate, &mlp, 1.0))?,
        up: pack(&name("up"), &fold_columns(&layer.up, &mlp, 1.0))?,
        down: pack(&name("down"), &as_f64(&layer.down))?,
        attention_norm,
        mlp_norm,
        fractions,
    })
}

/// Rows of f64 values: what folding produces before rounding.
pub(crate) struct Rows {
    pub(crate) cols: usize,
    pub(crate) values: Vec<f64>,
}

impl Rows {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.cols)
    }
}

pub(crate) fn as_f64(matrix: &Matrix) -> Rows {
    Rows { cols: matrix.cols, values: matrix.values.iter().map(|&v| f64::from(v)).collect() }
}

pub(crate) fn fold_columns(matrix: &Matrix, fold: &[f64], scale: f64) -> Rows {
    let rows = matrix.values.chunks_exact(matrix.cols);
    let values = rows
        .flat_map(|row| row.iter().zip(fold).map(move |(&w, &f)| f64::from(w) * f * scale))
        .collect();
    Rows { cols: matrix.cols, values }
}

pub(crate) fn norm2(row: &[f64]) -> f64 {
    row.iter().map(|w| w * w).sum::<f64>().sqrt()
}

/// The bound `B` of a site: the largest row norm with the slack of 8-bit activations.
pub(crate) fn site_bound(rows: &Rows, shape: &Shape) -> f64 {
    let slack = 1.0 + f64::from(shape.hidden).sqrt() / 254.0;
    rows.iter().map(norm2).fold(0.0, f64::max) * slack
}

fn site_fraction(rows: &Rows, shape: &Shape) -> i32 {
    let bound = site_bound(rows, shape);
    if bound == 0.0 { 14 } else { ((SITE / (2.0 * bound)).log2().floor() as i32).clamp(-20, 20) }
}

pub(crate) fn pack(what: &str, rows: &Rows) -> Result<Linear, ModelError> {
    let (weights, exponents) = quantize_rows(rows);
    Ok(Linear::new(what, (exponents.len(), rows.cols), &weights, &exponents)?)
}

fn quantize_embedding(rows: &Rows, wide: bool) -> Embedding {
    if !wide {
        let (rows, exponents) = quantize_rows(rows);
        return Embedding { rows: EmbeddingRows::Narrow(rows), exponents };
    }
    let mut values = Vec::with_capacity(rows.values.len());
    let mut exponents = Vec::new();
    for row in rows.iter() {
        let max = row.iter().fold(0.0, |m: f64, w| m.max(w.abs()));
        let exponent = fitting_exponent(WIDE_MAX, max);
        let scale = (2.0f64).powi(exponent);
        values.extend(
            row.iter().map(|w| (w * scale).round_ties_even().clamp(-WIDE_MAX, WIDE_MAX) as i16),
        );
        exponents.push(exponent as i8);
    }
    Embedding { rows: EmbeddingRows::Wide(values), exponents }
}

/// i8 rows with the better of two exponents each.
pub(crate) fn quantize_rows(rows: &Rows) -> (Vec<i8>, Vec<i8>) {
    let mut weights = Vec::with_capacity(rows.values.len());
    let mut exponents = Vec::new();
    for row in rows.iter() {
        let exponent = best_exponent(row);
        weights.extend(round_row(row, exponent).map(|(w, _)| w as i8));
        exponents.push(exponent as i8);
    }
    (weights, exponents)
}

/// `floor(log2(127 / max))`, kept in what an i8 exponent and an f64 hold.
pub(crate) fn base_exponent(max: f64) -> i32 {
    fitting_exponent(127.0, max)
}

fn fitting_exponent(bound: f64, max: f64) -> i32 {
    if max == 0.0 { 0 } else { ((bound / max).log2().floor() as i32).clamp(-60, 60) }
}

fn best_exponent(row: &[f64]) -> i32 {
    let max = row.iter().fold(0.0, |m: f64, w| m.max(w.abs()));
    if max == 0.0 {
        return 0;
    }
    let w0 = base_exponent(max);
    let error = |e: i32| -> f64 { round_row(row, e).map(|(_, error)| error).sum() };
    if error(w0 + 1) < error(w0) { w0 + 1 } else { w0 }
}

/// Rounded values in [-127, 127] and their squared errors in real units.
fn round_row(row: &[f64], exponent: i32) -> impl Iterator<Item = (f64, f64)> + '_ {
    let scale = (2.0f64).powi(exponent);
    row.iter().map(move |&w| {
        let rounded = (w * scale).round_ties_even().clamp(-127.0, 127.0);
        let error = rounded / scale - w;
        (rounded, error * error)
    })
}

pub(crate) fn rope_table(rope: &Rope, shape: &Shape) -> RopeTable {
    let frequencies = rope.frequencies(shape.head_dim as usize);
    let angles = (0..shape.context)
        .flat_map(|position| frequencies.iter().map(move |f| f64::from(position) * f));
    let q14 = |x: f64| (x * 16_384.0).round_ties_even() as i16;
    let (cos, sin) = angles.map(|a| (q14(a.cos()), q14(a.sin()))).unzip();
    RopeTable { cos, sin }
}
