//! The header's extraData: milliseconds and consensus context in 32 bytes.

use alloy_consensus::Header;
use alloy_primitives::Bytes;

/// What extraData says. Stock tools accept headers of up to 32 bytes there.
///
/// Layout, big-endian: `timestamp_ms u64 · epoch u32 · view u64 · parent_view u64 · leader u32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeaderContext {
    /// Milliseconds since 1970; the header's seconds are these over 1,000.
    pub timestamp_ms: u64,
    /// Consensus epoch.
    pub epoch: u32,
    /// Consensus view.
    pub view: u64,
    /// View of the parent.
    pub parent_view: u64,
    /// Index of the proposer in the committee.
    pub leader: u32,
}

impl HeaderContext {
    /// The 32 bytes.
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(32);
        out.extend_from_slice(&self.timestamp_ms.to_be_bytes());
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.extend_from_slice(&self.view.to_be_bytes());
        out.extend_from_slice(&self.parent_view.to_be_bytes());
        out.extend_from_slice(&self.leader.to_be_bytes());
        out.into()
    }

    /// Reads a header's context; `None` when it has another shape.
    pub fn decode(header: &Header) -> Option<Self> {
        let mut rest = header.extra_data.as_ref();
        let context = Self {
            timestamp_ms: u64::from_be_bytes(take(&mut rest)?),
            epoch: u32::from_be_bytes(take(&mut rest)?),
            view: u64::from_be_bytes(take(&mut rest)?),
            parent_view: u64::from_be_bytes(take(&mut rest)?),
            leader: u32::from_be_bytes(take(&mut rest)?),
        };
        rest.is_empty().then_some(context)
    }

    /// Header seconds.
    pub fn timestamp(&self) -> u64 {
        self.timestamp_ms / 1_000
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_fills_32_bytes_and_comes_back() {
        let context = HeaderContext {
            timestamp_ms: 1_767_225_600_123,
            epoch: 2,
            view: 3,
            parent_view: 4,
            leader: 5,
        };
        let header = Header { extra_data: context.encode(), ..Header::default() };
        assert_eq!(header.extra_data.len(), 32);
        assert_eq!(HeaderContext::decode(&header), Some(context));
        assert_eq!(context.timestamp(), 1_767_225_600);
        let long = Header { extra_data: vec![0; 33].into(), ..Header::default() };
        assert_eq!(HeaderContext::decode(&long), None);
        assert_eq!(HeaderContext::decode(&Header::default()), None);
    }
}
