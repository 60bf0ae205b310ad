//! The `.exi8` container of an adapter.

use std::sync::Arc;

use tributary_primitives::Digest;
use tributary_tensor::{Adapter, AdapterLayer, Linear, LowRank};

use crate::adapter::QuantizedAdapter;
use crate::bytes::{Cursor, Sink};
use crate::error::ModelError;
use crate::file::{KIND_ADAPTER, header, read_linear, write_header, write_linear};
use crate::fold::QuantizedModel;

const FILE: &str = "EXI8 adapter";

impl QuantizedAdapter {
    /// Reads an `.exi8` adapter made for this base. Every byte must be the one that writing
    /// would produce.
    pub fn from_bytes(bytes: &[u8], base: &QuantizedModel) -> Result<Self, ModelError> {
        let mut cursor = Cursor::new(FILE, bytes);
        header(&mut cursor, KIND_ADAPTER)?;
        let digest = Digest(cursor.digest("base digest")?);
        if digest != base.digest() {
            let (found, expected) = (digest.to_string(), base.digest().to_string());
            return Err(ModelError::ForeignBase { found, expected });
        }
        let may_clamp = cursor.u8("clamp flag")? == 1;
        let layers = cursor.u32("layers")?;
        if layers != base.model.shape.layers {
            let expected = base.model.shape.layers;
            return Err(cursor.damaged(format!("{layers} layers, the base has {expected}")));
        }
        let layers: Result<Vec<_>, _> =
            (0..layers).map(|i| read_layer(&mut cursor, i, base)).collect();
        cursor.end()?;
        let adapter = Adapter { layers: layers? };
        adapter.check(&base.model)?;
        let read = Self::new(Arc::new(adapter), digest, may_clamp);
        if read.to_bytes() != bytes {
            return Err(cursor.damaged("the encoding is not the canonical one"));
        }
        Ok(read)
    }

    /// The base that an adapter file names, before the base is at hand.
    pub fn base_of(bytes: &[u8]) -> Result<Digest, ModelError> {
        let mut cursor = Cursor::new(FILE, bytes);
        header(&mut cursor, KIND_ADAPTER)?;
        Ok(Digest(cursor.digest("base digest")?))
    }
}

/// Encodes an adapter.
pub(crate) fn write_adapter(adapter: &Adapter, base: &Digest, may_clamp: bool) -> Vec<u8> {
    let mut sink = Sink::default();
    write_header(&mut sink, KIND_ADAPTER);
    sink.bytes(&base.0).u8(u8::from(may_clamp)).u32(adapter.layers.len() as u32);
    for layer in &adapter.layers {
        let places = layer.places();
        let bits = places.iter().enumerate().filter(|(_, (_, low))| low.is_some());
        sink.u8(bits.fold(0, |mask, (place, _)| mask | 1 << place));
        for low in places.iter().filter_map(|(_, low)| *low) {
            sink.bytes(&(low.a().rows() as u16).to_le_bytes());
            sink.i8s([low.a_exponent() as i8]).i8s(low.a().row_major());
            write_linear(&mut sink, low.b());
        }
    }
    sink.0
}

fn read_layer(
    cursor: &mut Cursor<'_>,
    index: u32,
    base: &QuantizedModel,
) -> Result<AdapterLayer, ModelError> {
    let mask = cursor.u8("places")?;
    let mut places: [Option<LowRank>; 7] = Default::default();
    let shape = base.model.shape;
    for (place, (name, rows, cols)) in shape.projections().into_iter().enumerate() {
        if mask >> place & 1 == 0 {
            continue;
        }
        let what = format!("layer {index} {name}");
        let rank = usize::from(cursor.u16(&what)?);
        let exponent = cursor.i8(&what)?;
        let weights = cursor.i8s(&what, rank * cols)?;
        let a = Linear::new(&what, (rank, cols), &weights, &vec![exponent; rank])?;
        if rank == 0 {
            return Err(cursor.damaged(format!("{what} has rank 0")));
        }
        places[place] = Some(LowRank::new(a, read_linear(cursor, &what, rows, rank)?)?);
    }
    let [q, k, v, o, gate, up, down] = places;
    Ok(AdapterLayer { q, k, v, o, gate, up, down })
}
