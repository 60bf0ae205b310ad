//! Quantised activation rows and their product with a projection, adapters included.

use crate::adapter::LowRank;
use crate::kernels::{Bytes, Kernels, Requant};
use crate::linear::{GROUP, Linear};
use crate::model::LimbCount;
use crate::rounding::{exponent_one, exponent_two, rsh, sat};

/// Rows of quantised activations, as bytes with zero point 128.
pub(crate) struct Activations {
    rows: usize,
    groups: usize,
    high: Vec<u8>,
    /// Low limbs; empty when there is one limb.
    low: Vec<u8>,
    /// Fraction of each row.
    fractions: Vec<i32>,
}

impl Activations {
    /// Quantises `values`, rows of `cols` values at their own `fractions`.
    pub(crate) fn quantise(
        kernels: &Kernels,
        values: &[i32],
        cols: usize,
        fractions: impl Iterator<Item = i32>,
        limbs: LimbCount,
    ) -> Self {
        let (rows, groups) = (values.len() / cols, cols.div_ceil(GROUP));
        let width = groups * GROUP;
        let mut out = Self {
            rows,
            groups,
            high: vec![128; rows * width],
            low: vec![128; if limbs == LimbCount::Two { rows * width } else { 0 }],
            fractions: Vec::with_capacity(rows),
        };
        for (index, (row, fraction)) in values.chunks_exact(cols).zip(fractions).enumerate() {
            let max = (kernels.max_abs)(row);
            let high = &mut out.high[index * width..][..cols];
            let exponent = match limbs {
                LimbCount::One => {
                    let exponent = exponent_one(max);
                    (kernels.quantise_one)(row, exponent, high);
                    exponent
                }
                LimbCount::Two => {
                    let exponent = exponent_two(max);
                    let low = &mut out.low[index * width..][..cols];
                    (kernels.quantise_two)(row, exponent, high, low);
                    exponent
                }
            };
            out.fractions.push(fraction - exponent);
        }
        out
    }

    fn limbs(&self) -> LimbCount {
        if self.low.is_empty() { LimbCount::One } else { LimbCount::Two }
    }

    /// Fraction of `W . x` without the weight's exponent.
    fn sum_fraction(&self, row: usize) -> i32 {
        match self.limbs() {
            LimbCount::One => self.fractions[row],
            LimbCount::Two => self.fractions[row] - 7,
        }
    }

    fn slice(&self, rows: std::ops::Range<usize>) -> (Bytes<'_>, Bytes<'_>) {
        let width = self.groups * GROUP;
        let bytes = |values: &'_ [u8]| -> std::ops::Range<usize> {
            if values.is_empty() { 0..0 } else { rows.start * width..rows.end * width }
        };
        let (groups, high, low) = (self.groups, bytes(&self.high), bytes(&self.low));
        (Bytes { groups, values: &self.high[high] }, Bytes { groups, values: &self.low[low] })
    }
}

/// Exact sums `W_j . x`, one or two limbs, rows padded to whole blocks.
struct Sums {
    stride: usize,
    high: Vec<i32>,
    low: Vec<i32>,
}

impl Sums {
    fn of(
        kernels: &Kernels,
        linear: &Linear,
        x: &Activations,
        rows: std::ops::Range<usize>,
    ) -> Self {
        let stride = linear.padded_rows();
        let count = rows.len();
        let (high, low) = x.slice(rows);
        let sums = |bytes: Bytes<'_>| {
            if bytes.values.is_empty() {
                return Vec::new();
            }
            let mut out = vec![0; count * stride];
            (kernels.dot)(linear.lanes(), linear.offsets(), bytes, &mut out);
            out
        };
        Self { stride, high: sums(high), low: sums(low) }
    }

    /// The joined sum of one output of one row.
    fn joined(&self, row: usize, output: usize) -> i128 {
        let at = row * self.stride + output;
        let low = self.low.get(at).map_or(0, |&low| rsh(low.into(), 7));
        i128::from(self.high[at]) + low
    }

    /// Unclamped values of one row; every shift must go right.
    fn requant(&self, kernels: &Kernels, row: usize, rule: Requant<'_>, out: &mut [i32]) {
        let range = row * self.stride..row * self.stride + out.len();
        if self.low.is_empty() {
            (kernels.requant_one)(&self.high[range], rule, out);
        } else {
            (kernels.requant_two)(&self.high[range.clone()], &self.low[range], rule, out);
        }
    }
}

