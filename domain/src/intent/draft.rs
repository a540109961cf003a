//! From a JSON message to an [`Intent`], with every field error at once.

use serde_json::{Map, Value};

use super::{FieldErrors, FieldFault, Intent, Kind};
use crate::{Amount, fields::Fields};

/// The times an intent may name.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    now_s: u64,
    max_ttl_s: u64,
    /// Whether it was admitted before, by whatever rules there were.
    stored: bool,
}

impl Bounds {
    /// `validTo` must be after `now_s` (Unix seconds) and at most `max_ttl_s` seconds later.
    #[must_use]
    pub const fn new(now_s: u64, max_ttl_s: u64) -> Self {
        Self { now_s, max_ttl_s, stored: false }
    }

    /// Any time: for reading back what was admitted before.
    #[must_use]
    pub const fn any_time() -> Self {
        Self { now_s: 0, max_ttl_s: u64::MAX, stored: true }
    }
}

impl Intent {
    /// Reads the EIP-712 message in its JSON form. `receiver` and `appData` may be absent (zero).
    ///
    /// # Errors
    /// Every field that is absent, unknown, of the wrong type or out of its range.
    pub fn parse(message: &Map<String, Value>, bounds: Bounds) -> Result<Self, FieldErrors> {
        let mut fields = Fields::new(message);
        let owner = fields.address("owner");
        let receiver = fields.address_or_zero("receiver");
        let sell_token = fields.address("sellToken");
        let buy_token = fields.address("buyToken");
        if sell_token.is_some() && sell_token == buy_token {
            fields.fail("buyToken", FieldFault::SameToken, "must differ from sellToken");
        }
        let sell_amount = fields.amount("sellAmount");
        let buy_amount = fields.amount("buyAmount");
        let nonce = fields.uint256("nonce");
        let valid_to = valid_to(&mut fields, bounds);
        let kind = fields.integer("kind", 1).and_then(|n| u8::try_from(n).ok());
        let kind = kind.and_then(|kind| Kind::try_from(kind).ok());
        if kind == Some(Kind::ExactIn) {
            fits(&mut fields, bounds, "sellAmount", sell_amount);
        }
        fits(&mut fields, bounds, "buyAmount", buy_amount);
        let partially_fillable = fields.boolean("partiallyFillable");
        let app_data = fields.word_or_zero("appData");
        let intent = (|| {
            Some(Self {
                owner: owner?,
                receiver: receiver?,
                sell_token: sell_token?,
                buy_token: buy_token?,
                sell_amount: sell_amount?,
                buy_amount: buy_amount?,
                nonce: nonce?,
                valid_to: valid_to?,
                kind: kind?,
                partially_fillable: partially_fillable?,
                app_data: app_data?,
            })
        })();
        fields.finish(intent)
    }
}

/// What a complete fill moves at least must fit into one. The most that an exact-out intent sells need not: it is
/// seldom reached, and wallets may sign "whatever it takes".
fn fits(fields: &mut Fields<'_>, bounds: Bounds, field: &'static str, amount: Option<Amount>) {
    if !bounds.stored && amount.is_some_and(|amount| !amount.fits_fill()) {
        fields.fail(field, FieldFault::TooLarge, "must be at most 2^128 - 1");
    }
}

