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

/// Exact sums `W_j . x`, limbs joined, rows padded to whole blocks.
struct Sums {
    stride: usize,
    values: Vec<i32>,
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
            let mut out = vec![0; count * stride];
            (kernels.dot)(linear.lanes(), linear.offsets(), bytes, &mut out);
            out
        };
        let mut values = sums(high);
        if !low.values.is_empty() {
            (kernels.join)(&mut values, &sums(low));
        }
        Self { stride, values }
    }

    fn row(&self, row: usize) -> &[i32] {
        &self.values[row * self.stride..(row + 1) * self.stride]
    }

    /// Unclamped values of one row; false when one of them does not fit.
    fn requant(&self, kernels: &Kernels, row: usize, rule: Rule<'_>, out: &mut [i32]) -> bool {
        let Rule { linear, shift } = rule;
        let rule = Requant { exponents: linear.exponents(), shift };
        if linear.least_exponent() + shift >= 1 {
            (kernels.requant_right)(self.row(row), rule, out);
            return true;
        }
        (kernels.requant_any)(self.row(row), rule, out)
    }
}

/// The shift of each output is its exponent in `linear` plus `shift`.
#[derive(Clone, Copy)]
struct Rule<'a> {
    linear: &'a Linear,
    shift: i32,
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
            let base = (&sums, at, Rule { linear, shift });
            finish_row(kernels, base, terms.as_ref().map(|t| (t, at - row)), target, out);
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
        let z: Vec<i32> =
            (0..rows.len()).flat_map(|row| &shrunk.row(row)[..rank]).copied().collect();
        let fractions = rows.map(|row| low.a_exponent() + x.sum_fraction(row));
        let z = Activations::quantise(kernels, &z, rank, fractions, LimbCount::One);
        let sums = Sums::of(kernels, low.b(), &z, 0..z.rows);
        Self { b: low.b(), sums, fractions: z.fractions }
    }
}

fn finish_row(
    kernels: &Kernels,
    base: (&Sums, usize, Rule<'_>),
    term: Option<(&Term<'_>, usize)>,
    target: Target,
    out: &mut [i32],
) {
    let (sums, row, rule) = base;
    let mut fits = sums.requant(kernels, row, rule, out);
    let term = term.map(|(term, row)| {
        let rule = Rule { linear: term.b, shift: term.fractions[row] - target.fraction };
        (&term.sums, row, rule)
    });
    if let Some((sums, row, rule)) = term {
        let mut add = vec![0; out.len()];
        fits &= sums.requant(kernels, row, rule, &mut add);
        // Both sides fit in 31 bits, or the row is done again below.
        out.iter_mut().zip(add).for_each(|(h, add)| *h = h.wrapping_add(add));
    }
    if fits {
        (kernels.clamp)(out, target.bound);
    } else {
        finish_row_exactly(base, term, target, out);
    }
}

/// The rare row that a left shift carries out of 31 bits: wide integers, as in the reference.
fn finish_row_exactly(
    base: (&Sums, usize, Rule<'_>),
    term: Option<(&Sums, usize, Rule<'_>)>,
    target: Target,
    out: &mut [i32],
) {
    let value = |(sums, row, rule): (&Sums, usize, Rule<'_>), j: usize| {
        rsh(sums.row(row)[j].into(), rule.linear.exponents()[j] + rule.shift)
    };
    for (j, out) in out.iter_mut().enumerate() {
        let low = term.map_or(0, |term| value(term, j));
        *out = sat(value(base, j) + low, target.bound);
    }
}
