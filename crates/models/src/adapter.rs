//! Low-rank adapters: float form, conversion to integers.

use std::sync::Arc;

use tributary_primitives::Digest;
use tributary_tensor::{Adapter, AdapterLayer, Linear, LowRank, Norm, Shape};

use crate::adapter_file;
use crate::error::ModelError;
use crate::float::{Matrix, check_matrix};
use crate::fold::{QuantizedModel, column_fold, query_fold};
use crate::quantize::{Rows, as_f64, fold_columns, norm2, pack, quantize_rows};

/// Two thin matrices beside one projection.
#[derive(Debug, Clone, PartialEq)]
pub struct FloatLowRank {
    /// `rank x inputs`.
    pub a: Matrix,
    /// `outputs x rank`.
    pub b: Matrix,
}

/// The low-rank paths of one layer, each optional.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FloatAdapterLayer {
    /// Query projection; rows of `b` in interleaved RoPE order.
    pub q: Option<FloatLowRank>,
    /// Key projection; rows of `b` in interleaved RoPE order.
    pub k: Option<FloatLowRank>,
    /// Value projection.
    pub v: Option<FloatLowRank>,
    /// Attention output projection.
    pub o: Option<FloatLowRank>,
    /// Gate projection.
    pub gate: Option<FloatLowRank>,
    /// Up projection.
    pub up: Option<FloatLowRank>,
    /// Down projection.
    pub down: Option<FloatLowRank>,
}

impl FloatAdapterLayer {
    /// The seven places in file order.
    #[must_use]
    pub fn places(&self) -> [Option<&FloatLowRank>; 7] {
        [
            self.q.as_ref(),
            self.k.as_ref(),
            self.v.as_ref(),
            self.o.as_ref(),
            self.gate.as_ref(),
            self.up.as_ref(),
            self.down.as_ref(),
        ]
    }

    /// One place by its index in file order.
    ///
    /// # Panics
    /// When `place` is 7 or more.
    pub fn place_mut(&mut self, place: usize) -> &mut Option<FloatLowRank> {
        let places = [
            &mut self.q,
            &mut self.k,
            &mut self.v,
            &mut self.o,
            &mut self.gate,
            &mut self.up,
            &mut self.down,
        ];
        places.into_iter().nth(place).expect("seven places")
    }
}

/// A LoRA adapter: `h += (alpha / rank) * B (A x)`, where `x` is the very input of the base
/// projection: the gained norm for q, k, v, gate and up, the mixed values for o,
/// `silu(gate) * up` for down.
#[derive(Debug, Clone, PartialEq)]
pub struct FloatAdapter {
    /// Rank of every path.
    pub rank: u32,
    /// Scale, divided by the rank.
    pub alpha: f32,
    /// One entry per layer.
    pub layers: Vec<FloatAdapterLayer>,
}

impl FloatAdapter {
    /// `alpha / rank`.
    #[must_use]
    pub fn scale(&self) -> f64 {
        f64::from(self.alpha) / f64::from(self.rank.max(1))
    }

    /// Number of trained values.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        let places = self.layers.iter().flat_map(FloatAdapterLayer::places).flatten();
        places.map(|low| (low.a.values.len() + low.b.values.len()) as u64).sum()
    }

    /// Checks every size against the base's shape and every value for finiteness.
    pub fn check(&self, shape: &Shape) -> Result<(), ModelError> {
        let unsupported = |feature: &str, found: String| ModelError::UnsupportedFeature {
            feature: feature.into(),
            found,
        };
        if !(1..=256).contains(&self.rank) {
            return Err(unsupported("adapter rank outside 1 to 256", self.rank.to_string()));
        }
        if !self.alpha.is_finite() {
            return Err(unsupported("lora_alpha", self.alpha.to_string()));
        }
        if self.layers.len() != shape.layers as usize {
            return Err(ModelError::ShapeMismatch {
                tensor: "adapter layers".into(),
                found: vec![self.layers.len()],
                expected: vec![shape.layers as usize],
            });
        }
        let rank = self.rank as usize;
        for (index, layer) in self.layers.iter().enumerate() {
            for ((name, rows, cols), low) in shape.projections().into_iter().zip(layer.places()) {
                let Some(low) = low else { continue };
                check_matrix(&format!("adapter layer {index} {name} A"), &low.a, rank, cols)?;
                check_matrix(&format!("adapter layer {index} {name} B"), &low.b, rows, rank)?;
            }
        }
        Ok(())
    }
}

/// An integer adapter with its base, as an `.exi8` file holds it.
#[derive(Debug, Clone)]
pub struct QuantizedAdapter {
    /// The adapter to run.
    pub adapter: Arc<Adapter>,
    /// Digest of the base's `.exi8` file.
    pub base: Digest,
    /// Whether a row is so large that a clamp may fire.
    pub may_clamp: bool,
    bytes: Arc<Vec<u8>>,
    digest: Digest,
}

impl QuantizedAdapter {
    pub(crate) fn new(adapter: Arc<Adapter>, base: Digest, may_clamp: bool) -> Self {
        let bytes = Arc::new(adapter_file::write_adapter(&adapter, &base, may_clamp));
        let digest = Digest::of(&bytes);
        Self { adapter, base, may_clamp, bytes, digest }
    }

