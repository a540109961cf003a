//! The queue of one auction's bids.
//!
//! Three keys in one hash slot (`<prefix>:{<chain>:<auction>}:…`): `bids`, the stream; `meta`,
//! the window and the counters; `seen`, the place of every (solver, client bid id). Each operation
//! is one script, so its view of clock, quota and place is one. Redis `TIME` is the clock. All
//! keys expire.

use std::sync::LazyLock;

use alloy::primitives::{Address, B256};
use domain::{AuctionId, BidId};
use redis::{Script, Value};

use super::{Fund, RedisError, Short, Stake, Store, stake::wei};

/// Entries read from the queue at a time.
const PAGE: usize = 500;

/// An auction's window, Redis time, Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// When it opened.
    pub opened_at_ms: u64,
    /// A bid counts if and only if its place is before this.
    pub closes_at_ms: u64,
}

/// What a queue takes. From `[auction]` of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Bids of one solver in one auction.
    pub per_solver: u32,
    /// Bids in one auction.
    pub per_auction: u32,
    /// Bytes of one body.
    pub body_bytes: usize,
    /// Bytes of all bodies in one auction.
    pub auction_bytes: u64,
}

impl From<&crate::config::AuctionConfig> for Quotas {
    fn from(config: &crate::config::AuctionConfig) -> Self {
        Self {
            per_solver: config.max_bids_per_solver,
            per_auction: config.max_bids,
            body_bytes: config.max_bid_bytes,
            auction_bytes: config.max_queue_bytes,
        }
    }
}

/// Which quota was used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// The solver's bids in this auction.
    Solver,
    /// All bids in this auction.
    Auction,
    /// The size of one body.
    Body,
    /// The size of all bodies in this auction.
    AuctionBytes,
}

/// What became of a submitted bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It has this place in the stream.
    Queued {
        /// Redis time of its arrival, Unix milliseconds.
        ms: u64,
        /// Its number within that millisecond.
        seq: u64,
    },
    /// The same bid was queued before, at this place. Also after the window closed.
    Repeated {
        /// As in `Queued`.
        ms: u64,
        /// As in `Queued`.
        seq: u64,
    },
    /// The solver used the client bid id for another bid.
    IdReused {
        /// That bid.
        bid_id: BidId,
    },
    /// A quota is used up; nothing was queued.
    QuotaExceeded(Quota),
    /// The solver's funds do not cover it beside its bids before; nothing was queued.
    Short(Short),
    /// No such auction was opened here, or it is long over, or Redis lost it.
    NoSuchAuction,
    /// The window was closed.
    Late {
        /// When it closed.
        closed_at_ms: u64,
        /// When the bid came. Both Redis time, Unix milliseconds.
        ms: u64,
    },
}

/// A bid that is to be queued.
#[derive(Clone, Copy, Debug)]
pub struct NewBid<'a> {
    /// Its solver.
    pub solver: Address,
    /// What the solver calls it.
    pub client_bid_id: B256,
    /// Its digest.
    pub id: BidId,
    /// What [`Store::read`] will return.
    pub body: &'a [u8],
    /// What it ties down.
    pub stake: Stake,
}

/// A bid as it lies in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedBid {
    /// Redis time of its arrival, Unix milliseconds.
    pub ms: u64,
    /// Its number within that millisecond.
    pub seq: u64,
    /// Its digest.
    pub bid_id: BidId,
    /// What was submitted.
    pub body: Vec<u8>,
}

/// KEYS bids meta seen, ARGV window_ms fence ttl_s. A lower fence than the one that opened last
/// is a former leader.
static OPEN: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local fence = tonumber(redis.call('HGET', KEYS[2], 'fence') or '0')
if fence > tonumber(ARGV[2]) then return {'fenced'} end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
local closes = now + tonumber(ARGV[1])
redis.call('XADD', KEYS[1], string.format('%.0f-0', now), 'open', '1')
redis.call('HSET', KEYS[2], 'fence', ARGV[2], 'closes', string.format('%.0f', closes))
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return {'open', string.format('%.0f', now), string.format('%.0f', closes)}
",
    )
});

/// KEYS bids meta seen, ARGV solver client_bid_id bid body per_solver per_auction auction_bytes
/// ttl_s penalty bond cost deposit (gwei). A place at or past the close can be given when the marker is in already or the clock
/// was set back; it is taken away again at once.
static SUBMIT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local closes = redis.call('HGET', KEYS[2], 'closes')
if not closes or redis.call('EXISTS', KEYS[1]) == 0 then return {'unknown'} end
local known = ARGV[1] .. ARGV[2]
local first = redis.call('HGET', KEYS[3], known)
if first then
  local bid, ms, seq = string.match(first, '^(.-):(%d+)%-(%d+)$')
  if bid == ARGV[3] then return {'repeated', ms, seq} end
  return {'reused', bid}
