//! A token bucket for each client address. Addresses are held in memory only, and only while their bucket is not full.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// Clients told apart at once; beyond it new ones are refused (spec/03-network.md §8.5).
const MAX_CLIENTS: usize = 10_000;

/// How much one client may ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Requests at once.
    pub burst: f64,
    /// Requests per second after that.
    pub per_second: f64,
}

impl Rate {
    /// The reference server's limit for the direct RPC: 600, then 300 a second (spec/03-network.md §8.5).
    pub const DIRECT_RPC: Rate = Rate {
        burst: 600.0,
        per_second: 300.0,
    };
    /// Our limit for onion packets at a guard, ten times as much: a gateway posts those of all its users from one address.
    /// The reference server has none, and asks for one (spec/03-network.md §8.5).
    pub const ONIONS: Rate = Rate {
        burst: 6_000.0,
        per_second: 3_000.0,
    };
}

struct Bucket {
    tokens: f64,
    at: Instant,
}

/// The buckets.
pub struct RateLimiter {
    rate: Option<Rate>,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

impl RateLimiter {
    /// A limiter, or one that lets everything pass.
    pub fn new(rate: Option<Rate>) -> Self {
        Self {
            rate,
            buckets: Mutex::new(HashMap::new()),
        }
    }

    /// Takes one token from a client's bucket. False if there is none.
    pub fn admit(&self, client: IpAddr) -> bool {
        let Some(rate) = self.rate else { return true };
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let key = client_key(client);
        if buckets.len() >= MAX_CLIENTS && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| refilled(bucket, rate, now) < rate.burst);
            if buckets.len() >= MAX_CLIENTS {
                return false;
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket {
            tokens: rate.burst,
            at: now,
        });
        bucket.tokens = refilled(bucket, rate, now);
        bucket.at = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}

fn refilled(bucket: &Bucket, rate: Rate, now: Instant) -> f64 {
    let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
    (bucket.tokens + passed * rate.per_second).min(rate.burst)
}

/// One IPv4 address is one client; in IPv6 a client has a whole /64.
pub fn client_key(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn the_bucket_empties_and_refills() {
        let limiter = RateLimiter::new(Some(Rate {
            burst: 3.0,
            per_second: 2.0,
        }));
        let (me, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        assert!((0..3).all(|_| limiter.admit(me)));
        assert!(!limiter.admit(me));
        assert!(limiter.admit(other));
        tokio::time::advance(Duration::from_millis(500)).await;
        assert!(limiter.admit(me) && !limiter.admit(me));
    }

    #[tokio::test(start_paused = true)]
    async fn clients_beyond_the_limit_wait_for_full_buckets_to_go() {
        let limiter = RateLimiter::new(Some(Rate {
            burst: 2.0,
            per_second: 1.0,
        }));
        for n in 0..10_000_u32 {
            assert!(limiter.admit(IpAddr::V4(n.into())));
        }
        let newcomer = "2001:db8::1".parse().unwrap();
        assert!(!limiter.admit(newcomer));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(limiter.admit(newcomer));
    }

    #[test]
    fn a_client_is_an_ipv4_address_or_an_ipv6_network() {
        let key = |text: &str| client_key(text.parse().unwrap());
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
    }
}
