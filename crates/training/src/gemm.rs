//! Matrix products on slices: the one place that calls the GEMM kernel.

/// A matrix inside a slice: element (i, j) is `data[i * row + j * col]`.
#[derive(Clone, Copy)]
pub(crate) struct Mat<'a> {
    pub data: &'a [f32],
    pub row: usize,
    pub col: usize,
}

impl<'a> Mat<'a> {
    /// Rows of `width` elements, one after the other.
    pub(crate) fn rows(data: &'a [f32], width: usize) -> Self {
        Self { data, row: width, col: 1 }
    }

    /// The same matrix with rows and columns exchanged.
    pub(crate) fn t(self) -> Self {
        Self { data: self.data, row: self.col, col: self.row }
    }

    fn reach(&self, rows: usize, cols: usize) -> usize {
        (rows - 1) * self.row + (cols - 1) * self.col + 1
    }
}

/// `dst = keep * dst + alpha * lhs * rhs`, where lhs is m x k, rhs k x n and dst has rows of
/// `dst_row` elements.
pub(crate) fn product(
    (dst, dst_row): (&mut [f32], usize),
    (m, k, n): (usize, usize, usize),
    lhs: Mat<'_>,
    rhs: Mat<'_>,
    (keep, alpha): (bool, f32),
) {
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    assert!(dst_row >= n && dst.len() >= (m - 1) * dst_row + n, "product: destination too small");
    assert!(lhs.data.len() >= lhs.reach(m, k), "product: left side too small");
    assert!(rhs.data.len() >= rhs.reach(k, n), "product: right side too small");
    // SAFETY: the assertions above keep every access inside the three slices, and the borrow
    // rules keep the destination apart from both sources.
    #[allow(unsafe_code)]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            dst.as_mut_ptr(),
            1,
            dst_row as isize,
            keep,
            lhs.data.as_ptr(),
            lhs.col as isize,
            lhs.row as isize,
            rhs.data.as_ptr(),
            rhs.col as isize,
            rhs.row as isize,
            1.0,
            alpha,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_equals_the_sums_by_hand() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let b = [1.0, 0.0, -1.0, 2.0, 1.0, 1.0];
        let mut c = [10.0; 4];
        product((&mut c, 2), (2, 3, 2), Mat::rows(&a, 3), Mat::rows(&b, 2), (true, 2.0));
        assert_eq!(c, [10.0 + 4.0, 10.0 + 14.0, 10.0 + 10.0, 10.0 + 32.0]);
        let mut d = [0.0; 4];
        product((&mut d, 2), (2, 3, 2), Mat::rows(&a, 3), Mat::rows(&b, 3).t(), (false, 1.0));
        assert_eq!(d, [-2.0, 7.0, -2.0, 19.0]);
    }
}