end
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
if now >= tonumber(closes) then return {'late', closes, string.format('%.0f', now)} end
local mine = 'n:' .. ARGV[1]
if tonumber(redis.call('HGET', KEYS[2], mine) or '0') >= tonumber(ARGV[5]) then return {'quota', 'solver'} end
if tonumber(redis.call('HGET', KEYS[2], 'count') or '0') >= tonumber(ARGV[6]) then return {'quota', 'auction'} end
local bytes = tonumber(redis.call('HGET', KEYS[2], 'bytes') or '0') + #ARGV[4]
if bytes > tonumber(ARGV[7]) then return {'quota', 'bytes'} end
local owed = tonumber(redis.call('HGET', KEYS[2], 'p:' .. ARGV[1]) or '0') + tonumber(ARGV[9])
if owed > tonumber(ARGV[10]) then return {'short', 'bond', string.format('%.0f', owed), ARGV[10]} end
local cost = tonumber(redis.call('HGET', KEYS[2], 'g:' .. ARGV[1]) or '0') + tonumber(ARGV[11])
if cost > tonumber(ARGV[12]) then return {'short', 'gas', string.format('%.0f', cost), ARGV[12]} end
local id = redis.call('XADD', KEYS[1], 'NOMKSTREAM', '*', 'i', ARGV[3], 'b', ARGV[4])
if not id then return {'unknown'} end
local ms, seq = string.match(id, '^(%d+)%-(%d+)$')
if tonumber(ms) >= tonumber(closes) then
  redis.call('XDEL', KEYS[1], id)
  return {'late', closes, ms}
end
redis.call('HSET', KEYS[3], known, ARGV[3] .. ':' .. id)
redis.call('EXPIRE', KEYS[3], ARGV[8])
redis.call('HINCRBY', KEYS[2], mine, 1)
redis.call('HSET', KEYS[2], 'p:' .. ARGV[1], string.format('%.0f', owed), 'g:' .. ARGV[1], string.format('%.0f', cost))
redis.call('HINCRBY', KEYS[2], 'count', 1)
redis.call('HINCRBY', KEYS[2], 'bytes', #ARGV[4])
return {'queued', ms, seq}
",
    )
});

/// KEYS bids, ARGV closes_at_ms. Being refused means that the top id is past it already, which
/// closes the window just the same. Answers how many bids there are: what is neither the opening
/// entry nor the marker; -1 without a queue.
static CLOSE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
local marker = ARGV[1] .. '-0'
local added = redis.pcall('XADD', KEYS[1], 'NOMKSTREAM', marker, 'close', '1')
if type(added) == 'table' and added.err and not string.find(added.err, 'equal or smaller', 1, true) then
  return added
end
local marks = 1 + #redis.call('XRANGE', KEYS[1], marker, marker)
return redis.call('XLEN', KEYS[1]) - marks
",
    )
});

impl Store {
    /// Opens the auction's queue now, for `window_ms`. To be called before the transaction that
    /// makes the auction known, by the holder of the auction role with its lease's token as
    /// `fence`, and only while Postgres has no row of the auction: a queue left by an attempt that
    /// came to nothing is replaced.
    ///
    /// # Errors
    /// [`RedisError::Fenced`] if a newer leader opened it, [`RedisError::Unavailable`].
    pub async fn open(
        &self,
        auction: AuctionId,
        window_ms: u64,
        fence: i64,
    ) -> Result<Window, RedisError> {
        let mut call = OPEN.prepare_invoke();
        self.name_keys(&mut call, auction);
        call.arg(window_ms).arg(fence).arg(self.config.bids_kept_s);
        let answer: Vec<String> = self.run(&call).await?;
        match words(&answer).as_slice() {
            ["open", opened, closes] => {
                Ok(Window { opened_at_ms: number(opened)?, closes_at_ms: number(closes)? })
            }
            ["fenced"] => Err(RedisError::Fenced),
            _ => Err(RedisError::BadAnswer("open")),
        }
    }

    /// Queues a bid, once.
    ///
    /// # Errors
    /// [`RedisError::Unavailable`] or [`RedisError::Timeout`]: whether it was queued is unknown;
    /// submitting it again finds out.
    pub async fn submit(
        &self,
        auction: AuctionId,
        bid: &NewBid<'_>,
        quotas: &Quotas,
    ) -> Result<Submitted, RedisError> {
        let NewBid { solver, client_bid_id, id, body, stake } = bid;
        if body.len() > quotas.body_bytes {
            return Ok(Submitted::QuotaExceeded(Quota::Body));
        }
        let mut call = SUBMIT.prepare_invoke();
        self.name_keys(&mut call, auction);
        call.arg(format!("{solver:x}"))
            .arg(format!("{client_bid_id:x}"))
            .arg(id.to_string())
            .arg(*body)
            .arg(quotas.per_solver)
            .arg(quotas.per_auction)
            .arg(quotas.auction_bytes)
            .arg(self.config.bids_kept_s)
            .arg(&stake.gwei()[..]);
        let answer: Vec<String> = self.run(&call).await?;
        submitted(&words(&answer))
    }

