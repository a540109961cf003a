//! Publishing: the stream of events, in order and without repeats.

use std::sync::LazyLock;

use redis::Script;

use super::{RedisError, Store};
use crate::pg::event::StreamedEvent;

/// KEYS events, ARGV epoch expected_last kept n (seq at_ms kind data)*n. Appends only if the
/// stream ends exactly where the caller thinks it does: so neither a former relay nor a flush in
/// between can make a gap or a repeat. Answers {appended, epoch of the last entry, its seq}.
static PUBLISH: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local last, epoch = '0', '0'
local top = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if top[1] then
  last = string.match(top[1][1], '^(%d+)')
  epoch = top[1][2][2]
end
if last ~= ARGV[2] or (last ~= '0' and epoch ~= ARGV[1]) then return {'0', epoch, last} end
local n = tonumber(ARGV[4])
for k = 0, n - 1 do
  local at = 5 + 4 * k
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], ARGV[at] .. '-0',
    'e', ARGV[1], 't', ARGV[at + 1], 'k', ARGV[at + 2], 'd', ARGV[at + 3])
  last = ARGV[at]
end
return {'1', ARGV[1], last}
",
    )
});

/// Where the stream ends after an attempt to publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    /// Whether the events were appended; if not, the stream ended elsewhere.
    pub(crate) appended: bool,
    /// Epoch of its last entry; 0 if it is empty.
    pub(crate) epoch: u64,
    /// Number of its last entry; 0 if it is empty.
    pub(crate) last: u64,
}

impl Store {
    /// Appends events, which follow `last` without a gap, if the stream ends at `last` (0: is
    /// empty). Without events it only looks.
    ///
    /// # Errors
    /// [`RedisError::Unavailable`], [`RedisError::Timeout`]: look again to know.
    pub(crate) async fn publish(
        &self,
        epoch: u64,
        last: u64,
        events: &[StreamedEvent],
    ) -> Result<Appended, RedisError> {
        let mut call = PUBLISH.prepare_invoke();
        call.key(self.events_key())
            .arg(epoch)
            .arg(last)
            .arg(self.config.events_kept)
            .arg(events.len());
        for event in events {
            call.arg(event.seq).arg(event.at_ms).arg(&event.kind).arg(event.data.get());
        }
        let (appended, epoch, last): (String, String, String) = self.run(&call).await?;
        let number = |text: String| text.parse().map_err(|_| RedisError::BadAnswer("publish"));
        Ok(Appended { appended: appended == "1", epoch: number(epoch)?, last: number(last)? })
    }

    /// How many events the stream keeps, about.
    pub(crate) const fn events_kept(&self) -> u64 {
        self.config.events_kept
    }

    /// Removes the stream, for it tells another history.
    ///
    /// # Errors
    /// [`RedisError::Unavailable`].
    pub(crate) async fn forget_events(&self) -> Result<(), RedisError> {
        let mut command = redis::cmd("DEL");
        command.arg(self.events_key());
        let _: i64 = self.ask(&command).await?;
        Ok(())
    }
}
