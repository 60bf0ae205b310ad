//! Solidity's storage layout: packed records, mappings, arrays and strings, each table at its own
//! ERC-7201 slot.

use std::marker::PhantomData;
use std::sync::OnceLock;

use alloy_primitives::{Address, B256, U256, keccak256};

use crate::fault::{Result, revert};
use crate::session::Session;
use tributary_contracts::IModule;

/// A value that fits into one slot.
pub(crate) trait Word: Copy + Default {
    /// Width in storage.
    const BITS: usize;
    /// Right-aligned.
    fn to_word(self) -> U256;
    /// From a right-aligned word; higher bits are ignored.
    fn from_word(word: U256) -> Self;
}

macro_rules! unsigned_words {
    ($($kind:ty => $bits:literal),*) => {$(
        impl Word for $kind {
            const BITS: usize = $bits;
            fn to_word(self) -> U256 {
                U256::from(self)
            }
            fn from_word(word: U256) -> Self {
                word.wrapping_to::<$kind>()
            }
        }
    )*};
}

unsigned_words!(u8 => 8, u32 => 32, u64 => 64, u128 => 128);

impl Word for bool {
    const BITS: usize = 8;
    fn to_word(self) -> U256 {
        U256::from(u8::from(self))
    }
    fn from_word(word: U256) -> Self {
        word.wrapping_to::<u8>() != 0
    }
}

impl Word for U256 {
    const BITS: usize = 256;
    fn to_word(self) -> U256 {
        self
    }
    fn from_word(word: U256) -> Self {
        word
    }
}

impl Word for B256 {
    const BITS: usize = 256;
    fn to_word(self) -> U256 {
        self.into()
    }
    fn from_word(word: U256) -> Self {
        word.into()
    }
}

impl Word for Address {
    const BITS: usize = 160;
    fn to_word(self) -> U256 {
        self.into_word().into()
    }
    fn from_word(word: U256) -> Self {
        Address::from_word(word.into())
    }
}

/// A struct in storage, packed as Solidity packs it.
pub(crate) trait Record: Default {
    /// Slots it takes.
    const SLOTS: usize;
    /// Its slots' contents.
    fn pack(&self) -> Vec<U256>;
    /// From its slots' contents.
    fn unpack(words: &[U256]) -> Self;
}

/// How many slots fields of these widths take.
pub(crate) const fn slots(widths: &[usize]) -> usize {
    let (mut slots, mut used, mut at) = (0, 256, 0);
    while at < widths.len() {
        if used + widths[at] > 256 {
            slots += 1;
            used = 0;
        }
        used += widths[at];
        at += 1;
    }
    slots
}

/// Writes fields in order, lowest bits first.
#[derive(Default)]
pub(crate) struct Packer {
    words: Vec<U256>,
    used: usize,
}

impl Packer {
    pub(crate) fn put<W: Word>(&mut self, value: W) {
        if self.words.is_empty() || self.used + W::BITS > 256 {
            self.words.push(U256::ZERO);
            self.used = 0;
        }
        if let Some(word) = self.words.last_mut() {
            *word |= value.to_word() << self.used;
        }
        self.used += W::BITS;
    }

    pub(crate) fn finish(self) -> Vec<U256> {
        self.words
    }
}

/// Reads fields in order.
pub(crate) struct Unpacker<'a> {
    words: &'a [U256],
    used: usize,
}

impl<'a> Unpacker<'a> {
    pub(crate) fn new(words: &'a [U256]) -> Self {
        Self { words, used: 0 }
    }

    pub(crate) fn take<W: Word>(&mut self) -> W {
        if self.used + W::BITS > 256 {
            self.words = self.words.get(1..).unwrap_or_default();
            self.used = 0;
        }
        let word = self.words.first().copied().unwrap_or_default();
        let value = word >> self.used;
        self.used += W::BITS;
        W::from_word(if W::BITS == 256 {
            value
        } else {
            value & ((U256::ONE << W::BITS) - U256::ONE)
        })
    }
}

