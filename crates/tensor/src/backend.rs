//! Where a step is computed: instruction set and threads. Neither changes a single bit.

use std::sync::Arc;

use crate::kernels::{self, Kernels};

/// Instruction sets that have kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Isa {
    /// Plain Rust, every platform.
    Portable,
    /// x86-64 with AVX2.
    Avx2,
    /// x86-64 with AVX-512 F, BW, VL and VNNI.
    Avx512Vnni,
}

impl Isa {
    /// The sets this machine has, slowest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let all = [Self::Portable, Self::Avx2, Self::Avx512Vnni];
        all.into_iter().filter(|&isa| kernels::table(isa).is_some()).collect()
    }
}

/// The chosen kernels and, optionally, a thread pool.
#[derive(Clone)]
pub struct Backend {
    kernels: &'static Kernels,
    pool: Option<Arc<rayon::ThreadPool>>,
}

impl Default for Backend {
    /// The fastest kernels of this machine, on the calling thread.
    fn default() -> Self {
        let best = [Isa::Avx512Vnni, Isa::Avx2].into_iter().find_map(kernels::table);
        Self { kernels: best.unwrap_or(&kernels::PORTABLE), pool: None }
    }
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Backend({:?}, {} threads)", self.isa(), self.threads())
    }
}

impl Backend {
    /// Uses one instruction set; `None` when this machine lacks it.
    #[must_use]
    pub fn with_isa(self, isa: Isa) -> Option<Self> {
        Some(Self { kernels: kernels::table(isa)?, ..self })
    }

    /// Spreads segments over a pool.
    #[must_use]
    pub fn with_pool(self, pool: Arc<rayon::ThreadPool>) -> Self {
        Self { pool: Some(pool), ..self }
    }

    /// The instruction set in use.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.kernels.isa
    }

    /// How many threads share a step.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.pool.as_ref().map_or(1, |pool| pool.current_num_threads())
    }

    pub(crate) fn kernels(&self) -> &'static Kernels {
        self.kernels
    }

    pub(crate) fn pool(&self) -> Option<&rayon::ThreadPool> {
        self.pool.as_deref()
    }
}