fn valid_to(fields: &mut Fields<'_>, bounds: Bounds) -> Option<u32> {
    let seconds = fields.integer("validTo", u64::from(u32::MAX))?;
    if seconds <= bounds.now_s {
        let late = bounds.now_s - seconds;
        fields.fail("validTo", FieldFault::Expired, format!("expired {late} seconds ago"));
        return None;
    }
    let latest = bounds.now_s.saturating_add(bounds.max_ttl_s);
    if seconds > latest {
        let detail = format!("must be at most {} seconds from now", bounds.max_ttl_s);
        fields.fail("validTo", FieldFault::TooFar, detail);
        return None;
    }
    u32::try_from(seconds).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message() -> Map<String, Value> {
        let value = json!({
            "owner": "0x1111111111111111111111111111111111111111",
            "sellToken": "0x2222222222222222222222222222222222222222",
            "buyToken": "0x3333333333333333333333333333333333333333",
            "sellAmount": "1000", "buyAmount": "900", "nonce": "0",
            "validTo": 1_500, "kind": 0, "partiallyFillable": false,
        });
        value.as_object().unwrap().clone()
    }

    fn faults(message: &Map<String, Value>) -> Vec<(String, FieldFault)> {
        let errors = Intent::parse(message, Bounds::new(1_000, 600)).unwrap_err();
        errors.as_slice().iter().map(|e| (e.field.clone(), e.fault)).collect()
    }

    #[test]
    fn a_good_message_is_an_intent_and_reads_back_from_its_json() {
        let intent = Intent::parse(&message(), Bounds::new(1_000, 600)).unwrap();
        assert_eq!(intent.receiver(), intent.owner());
        let json = serde_json::to_string(&intent).unwrap();
        assert_eq!(serde_json::from_str::<Intent>(&json).unwrap(), intent);
    }

    #[test]
    fn every_wrong_field_is_reported_at_once() {
        let mut bad = message();
        bad.insert("owner".into(), json!("0x0000000000000000000000000000000000000000"));
        bad.insert("buyToken".into(), json!("0x2222222222222222222222222222222222222222"));
        bad.insert("sellAmount".into(), json!(1000));
        bad.insert("buyAmount".into(), json!("0"));
        bad.insert("validTo".into(), json!(999));
        bad.insert("kind".into(), json!(2));
        bad.insert("tip".into(), json!("1"));
        bad.remove("nonce");
        let expected = [
            ("owner", FieldFault::Zero),
            ("buyToken", FieldFault::SameToken),
            ("sellAmount", FieldFault::WrongType),
            ("buyAmount", FieldFault::Zero),
            ("nonce", FieldFault::Missing),
            ("validTo", FieldFault::Expired),
            ("kind", FieldFault::TooLarge),
            ("tip", FieldFault::Unknown),
        ];
        assert_eq!(faults(&bad), expected.map(|(field, fault)| (field.to_owned(), fault)));
    }

    #[test]
    fn an_intent_larger_than_any_fill_is_refused_and_read_back_if_it_was_admitted_before() {
        let most = u128::MAX.to_string();
        let over = "340282366920938463463374607431768211456";
        let parse = |kind: u8, sell: &str, buy: &str, bounds| {
            let mut message = message();
            message.extend([
                ("kind".to_owned(), json!(kind)),
                ("sellAmount".to_owned(), json!(sell)),
                ("buyAmount".to_owned(), json!(buy)),
            ]);
            Intent::parse(&message, bounds).map(drop).map_err(|errors| {
                let fields =
                    errors.as_slice().iter().map(|error| (error.field.clone(), error.fault));
                fields.collect::<Vec<_>>()
            })
        };
        let now = Bounds::new(1_000, 600);
        let refused = |field: &str| Err(vec![(field.to_owned(), FieldFault::TooLarge)]);
        assert_eq!(parse(0, &most, &most, now), Ok(()));
        assert_eq!(parse(0, over, &most, now), refused("sellAmount"));
        assert_eq!(parse(0, &most, over, now), refused("buyAmount"));
        assert_eq!(parse(1, &most, over, now), refused("buyAmount"));
        // the most that it sells is not what a fill must reach
        assert_eq!(parse(1, over, &most, now), Ok(()));
        assert_eq!(parse(0, over, over, Bounds::any_time()), Ok(()));
    }

    #[test]
    fn an_intent_valid_for_too_long_or_too_large_is_refused() {
        let mut bad = message();
        bad.insert("validTo".into(), json!(1_601));
        bad.insert("sellAmount".into(), json!("9".repeat(78)));
        assert_eq!(
            faults(&bad),
            [
                ("sellAmount".to_owned(), FieldFault::TooLarge),
                ("validTo".to_owned(), FieldFault::TooFar)
            ]
        );
    }
}
