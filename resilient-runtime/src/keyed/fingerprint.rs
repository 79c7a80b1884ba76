//! The hash that stands for a key.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::OnceLock;

use siphasher::sip128::{Hasher128, SipHasher13};

/// A key, as far as a map knows it: 128 bits that nobody outside the process can foresee.
///
/// It may stand at every eighth byte, and a `u128` only at every sixteenth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(Rust, packed(8))]
pub(crate) struct Fingerprint(u128);

/// The hasher of a fingerprint, which is its own hash. It must only be given one.
#[derive(Debug, Default)]
pub(crate) struct Unchanged(u64);

/// The fingerprint of a key.
#[inline]
pub(crate) fn fingerprint<K: Hash + ?Sized>(key: &K) -> Fingerprint {
    static SECRETS: OnceLock<[u64; 2]> = OnceLock::new();
    // what std gives for its own maps, through the function that hides it
    let &[first, second] = SECRETS.get_or_init(|| [0_u8, 1].map(|half| RandomState::new().hash_one(half)));
    let mut hasher = SipHasher13::new_with_keys(first, second);
    key.hash(&mut hasher);
    Fingerprint(hasher.finish128().as_u128())
}

impl Fingerprint {
    /// All of it.
    pub(crate) const fn whole(self) -> u128 {
        self.0
    }

    /// The number of its shard; the map within it goes by other bits.
    pub(crate) const fn shard(self, shards: usize) -> usize {
        (self.0 >> 64) as usize % shards
    }

    /// One of so many, by bits that neither the shard nor the map goes by.
    pub(crate) const fn share(self, of: usize) -> usize {
        (self.0 >> 96) as usize % of
    }

    /// The bits by which a map within the shard goes.
    pub(crate) const fn bits(self) -> u64 {
        self.0 as u64
    }
}

impl Hash for Fingerprint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.bits());
    }
}

impl Hasher for Unchanged {
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use std::borrow::Cow;
    use std::collections::HashSet;
    use std::hash::BuildHasherDefault;
    use std::sync::Arc;

    use super::*;

    #[test]
    fn owned_and_borrowed_text_is_the_same() {
        let text = fingerprint("a.example");

        assert_eq!(fingerprint(&"a.example"), text);
        assert_eq!(fingerprint(&String::from("a.example")), text);
        assert_eq!(fingerprint(&&String::from("a.example")), text);
        assert_eq!(fingerprint(&Arc::<str>::from("a.example")), text);
        assert_eq!(fingerprint(&Cow::Borrowed("a.example")), text);
        assert_eq!(fingerprint(&(&"a", &8_u16)), fingerprint(&(String::from("a"), 8_u16)));
    }

    #[test]
    fn what_is_put_together_differently_is_different() {
        let all = [
            fingerprint(&("ab", "c")),
            fingerprint(&("a", "bc")),
            fingerprint(&("a", "b", "c")),
            fingerprint("abc"),
            fingerprint(""),
            fingerprint(&("", "")),
            fingerprint(&Some(0_u8)),
            fingerprint(&None::<u8>),
            fingerprint(&[1_u8, 2][..]),
            fingerprint(&[[1_u8].as_slice(), &[2]]),
        ];

        assert_eq!(all.map(Fingerprint::whole).into_iter().collect::<HashSet<_>>().len(), all.len());
    }

    #[test]
    fn a_fingerprint_is_its_own_hash_and_other_bytes_are_mixed() {
        let (key, builder) = (fingerprint("a.example"), BuildHasherDefault::<Unchanged>::new());
        let hash = |bytes: &[u8]| {
            let mut hasher = Unchanged::default();
            hasher.write(bytes);
            hasher.finish()
        };

        assert_eq!(builder.hash_one(key), key.bits());
        assert_eq!((hash(&[1, 3]), hash(&[3, 1])), (0x103, 0x301));
        assert_eq!(hash(&[1, 0, 0, 0, 0, 0, 0, 0, 1]), 0, "the ninth byte comes upon the first");
    }

    #[test]
    fn the_halves_are_different_functions_and_spread_over_the_shards() {
        let (mut shards, mut bits) = ([0; 16], HashSet::new());
        for key in 0..16_000_u32 {
            let fingerprint = fingerprint(&key);
            assert!(bits.insert(fingerprint.bits()), "two of so few keys do not meet in a map");
            assert_ne!((fingerprint.whole() >> 64) as u64, fingerprint.bits());
            shards[fingerprint.shard(16)] += 1;
        }

        // a thousand each, and five standard deviations of 31
        assert!(shards.iter().all(|keys| (845..=1_155).contains(keys)), "{shards:?}");
    }
}