/// Declares a struct and its packed layout in one place.
macro_rules! record {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $kind:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub(crate) struct $name { $($(#[$doc])* pub(crate) $field: $kind),* }

        impl $crate::layout::Record for $name {
            const SLOTS: usize =
                $crate::layout::slots(&[$(<$kind as $crate::layout::Word>::BITS),*]);

            fn pack(&self) -> Vec<alloy_primitives::U256> {
                let mut packer = $crate::layout::Packer::default();
                $(packer.put(self.$field);)*
                packer.finish()
            }

            fn unpack(words: &[alloy_primitives::U256]) -> Self {
                let mut unpacker = $crate::layout::Unpacker::new(words);
                Self { $($field: unpacker.take()),* }
            }
        }
    };
}
pub(crate) use record;

impl<W: Word> Record for One<W> {
    const SLOTS: usize = 1;
    fn pack(&self) -> Vec<U256> {
        vec![self.0.to_word()]
    }
    fn unpack(words: &[U256]) -> Self {
        let mut unpacker = Unpacker::new(words);
        Self(unpacker.take())
    }
}

/// A record of one value.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct One<W>(pub(crate) W);

/// `keccak256(abi.encode(uint256(keccak256(name)) - 1)) & ~0xff`.
pub(crate) fn erc7201(name: &str) -> U256 {
    let inner = U256::from_be_bytes(keccak256(name).0).wrapping_sub(U256::ONE);
    let outer = U256::from_be_bytes(keccak256(inner.to_be_bytes::<32>()).0);
    outer & !U256::from(0xff)
}

/// The root of one table of one module.
pub(crate) struct Root {
    module: Address,
    name: &'static str,
    slot: OnceLock<U256>,
}

impl Root {
    pub(crate) const fn new(module: Address, name: &'static str) -> Self {
        Self { module, name, slot: OnceLock::new() }
    }

    pub(crate) fn slot(&self) -> U256 {
        *self.slot.get_or_init(|| erc7201(self.name))
    }
}

/// Slot of a mapping's element: `keccak256(key . root)`.
fn element(s: &mut Session<'_>, key: U256, root: U256) -> Result<U256> {
    s.charge_keccak(64)?;
    let mut bytes = [0u8; 64];
    bytes[..32].copy_from_slice(&key.to_be_bytes::<32>());
    bytes[32..].copy_from_slice(&root.to_be_bytes::<32>());
    Ok(U256::from_be_bytes(keccak256(bytes).0))
}

fn offset(base: U256, by: u64) -> U256 {
    base.wrapping_add(U256::from(by))
}

/// A single record (parameters, counters).
pub(crate) struct Cell<R>(Root, PhantomData<fn() -> R>);

impl<R: Record> Cell<R> {
    pub(crate) const fn new(module: Address, name: &'static str) -> Self {
        Self(Root::new(module, name), PhantomData)
    }

    pub(crate) fn get(&self, s: &mut Session<'_>) -> Result<R> {
        load(s, self.0.module, self.0.slot())
    }

    pub(crate) fn set(&self, s: &mut Session<'_>, record: &R) -> Result<()> {
        store(s, self.0.module, self.0.slot(), record)
    }

    /// First slot, for genesis and for tools.
    pub(crate) fn slot(&self) -> U256 {
        self.0.slot()
    }

    pub(crate) fn module(&self) -> Address {
        self.0.module
    }
}

fn load<R: Record>(s: &mut Session<'_>, module: Address, slot: U256) -> Result<R> {
    let mut words = Vec::with_capacity(R::SLOTS);
    for at in 0..R::SLOTS as u64 {
        words.push(s.host.sload(module, offset(slot, at))?);
    }
    Ok(R::unpack(&words))
}

fn store<R: Record>(s: &mut Session<'_>, module: Address, slot: U256, record: &R) -> Result<()> {
    for (at, word) in record.pack().into_iter().enumerate() {
        s.host.sstore(module, offset(slot, at as u64), word)?;
    }
    Ok(())
}

/// `mapping(key => record)`; composite keys are nested mappings.
pub(crate) struct Table<R>(Root, PhantomData<fn() -> R>);

impl<R: Record> Table<R> {
    pub(crate) const fn new(module: Address, name: &'static str) -> Self {
        Self(Root::new(module, name), PhantomData)
    }

    fn slot(&self, s: &mut Session<'_>, key: &[U256]) -> Result<U256> {
        let mut slot = self.0.slot();
        for part in key {
            slot = element(s, *part, slot)?;
        }
        Ok(slot)
    }

    pub(crate) fn get(&self, s: &mut Session<'_>, key: impl Key) -> Result<R> {
        let slot = self.slot(s, key.parts().as_ref())?;
        load(s, self.0.module, slot)
    }

    pub(crate) fn set(&self, s: &mut Session<'_>, key: impl Key, record: &R) -> Result<()> {
        let slot = self.slot(s, key.parts().as_ref())?;
        store(s, self.0.module, slot, record)
    }
}

impl Table<One<u128>> {
    /// Sets an amount of coins and tells the host which slot holds it, so that the block's maker
    /// can add up what changed.
    pub(crate) fn set_coins(&self, s: &mut Session<'_>, key: impl Key, coins: u128) -> Result<()> {
        let slot = self.slot(s, key.parts().as_ref())?;
        s.host.touch_bucket(self.0.module, slot);
        store(s, self.0.module, slot, &One(coins))
    }
}

/// `mapping(key => word[])`.
pub(crate) struct Lists<W>(Root, PhantomData<fn() -> W>);

impl<W: Word> Lists<W> {
    pub(crate) const fn new(module: Address, name: &'static str) -> Self {
        Self(Root::new(module, name), PhantomData)
    }

    fn base(&self, s: &mut Session<'_>, key: impl Key) -> Result<U256> {
        let mut slot = self.0.slot();
        for part in key.parts().as_ref() {
            slot = element(s, *part, slot)?;
        }
        Ok(slot)
    }

    fn at(&self, s: &mut Session<'_>, base: U256, index: u64) -> Result<U256> {
        s.charge_keccak(32)?;
        let first = U256::from_be_bytes(keccak256(base.to_be_bytes::<32>()).0);
        Ok(offset(first, index))
    }

    pub(crate) fn len(&self, s: &mut Session<'_>, key: impl Key) -> Result<u64> {
        let base = self.base(s, key)?;
        Ok(s.host.sload(self.0.module, base)?.wrapping_to())
    }

    pub(crate) fn get(&self, s: &mut Session<'_>, key: impl Key, index: u64) -> Result<W> {
        let base = self.base(s, key)?;
        let slot = self.at(s, base, index)?;
        Ok(W::from_word(s.host.sload(self.0.module, slot)?))
    }

    pub(crate) fn set(
        &self,
        s: &mut Session<'_>,
        key: impl Key,
        index: u64,
        value: W,
    ) -> Result<()> {
        let base = self.base(s, key)?;
        let slot = self.at(s, base, index)?;
        s.host.sstore(self.0.module, slot, value.to_word())
    }

    /// Appends and returns the index.
    pub(crate) fn push(&self, s: &mut Session<'_>, key: impl Key, value: W) -> Result<u64> {
        let base = self.base(s, key)?;
        let len: u64 = s.host.sload(self.0.module, base)?.wrapping_to();
        let slot = self.at(s, base, len)?;
        s.host.sstore(self.0.module, slot, value.to_word())?;
        s.host.sstore(self.0.module, base, U256::from(len) + U256::ONE)?;
        Ok(len)
    }

    /// Drops the last element.
    pub(crate) fn pop(&self, s: &mut Session<'_>, key: impl Key) -> Result<()> {
        let base = self.base(s, key)?;
        let len: u64 = s.host.sload(self.0.module, base)?.wrapping_to();
        let Some(last) = len.checked_sub(1) else { return Ok(()) };
        let slot = self.at(s, base, last)?;
        s.host.sstore(self.0.module, slot, U256::ZERO)?;
        s.host.sstore(self.0.module, base, U256::from(last))
    }

    /// Up to `count` (at most `most`) elements from index `from`.
    pub(crate) fn page(&self, s: &mut Session<'_>, key: impl Key, page: Page) -> Result<Vec<W>> {
        let base = self.base(s, key)?;
        let len: u64 = s.host.sload(self.0.module, base)?.wrapping_to();
        let mut found = Vec::new();
        for index in page.range(len) {
            let slot = self.at(s, base, index)?;
            found.push(W::from_word(s.host.sload(self.0.module, slot)?));
        }
        Ok(found)
    }
}

/// A window of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    pub(crate) from: u64,
    pub(crate) count: u64,
    pub(crate) most: u64,
}

impl Page {
    pub(crate) fn range(self, len: u64) -> std::ops::Range<u64> {
        let end = self.from.saturating_add(self.count.min(self.most)).min(len);
        self.from.min(end)..end
    }

    /// For ids that count from 1; `from` 0 means 1.
    pub(crate) fn ids(self, last: u64) -> std::ops::Range<u64> {
        let from = self.from.max(1);
        Self { from, ..self }.range(last.saturating_add(1))
    }
}

/// `mapping(key => string)`.
pub(crate) struct Texts(Root);

impl Texts {
    pub(crate) const fn new(module: Address, name: &'static str) -> Self {
        Self(Root::new(module, name))
    }

    fn base(&self, s: &mut Session<'_>, key: impl Key) -> Result<U256> {
        let mut slot = self.0.slot();
        for part in key.parts().as_ref() {
            slot = element(s, *part, slot)?;
        }
        Ok(slot)
    }

    pub(crate) fn get(&self, s: &mut Session<'_>, key: impl Key) -> Result<String> {
        let base = self.base(s, key)?;
        let head = s.host.sload(self.0.module, base)?;
        let bytes = if head.bit(0) {
            let length = length_of(head);
            s.charge_keccak(32)?;
            let first = U256::from_be_bytes(keccak256(base.to_be_bytes::<32>()).0);
            let mut bytes = Vec::with_capacity(length.min(1 << 12));
            for at in 0..length.div_ceil(32) as u64 {
                let word = s.host.sload(self.0.module, offset(first, at))?;
                bytes.extend_from_slice(&word.to_be_bytes::<32>());
            }
            bytes.truncate(length);
            bytes
        } else {
            let word = head.to_be_bytes::<32>();
            let length = usize::from(word[31] / 2).min(31);
            word[..length].to_vec()
        };
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Stores at most `most` bytes; more reverts with `OutOfBounds(what)`.
    pub(crate) fn set(
        &self,
        s: &mut Session<'_>,
        key: impl Key,
        text: &str,
        most: usize,
    ) -> Result<()> {
        if text.len() > most {
            return Err(revert(IModule::OutOfBounds { what: "text too long".into() }));
        }
        let base = self.base(s, key)?;
        let head = s.host.sload(self.0.module, base)?;
        let old_words = if head.bit(0) { length_of(head).div_ceil(32) } else { 0 };
        let bytes = text.as_bytes();
        let new_words = if bytes.len() > 31 { bytes.len().div_ceil(32) } else { 0 };
        let first = U256::from_be_bytes(keccak256(base.to_be_bytes::<32>()).0);
        if new_words > 0 || old_words > 0 {
            s.charge_keccak(32)?;
        }
        for (at, chunk) in bytes.chunks(32).take(new_words).enumerate() {
            s.host.sstore(self.0.module, offset(first, at as u64), left_aligned(chunk))?;
        }
        for at in new_words..old_words {
            s.host.sstore(self.0.module, offset(first, at as u64), U256::ZERO)?;
        }
        let head = if new_words > 0 {
            U256::from(bytes.len() * 2 + 1)
        } else {
            left_aligned(bytes) | U256::from(bytes.len() * 2)
        };
        s.host.sstore(self.0.module, base, head)
    }
}

/// Texts are at most a few hundred bytes; a larger length can only come from a foreign write.
fn length_of(head: U256) -> usize {
    let length: u64 = (head >> 1usize).wrapping_to();
    (length as usize).min(1 << 12)
}

fn left_aligned(chunk: &[u8]) -> U256 {
    let mut word = [0u8; 32];
    for (to, from) in word.iter_mut().zip(chunk) {
        *to = *from;
    }
    U256::from_be_bytes(word)
}

/// Keys of mappings, outermost first.
pub(crate) trait Key {
    /// The words.
    fn parts(&self) -> impl AsRef<[U256]>;
}

impl<W: Word> Key for W {
    fn parts(&self) -> impl AsRef<[U256]> {
        [self.to_word()]
    }
}

impl<A: Word, B: Word> Key for (A, B) {
    fn parts(&self) -> impl AsRef<[U256]> {
        [self.0.to_word(), self.1.to_word()]
    }
}

impl<A: Word, B: Word, C: Word> Key for (A, B, C) {
    fn parts(&self) -> impl AsRef<[U256]> {
        [self.0.to_word(), self.1.to_word(), self.2.to_word()]
    }
}

/// For a single list or text without a key.
#[derive(Clone, Copy)]
pub(crate) struct NoKey;

impl Key for NoKey {
    fn parts(&self) -> impl AsRef<[U256]> {
        [U256::ZERO; 0]
    }
}
