//! Unmerged low-rank adapters: a small second path beside a base projection.

use crate::error::TensorError;
use crate::linear::Linear;
use crate::model::Model;

/// Highest rank an adapter may have.
pub(crate) const MAX_RANK: usize = 256;

/// `h += B (A x)` with the rank balanced so that `A` has one exponent for all rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LowRank {
    a: Linear,
    b: Linear,
}

impl LowRank {
    /// Joins the two factors. `a` must carry the same exponent on every row.
    pub fn new(a: Linear, b: Linear) -> Result<Self, TensorError> {
        let rank = a.rows();
        if rank == 0 || rank > MAX_RANK {
            let (value, high) = (rank as i64, MAX_RANK as i64);
            return Err(TensorError::OutOfRange { what: "adapter rank", value, low: 1, high });
        }
        if b.cols() != rank {
            let what = "adapter B inputs".to_owned();
            return Err(TensorError::WrongSize { what, found: b.cols(), expected: rank });
        }
        let first = a.exponents()[0];
        if let Some(&other) = a.exponents().iter().find(|&&e| e != first) {
            let (value, low) = (i64::from(other), i64::from(first));
            return Err(TensorError::OutOfRange {
                what: "adapter A exponent",
                value,
                low,
                high: low,
            });
        }
        Ok(Self { a, b })
    }

    /// The shrinking factor, `rank x inputs`.
    #[must_use]
    pub fn a(&self) -> &Linear {
        &self.a
    }

    /// The expanding factor, `outputs x rank`.
    #[must_use]
    pub fn b(&self) -> &Linear {
        &self.b
    }

    /// The one exponent of `A`.
    #[must_use]
    pub fn a_exponent(&self) -> i32 {
        self.a.exponents()[0]
    }
}

/// The low-rank paths of one layer, each optional.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdapterLayer {
    /// Query projection.
    pub q: Option<LowRank>,
    /// Key projection.
    pub k: Option<LowRank>,
    /// Value projection.
    pub v: Option<LowRank>,
    /// Attention output projection.
    pub o: Option<LowRank>,
    /// Gate projection.
    pub gate: Option<LowRank>,
    /// Up projection.
    pub up: Option<LowRank>,
    /// Down projection.
    pub down: Option<LowRank>,
}

impl AdapterLayer {
    /// The seven places in file order, with their names.
    #[must_use]
    pub fn places(&self) -> [(&'static str, Option<&LowRank>); 7] {
        [
            ("q", self.q.as_ref()),
            ("k", self.k.as_ref()),
            ("v", self.v.as_ref()),
            ("o", self.o.as_ref()),
            ("gate", self.gate.as_ref()),
            ("up", self.up.as_ref()),
            ("down", self.down.as_ref()),
        ]
    }
}

/// A whole adapter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Adapter {
    /// One entry per layer of the base.
    pub layers: Vec<AdapterLayer>,
}

impl Adapter {
    /// Checks that every path fits the projection it stands beside.
    pub fn check(&self, model: &Model) -> Result<(), TensorError> {
        if self.layers.len() != model.layers().len() {
            let (found, expected) = (self.layers.len(), model.layers().len());
            return Err(TensorError::AdapterLayers { found, expected });
        }
        for (index, (layer, base)) in self.layers.iter().zip(model.layers()).enumerate() {
            for ((name, low_rank), linear) in layer.places().into_iter().zip(base.linears()) {
                let Some(low_rank) = low_rank else { continue };
                let pairs = [
                    ("inputs", low_rank.a.cols(), linear.cols()),
                    ("outputs", low_rank.b.rows(), linear.rows()),
                ];
                for (side, found, expected) in pairs {
                    if found != expected {
                        let what = format!("adapter layer {index} {name} {side}");
                        return Err(TensorError::WrongSize { what, found, expected });
                    }
                }
            }
        }
        Ok(())
    }
}
