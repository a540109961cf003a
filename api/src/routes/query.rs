//! Parameters of paths and queries.

use actix_web::error::{PathError, QueryPayloadError};
use alloy_primitives::Address;
use infra::pg::{Pool, StoreError};

use crate::problem::{Code, Problem};

/// The most a page may hold, unless the route says otherwise.
pub(super) const MAX_PAGE: u32 = 500;
/// What a page holds if nothing is said.
pub(super) const PAGE: u32 = 100;

/// A query string that cannot be read: an unknown parameter, or one of another type.
pub(crate) fn bad_query(error: &QueryPayloadError) -> actix_web::Error {
    let detail = match error {
        QueryPayloadError::Deserialize(error) => error.to_string(),
        _ => "the query string cannot be read".to_owned(),
    };
    Problem::new(Code::ParameterInvalid, detail).into()
}

/// A path segment that cannot be read.
pub(crate) fn bad_path(error: &PathError) -> actix_web::Error {
    let detail = match error {
        PathError::Deserialize(error) => error.to_string(),
        _ => "the path cannot be read".to_owned(),
    };
    Problem::new(Code::ParameterInvalid, detail).into()
}

/// `limit`, within bounds.
pub(super) fn limit(limit: Option<u32>, most: u32) -> Result<u32, Problem> {
    match limit {
        None => Ok(PAGE.min(most)),
        Some(limit @ 1..) if limit <= most => Ok(limit),
        Some(_) => Err(Problem::parameter("limit", &format!("must be 1 to {most}"))),
    }
}

/// `after`: a cursor given out as `next`, a decimal number.
pub(super) fn cursor(after: Option<&str>) -> Result<i64, Problem> {
    let Some(text) = after else { return Ok(0) };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| digits)
        .ok_or_else(|| Problem::parameter("after", "must be a cursor given out as `next`"))
}

/// An address in any case.
pub(super) fn address(name: &str, text: &str) -> Result<Address, Problem> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 40);
    digits
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| Problem::parameter(name, "must be 0x and 40 hexadecimal digits"))
}

/// A connection, or the problem of there being none.
pub(super) async fn connection(
    pool: &Pool,
) -> Result<sqlx::pool::PoolConnection<sqlx::Postgres>, Problem> {
    Ok(pool.acquire().await.map_err(StoreError::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_and_cursors_are_plain_numbers_within_bounds() {
        assert_eq!(limit(None, 50).unwrap(), 50);
        assert_eq!(limit(Some(7), 50).unwrap(), 7);
        assert!(limit(Some(0), 50).is_err() && limit(Some(51), 50).is_err());
        assert_eq!(cursor(None).unwrap(), 0);
        assert_eq!(cursor(Some("12")).unwrap(), 12);
        for text in ["", "-1", "+1", "1.5", "x", "99999999999999999999"] {
            assert!(cursor(Some(text)).is_err(), "{text:?}");
        }
    }
}