    /// The `.exi8` file.
    #[must_use]
    pub fn to_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// BLAKE3 of the `.exi8` file: the adapter's identity.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// Converts an adapter for one base model.
pub fn quantize_adapter(
    float: &FloatAdapter,
    base: &QuantizedModel,
) -> Result<QuantizedAdapter, ModelError> {
    let shape = base.model.shape;
    float.check(&shape)?;
    let mut may_clamp = false;
    let mut layers = Vec::with_capacity(float.layers.len());
    for (index, layer) in float.layers.iter().enumerate() {
        let base_layer = &base.model.layers[index];
        let norms = [&base_layer.attention_norm, &base_layer.mlp_norm];
        let gains = [&base.fold.gains[2 * index], &base.fold.gains[2 * index + 1]];
        let mut places: [Option<LowRank>; 7] = Default::default();
        let linears = base_layer.linears().into_iter().zip(layer.places());
        for (place, (linear, low)) in linears.enumerate() {
            let Some(low) = low else { continue };
            // q, k and v read the first norm, gate and up the second, o and down no norm.
            let source = [Some(0), Some(0), Some(0), None, Some(1), Some(1), None][place];
            let fold = source.map(|norm: usize| (gains[norm].as_slice(), norms[norm]));
            let scale = float.scale() * if place == 0 { query_fold(&shape) } else { 1.0 };
            let what = format!("adapter layer {index}");
            places[place] = Some(convert(&what, low, fold, scale)?);
            may_clamp |= fold.is_some_and(|fold| exceeds(low, fold, scale, linear));
        }
        let [q, k, v, o, gate, up, down] = places;
        layers.push(AdapterLayer { q, k, v, o, gate, up, down });
    }
    let adapter = Adapter { layers };
    adapter.check(&base.model)?;
    Ok(QuantizedAdapter::new(Arc::new(adapter), base.digest(), may_clamp))
}

fn convert(
    what: &str,
    low: &FloatLowRank,
    fold: Option<(&[f32], &Norm)>,
    scale: f64,
) -> Result<LowRank, ModelError> {
    let mut a = match fold {
        None => as_f64(&low.a),
        Some((gain, norm)) => fold_columns(&low.a, &column_fold(gain, norm), 1.0),
    };
    let mut b = as_f64(&low.b);
    b.values.iter_mut().for_each(|v| *v *= scale);
    balance(&mut a, &mut b);
    let (rank, cols) = (low.a.rows, low.a.cols);
    let (weights, exponent) = quantize_whole(&a);
    let a = Linear::new(&format!("{what} A"), (rank, cols), &weights, &vec![exponent; rank])?;
    Ok(LowRank::new(a, pack(&format!("{what} B"), &b)?)?)
}

/// Row `r` of A times `2^a_r`, column `r` of B times `2^-a_r`, so that A's rows are alike.
fn balance(a: &mut Rows, b: &mut Rows) {
    let largest = |row: &[f64]| row.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    let maxima: Vec<f64> = a.iter().map(largest).collect();
    let top = maxima.iter().copied().fold(0.0, f64::max);
    let rank = maxima.len();
    for (r, max) in maxima.into_iter().enumerate() {
        if max == 0.0 {
            continue;
        }
        let shift = ((top / max).log2().floor() as i32).clamp(0, 20);
        let factor = (2.0f64).powi(shift);
        let cols = a.cols;
        a.values[r * cols..(r + 1) * cols].iter_mut().for_each(|v| *v *= factor);
        b.values.iter_mut().skip(r).step_by(rank).for_each(|v| *v /= factor);
    }
}

/// A whole matrix with one exponent: the better of two.
fn quantize_whole(rows: &Rows) -> (Vec<i8>, i8) {
    let whole = Rows { cols: rows.values.len(), values: rows.values.clone() };
    let (weights, exponents) = quantize_rows(&whole);
    (weights, exponents[0])
}

/// Whether a folded row of `scale * B A` exceeds 0.75 of the site's bound.
fn exceeds(low: &FloatLowRank, fold: (&[f32], &Norm), scale: f64, base: &Linear) -> bool {
    let (gain, norm) = fold;
    let plain = Norm { shifts: vec![0; gain.len()], fraction: norm.fraction };
    let a = fold_columns(&low.a, &column_fold(gain, &plain), scale);
    let slack = 1.0 + (gain.len() as f64).sqrt() / 254.0;
    let bound = 0.75 * largest_base_row(base, norm) * slack;
    let mut row = vec![0.0; a.cols];
    low.b.values.chunks_exact(low.b.cols).any(|b| {
        row.fill(0.0);
        for (&b, a) in b.iter().zip(a.iter()) {
            row.iter_mut().zip(a).for_each(|(sum, a)| *sum += f64::from(b) * a);
        }
        norm2(&row) > bound
    })
}

fn largest_base_row(linear: &Linear, norm: &Norm) -> f64 {
    let weights = linear.row_major();
    let rows = weights.chunks_exact(linear.cols()).zip(linear.exponents());
    rows.map(|(row, &exponent)| {
        let scaled = row.iter().zip(&norm.shifts);
        let real = scaled.map(|(&w, &c)| f64::from(w) / f64::from(1u32 << c));
        norm2(&real.collect::<Vec<_>>()) * (2.0f64).powi(-exponent)
    })
    .fold(0.0, f64::max)
}
