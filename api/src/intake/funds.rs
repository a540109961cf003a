//! What the chain says about an owner's funds and nonce, asked for many intents in one call.

use domain::{Amount, Intent, IntentId, intent::Kind};
use infra::chain::{FundQuery, Funds};

use crate::{
    app::App,
    problem::{Code, Facts, Problem},
};

/// Refuses an intent that could not be filled now: nonce used, balance or allowance too low.
pub(super) async fn check(app: &App, id: IntentId, intent: &Intent) -> Result<(), Problem> {
    let query =
        FundQuery { id, owner: intent.owner(), token: intent.pair().sell, nonce: intent.nonce() };
    let funds = app.funds.funds(query).await??;
    judge(intent, &funds, app.config.auction.min_fill_bps)
}

fn judge(intent: &Intent, funds: &Funds, min_fill_bps: u32) -> Result<(), Problem> {
    if funds.nonce_used || funds.filled >= intent.exact_amount() {
        let detail = format!("nonce {} of this owner is used or invalidated", intent.nonce());
        return Err(Problem::new(Code::NonceUsed, detail));
    }
    let required = required(intent, min_fill_bps);
    let facts = |available| Facts {
        required: Some(required),
        available: Some(available),
        ..Facts::default()
    };
    let token = intent.pair().sell;
    if funds.balance < required {
        let detail = format!("the owner holds {} of {token}, needs {required}", funds.balance);
        return Err(Problem::new(Code::InsufficientBalance, detail).with(facts(funds.balance)));
    }
    if funds.allowance < required {
        let detail = format!(
            "the owner has approved {} of {token} for Settlement, needs {required}",
            funds.allowance
        );
        return Err(Problem::new(Code::InsufficientAllowance, detail).with(facts(funds.allowance)));
    }
    Ok(())
}

/// What must be there for any fill at all: the whole, or the smallest part that may be taken.
fn required(intent: &Intent, min_fill_bps: u32) -> Amount {
    let whole = intent.sell_amount();
    if !intent.partially_fillable() {
        return match intent.kind() {
            Kind::ExactIn | Kind::ExactOut => whole,
        };
    }
    let share = Amount::from(u64::from(min_fill_bps)).get();
    let part = whole.mul_div_ceil(share, Amount::from(10_000u64).get()).unwrap_or(whole);
    part.max(Amount::from(1u64))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn intent(partially_fillable: bool) -> Intent {
        serde_json::from_value(json!({
            "owner": "0x1111111111111111111111111111111111111111",
            "sellToken": "0x2222222222222222222222222222222222222222",
            "buyToken": "0x3333333333333333333333333333333333333333",
            "sellAmount": "1000", "buyAmount": "900", "nonce": "0",
            "validTo": 1_500, "kind": 0, "partiallyFillable": partially_fillable,
        }))
        .unwrap()
    }

    fn funds(balance: u64, allowance: u64) -> Funds {
        Funds {
            balance: Amount::from(balance),
            allowance: Amount::from(allowance),
            filled: Amount::ZERO,
            nonce_used: false,
        }
    }

    fn code(intent: &Intent, funds: &Funds) -> Option<Code> {
        judge(intent, funds, 100).err().map(|problem| problem.code())
    }

    #[test]
    fn a_whole_intent_needs_all_of_it_and_a_partial_one_a_smallest_fill() {
        assert_eq!(code(&intent(false), &funds(1_000, 1_000)), None);
        assert_eq!(code(&intent(false), &funds(999, 1_000)), Some(Code::InsufficientBalance));
        assert_eq!(code(&intent(false), &funds(1_000, 999)), Some(Code::InsufficientAllowance));
        assert_eq!(code(&intent(true), &funds(10, 10)), None);
        assert_eq!(code(&intent(true), &funds(9, 10)), Some(Code::InsufficientBalance));
    }

    #[test]
    fn a_used_nonce_or_a_full_fill_ends_it() {
        let used = Funds { nonce_used: true, ..funds(1_000, 1_000) };
        assert_eq!(code(&intent(false), &used), Some(Code::NonceUsed));
        let full = Funds { filled: Amount::from(1_000u64), ..funds(1_000, 1_000) };
        assert_eq!(code(&intent(true), &full), Some(Code::NonceUsed));
    }
}