/// Where a projection's values go: fraction and clamp.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) fraction: i32,
    pub(crate) bound: i32,
}

/// `sat(rsh(W x) + rsh(B z), bound)` for every row; `low_rank(row)` gives each row's adapter path.
pub(crate) fn project<'a>(
    kernels: &Kernels,
    linear: &Linear,
    x: &Activations,
    low_rank: impl Fn(usize) -> Option<&'a LowRank>,
    target: Target,
) -> Vec<i32> {
    let cols = linear.rows();
    let sums = Sums::of(kernels, linear, x, 0..x.rows);
    let mut out = vec![0; x.rows * cols];
    let mut row = 0;
    while row < x.rows {
        // A run of rows that share an adapter shares its small products.
        let low = low_rank(row);
        let end = (row + 1..x.rows).find(|&next| !same(low, low_rank(next))).unwrap_or(x.rows);
        let terms = low.map(|low| Term::of(kernels, low, x, row..end));
        for at in row..end {
            let out = &mut out[at * cols..(at + 1) * cols];
            let shift = x.sum_fraction(at) - target.fraction;
            let base = (&sums, at, shift);
            finish_row(kernels, linear, base, terms.as_ref().map(|t| (t, at - row)), target, out);
        }
        row = end;
    }
    out
}

fn same(a: Option<&LowRank>, b: Option<&LowRank>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => std::ptr::eq(a, b),
        (None, None) => true,
        _ => false,
    }
}

/// The expanded low-rank term of a run of rows.
struct Term<'a> {
    b: &'a Linear,
    sums: Sums,
    fractions: Vec<i32>,
}

impl<'a> Term<'a> {
    fn of(
        kernels: &Kernels,
        low: &'a LowRank,
        x: &Activations,
        rows: std::ops::Range<usize>,
    ) -> Self {
        let shrunk = Sums::of(kernels, low.a(), x, rows.clone());
        let rank = low.a().rows();
        let z: Vec<i32> = (0..rows.len())
            // A joined sum is below 2^30, so it fits.
            .flat_map(|row| (0..rank).map(move |j| (row, j)))
            .map(|(row, j)| shrunk.joined(row, j) as i32)
            .collect();
        let fractions = rows.map(|row| low.a_exponent() + x.sum_fraction(row));
        let z = Activations::quantise(kernels, &z, rank, fractions, LimbCount::One);
        let sums = Sums::of(kernels, low.b(), &z, 0..z.rows);
        Self { b: low.b(), sums, fractions: z.fractions }
    }
}

fn finish_row(
    kernels: &Kernels,
    linear: &Linear,
    (sums, row, shift): (&Sums, usize, i32),
    term: Option<(&Term<'_>, usize)>,
    target: Target,
    out: &mut [i32],
) {
    let term = term.map(|(term, row)| (term, row, term.fractions[row] - target.fraction));
    let right = |linear: &Linear, shift: i32| linear.least_exponent() + shift >= 1;
    if !right(linear, shift) || term.is_some_and(|(term, _, shift)| !right(term.b, shift)) {
        return finish_row_exactly(linear, (sums, row, shift), term, target, out);
    }
    sums.requant(kernels, row, Requant { exponents: linear.exponents(), shift }, out);
    if let Some((term, row, shift)) = term {
        let mut add = vec![0; out.len()];
        let rule = Requant { exponents: term.b.exponents(), shift };
        term.sums.requant(kernels, row, rule, &mut add);
        // Both sides stay below 2^30 after a right shift.
        out.iter_mut().zip(add).for_each(|(h, add)| *h = h.wrapping_add(add));
    }
    (kernels.clamp)(out, target.bound);
}

/// The rare row with a left shift: wide integers, as in the reference.
fn finish_row_exactly(
    linear: &Linear,
    (sums, row, shift): (&Sums, usize, i32),
    term: Option<(&Term<'_>, usize, i32)>,
    target: Target,
    out: &mut [i32],
) {
    for (j, out) in out.iter_mut().enumerate() {
        let mut h = rsh(sums.joined(row, j), linear.exponents()[j] + shift);
        if let Some((term, row, shift)) = term {
            h += rsh(term.sums.joined(row, j), term.b.exponents()[j] + shift);
        }
        *out = sat(h, target.bound);
    }
}
