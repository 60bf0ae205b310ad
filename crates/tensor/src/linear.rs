//! A matrix of i8 weights with one power-of-two exponent per output, stored as the kernels read it.

use crate::error::TensorError;

/// Most inputs of one dot product: 255 * 127 * 32,768 stays below 2^31.
pub const MAX_INPUTS: usize = 32_768;

/// Outputs per block and inputs per group of the packed layout.
pub(crate) const BLOCK: usize = 16;
pub(crate) const GROUP: usize = 4;

/// Sixteen outputs times four consecutive inputs: one 512-bit register.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct Lane(pub(crate) [i8; BLOCK * GROUP]);

/// `rows x cols` weights `W` with exponents `w`: the real row `j` is `W_j * 2^-w_j`.
#[derive(Clone, PartialEq, Eq)]
pub struct Linear {
    rows: usize,
    cols: usize,
    lanes: Vec<Lane>,
    exponents: Vec<i32>,
    /// Smallest exponent: decides whether every rounding shift goes right.
    least: i32,
    /// 128 times the sum of each row's weights, padded to whole blocks: activations are stored
    /// as bytes with zero point 128.
    offsets: Vec<i32>,
}

impl std::fmt::Debug for Linear {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Linear({} x {})", self.rows, self.cols)
    }
}

impl Linear {
    /// Packs row-major weights. `what` names the matrix in refusals.
    pub fn new(
        what: &str,
        (rows, cols): (usize, usize),
        weights: &[i8],
        exponents: &[i8],
    ) -> Result<Self, TensorError> {
        if cols == 0 || cols > MAX_INPUTS {
            return Err(TensorError::OutOfRange {
                what: "inputs of a matrix",
                value: cols as i64,
                low: 1,
                high: MAX_INPUTS as i64,
            });
        }
        let expected = rows.saturating_mul(cols);
        if weights.len() != expected {
            let what = what.to_owned();
            return Err(TensorError::WrongSize { what, found: weights.len(), expected });
        }
        if exponents.len() != rows {
            let what = format!("{what} exponents");
            return Err(TensorError::WrongSize { what, found: exponents.len(), expected: rows });
        }
        if weights.contains(&i8::MIN) {
            return Err(TensorError::ForbiddenValue { what: what.to_owned() });
        }
        Ok(Self::pack(rows, cols, weights, exponents))
    }

    fn pack(rows: usize, cols: usize, weights: &[i8], exponents: &[i8]) -> Self {
        let (blocks, groups) = (rows.div_ceil(BLOCK), cols.div_ceil(GROUP));
        let mut lanes = vec![Lane([0; BLOCK * GROUP]); blocks * groups];
        let mut offsets = vec![0i32; blocks * BLOCK];
        for (row, values) in weights.chunks_exact(cols).enumerate() {
            let (block, lane) = (row / BLOCK, row % BLOCK);
            let mut sum = 0i32;
            for (col, &weight) in values.iter().enumerate() {
                lanes[block * groups + col / GROUP].0[lane * GROUP + col % GROUP] = weight;
                sum += i32::from(weight);
            }
            offsets[row] = 128 * sum;
        }
        let least = exponents.iter().copied().min().unwrap_or(0).into();
        let exponents = exponents.iter().map(|&e| i32::from(e)).collect();
        Self { rows, cols, lanes, exponents, least, offsets }
    }

    /// Number of outputs.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of inputs.
    #[must_use]
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// One weight.
    #[must_use]
    pub fn weight(&self, row: usize, col: usize) -> i8 {
        let lane = row / BLOCK * self.groups() + col / GROUP;
        self.lanes[lane].0[row % BLOCK * GROUP + col % GROUP]
    }

    /// All weights, row-major: what files and hashes hold.
    #[must_use]
    pub fn row_major(&self) -> Vec<i8> {
        let mut out = Vec::with_capacity(self.rows * self.cols);
        for row in 0..self.rows {
            out.extend((0..self.cols).map(|col| self.weight(row, col)));
        }
        out
    }

    /// One exponent per output.
    #[must_use]
    pub fn exponents(&self) -> &[i32] {
        &self.exponents
    }

    /// Outputs rounded up to whole blocks.
    pub(crate) fn padded_rows(&self) -> usize {
        self.rows.div_ceil(BLOCK) * BLOCK
    }

    pub(crate) fn groups(&self) -> usize {
        self.cols.div_ceil(GROUP)
    }

    pub(crate) fn least_exponent(&self) -> i32 {
        self.least
    }

    pub(crate) fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    pub(crate) fn offsets(&self) -> &[i32] {
        &self.offsets
    }
}
