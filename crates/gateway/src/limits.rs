//! How many requests one key or one remote address may make.

use std::num::NonZeroU32;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};

use crate::{Refusal, config::Rate};

type Buckets =
    RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// Token buckets by name.
pub struct Limiter {
    buckets: Buckets,
    clock: DefaultClock,
    rate: Rate,
}

/// What is left of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    rate: Rate,
    remaining: u32,
}

impl Allowance {
    /// `x-ratelimit-{limit,remaining,reset}-requests`, as OpenAI's clients read them: most at
    /// once, left now, and the time until the bucket is full again.
    pub fn write(&self, headers: &mut HeaderMap) {
        let Self { rate, remaining } = *self;
        let missing = u64::from(rate.burst.saturating_sub(remaining));
        let reset_ms = missing * 60_000 / u64::from(rate.per_minute.max(1));
        let values = [
            ("x-ratelimit-limit-requests", rate.burst.to_string()),
            ("x-ratelimit-remaining-requests", remaining.to_string()),
            ("x-ratelimit-reset-requests", format!("{reset_ms}ms")),
        ];
        for (name, value) in values {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

impl Limiter {
    /// With one rate for all names.
    pub fn new(rate: Rate) -> Self {
        let at_least_one = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let quota =
            Quota::per_minute(at_least_one(rate.per_minute)).allow_burst(at_least_one(rate.burst));
        Self {
            buckets: RateLimiter::keyed(quota).with_middleware(),
            clock: DefaultClock::default(),
            rate,
        }
    }

    /// Takes one token, or says when there will be one.
    pub fn take(&self, name: &str) -> Result<Allowance, Refusal> {
        let taken = self.buckets.check_key(&name.to_owned()).map_err(|busy| {
            let wait = busy.wait_time_from(self.clock.now());
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let Rate { per_minute, burst } = self.rate;
            Refusal::slow_down(
                format!("more than {per_minute} requests a minute (at most {burst} at once)"),
                seconds,
            )
            .hint(format!("wait {seconds} s"))
        })?;
        Ok(Allowance { rate: self.rate, remaining: taken.remaining_burst_capacity() })
    }

    /// What is told to somebody who was refused.
    pub fn spent(&self) -> Allowance {
        Allowance { rate: self.rate, remaining: 0 }
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
        for left in [2, 1, 0] {
            assert_eq!(limiter.take("flood").map(|allowance| allowance.remaining), Ok(left));
        }
        let refusal = limiter.take("flood").expect_err("the bucket is empty");
        assert_eq!((refusal.status.as_u16(), refusal.retry_after), (429, Some(1)));
        assert!(limiter.take("other").is_ok());
    }
    #[test]
    fn headers_tell_what_is_left_and_when_it_is_whole_again() {
        let mut headers = HeaderMap::new();
        let rate = Rate { per_minute: 60, burst: 10 };
        Allowance { rate, remaining: 7 }.write(&mut headers);
        assert_eq!(headers["x-ratelimit-limit-requests"], "10");
        assert_eq!(headers["x-ratelimit-remaining-requests"], "7");
        assert_eq!(headers["x-ratelimit-reset-requests"], "3000ms");
    }
}