    /// Closes the queue with a marker at `closes_at_ms`: from then on no place before it can be
    /// given. Returns how many bids are in it, `None` if the queue is lost. Repeating it changes
    /// nothing.
    ///
    /// # Errors
    /// [`RedisError::Unavailable`].
    pub async fn close(
        &self,
        auction: AuctionId,
        closes_at_ms: u64,
    ) -> Result<Option<usize>, RedisError> {
        let mut call = CLOSE.prepare_invoke();
        call.key(self.bid_key(auction, "bids")).arg(closes_at_ms);
        let bids: i64 = self.run(&call).await?;
        Ok(usize::try_from(bids).ok())
    }

    /// Every bid with a place after `after` (milliseconds and number; `None`: from the first) and
    /// before `closes_at_ms`, in their order. Complete once [`Store::close`] was called. Empty if
    /// Redis lost the queue.
    ///
    /// # Errors
    /// [`RedisError::Unavailable`].
    pub async fn read(
        &self,
        auction: AuctionId,
        after: Option<(u64, u64)>,
        closes_at_ms: u64,
    ) -> Result<Vec<QueuedBid>, RedisError> {
        let mut bids = Vec::new();
        let mut from = after.map_or_else(|| "-".to_owned(), |(ms, seq)| format!("({ms}-{seq}"));
        loop {
            let mut command = redis::cmd("XRANGE");
            command
                .arg(self.bid_key(auction, "bids"))
                .arg(&from)
                .arg(format!("({closes_at_ms}-0"))
                .arg("COUNT")
                .arg(PAGE);
            let page: Vec<(String, Vec<Value>)> = self.ask(&command).await?;
            let full = page.len() == PAGE;
            for (id, fields) in page {
                from = format!("({id}");
                if let Some(bid) = queued(&id, &fields)? {
                    bids.push(bid);
                }
            }
            if !full {
                return Ok(bids);
            }
        }
    }

    fn bid_key(&self, auction: AuctionId, part: &str) -> String {
        format!("{}:{{{}:{auction}}}:{part}", self.config.prefix, self.chain_id)
    }

    fn name_keys(&self, call: &mut redis::ScriptInvocation<'_>, auction: AuctionId) {
        for part in ["bids", "meta", "seen"] {
            call.key(self.bid_key(auction, part));
        }
    }
}

fn words(answer: &[String]) -> Vec<&str> {
    answer.iter().map(String::as_str).collect()
}

fn submitted(answer: &[&str]) -> Result<Submitted, RedisError> {
    Ok(match answer {
        ["queued", ms, seq] => Submitted::Queued { ms: number(ms)?, seq: number(seq)? },
        ["repeated", ms, seq] => Submitted::Repeated { ms: number(ms)?, seq: number(seq)? },
        ["reused", bid] => Submitted::IdReused {
            bid_id: bid.parse().map_err(|_| RedisError::BadAnswer("bid id"))?,
        },
        ["late", closes, ms] => Submitted::Late { closed_at_ms: number(closes)?, ms: number(ms)? },
        ["quota", "solver"] => Submitted::QuotaExceeded(Quota::Solver),
        ["quota", "auction"] => Submitted::QuotaExceeded(Quota::Auction),
        ["quota", "bytes"] => Submitted::QuotaExceeded(Quota::AuctionBytes),
        ["short", fund, needed, free] => Submitted::Short(Short {
            fund: if *fund == "bond" { Fund::Bond } else { Fund::Gas },
            needed: wei(number(needed)?),
            free: wei(number(free)?),
        }),
        ["unknown"] => Submitted::NoSuchAuction,
        _ => return Err(RedisError::BadAnswer("submit")),
    })
}

/// A stream entry as a bid; `None` for the opening entry.
fn queued(id: &str, fields: &[Value]) -> Result<Option<QueuedBid>, RedisError> {
    let (ms, seq) = id.split_once('-').ok_or(RedisError::BadAnswer("stream id"))?;
    match fields {
        [
            Value::BulkString(i),
            Value::BulkString(digest),
            Value::BulkString(b),
            Value::BulkString(body),
        ] if i == b"i" && b == b"b" => {
            let digest = std::str::from_utf8(digest).ok().and_then(|text| text.parse().ok());
            Ok(Some(QueuedBid {
                ms: number(ms)?,
                seq: number(seq)?,
                bid_id: digest.ok_or(RedisError::BadAnswer("bid id"))?,
                body: body.clone(),
            }))
        }
        [Value::BulkString(open), _] if open == b"open" => Ok(None),
        _ => Err(RedisError::BadAnswer("queue entry")),
    }
}

fn number(text: &str) -> Result<u64, RedisError> {
    text.parse().map_err(|_| RedisError::BadAnswer("number"))
}
