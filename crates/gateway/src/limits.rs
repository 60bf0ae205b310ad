//! How many requests one key or one remote address may make.

use std::num::NonZeroU32;

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::DefaultKeyedStateStore,
};

use crate::{Refusal, config::Rate};

/// Token buckets by name.
pub struct Limiter {
    buckets: RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock>,
    clock: DefaultClock,
    rate: Rate,
}

impl Limiter {
    /// With one rate for all names.
    pub fn new(rate: Rate) -> Self {
        let at_least_one = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let quota =
            Quota::per_minute(at_least_one(rate.per_minute)).allow_burst(at_least_one(rate.burst));
        Self { buckets: RateLimiter::keyed(quota), clock: DefaultClock::default(), rate }
    }

    /// Takes one token, or says when there will be one.
    pub fn take(&self, name: &str) -> Result<(), Refusal> {
        self.buckets.check_key(&name.to_owned()).map_err(|busy| {
            let wait = busy.wait_time_from(self.clock.now());
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let Rate { per_minute, burst } = self.rate;
            Refusal::slow_down(
                format!("more than {per_minute} requests a minute (at most {burst} at once)"),
                seconds,
            )
            .hint(format!("wait {seconds} s"))
        })
    }

    /// Forgets names whose buckets are full again.
    pub fn forget_idle(&self) {
        self.buckets.retain_recent();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_refused_with_the_time_to_wait_and_others_are_not_touched() {
        let limiter = Limiter::new(Rate { per_minute: 60, burst: 3 });
        for _ in 0..3 {
            assert_eq!(limiter.take("flood"), Ok(()));
        }
        let refusal = limiter.take("flood").expect_err("the bucket is empty");
        assert_eq!((refusal.status.as_u16(), refusal.retry_after), (429, Some(1)));
        assert_eq!(limiter.take("other"), Ok(()));
    }
}
