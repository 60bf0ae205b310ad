//! The modules against the reference ledger: random operations through real blocks, from caller
//! contracts nested up to depth 8 that revert at random; every run ends with a drain.
//!
//! `TRIBUTARY_LEDGER_OPS` sets how many operations (100,000), `TRIBUTARY_SEED` repeats a run,
//! `TRIBUTARY_LEDGER_STEP` compares after every transaction to find the one that differs.

mod disputes;
mod drain;
mod encode;
mod generate;
mod program;
mod world;

use generate::Generator;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;
use world::World;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn modules_and_ledger_agree_on_every_coin_whatever_callers_do() {
    let seed = number("TRIBUTARY_SEED").unwrap_or_else(rand::random);
    let target = number("TRIBUTARY_LEDGER_OPS").unwrap_or(100_000) as usize;
    let step = number("TRIBUTARY_LEDGER_STEP").is_some();
    println!("TRIBUTARY_SEED={seed} TRIBUTARY_LEDGER_OPS={target}");
    let mut world = World::new();
    let total = world.ledger.total();
    let mut generator = Generator::new(ChaCha12Rng::seed_from_u64(seed));
    while generator.operations < target {
        let pause = match generator.rng.random_range(0..40) {
            0 => 700,
            1..4 => 12,
            _ => generator.rng.random_range(0..3),
        };
        world.later(pause);
        for _ in 0..generator.rng.random_range(1..60) {
            generator.transaction(&mut world);
            if step {
                world.mine_and_compare();
            }
        }
        world.mine_and_compare();
        assert_eq!(world.ledger.total(), total, "the ledger itself lost a coin");
    }
    println!(
        "{} operations, {} of them took effect, frames up to depth {}",
        generator.operations, generator.done, generator.deepest
    );
    println!("{:?}", generator.kinds);
    let idle = generator.kinds.iter().filter(|(_, (_, done))| *done == 0);
    let idle: Vec<&String> = idle.map(|(name, _)| name).collect();
    assert!(target < 100_000 || idle.is_empty(), "{idle:?} never took effect");
    assert_eq!(generator.deepest, 8, "callers nest as deep as they may");
    assert!(generator.done * 10 > generator.operations, "enough of it takes effect to matter");
    drain::drain(&mut world, &mut generator);
    assert_eq!(world.ledger.total(), total);
}
