//! Switches by word, for whoever holds only a `Box<dyn Simulator>`: `name` or `name value`.
//!
//! | word | what |
//! |---|---|
//! | `refund_fate success/fail/pending/lost` | what becomes of refunds asked for from now on |
//! | `merchant_funds full/none` | without funds: `SELLER_BALANCE_NOT_ENOUGH` for refunds and for cancels of paid trades |
//! | `answer API before/after CODE SUB_CODE` | the next call of that API (a faults word) gets this refusal, before or after executing |
//! | `cancel_retry N` | the next N cancels do nothing and answer `retry_flag=Y` |
//! | `odd double_root/other_app/other_seller/unsigned_oauth/text_numbers/oauth_busy/other_order` | the next reply or notice is odd in this way |
//! | `payer_ids user_id/open_id/both` | which ids the app gets |
//! | `person APP_ID USER` | that test user's ids under that app: `USER_ID OPEN_ID` |
//! | `mini_code USER` | the auth_code of a mini program |
//! | `authorize_app APP_ID` | a merchant authorises the provider again: its app_auth_code |
//! | `token_dies APP_ID`, `refresh_dies APP_ID` | that merchant's token, or its refresh token too, is out of time |
//! | `reissue_certificate` | Alipay's certificate is issued anew, key kept; answers the SN |
//! | `finish NUMBER` | the refund window of a paid trade is over |
//! | `shop NUMBER` | the `store_id` and the `terminal_id` that an order named, `-` for none |
//! | `more LIKE NUMBER:FEN:MILLIS,…` | payments like one that was made ([`sluice_simkit::more`]) |
//! | `bill_absent SUB_CODE` | what a day without rows answers |
//! | `password_above FEN/off`, `clock_tolerance_s N/off`, `precreate_again on/off` | the options of these names |
//! | `refund_delay_ms N`, `callback_delay_ms N` | the options of these names |

use crate::fail::Fail;
use crate::gateway::Method;
use crate::options::{PayerIds, RefundFate};
use crate::post::News;
use crate::sim::AlipaySim;
use sluice_contract::{Fen, Millis};
use sluice_simkit::{Api, Complaint, State};

sluice_simkit::words! {
    /// A one-time oddity of the pack's fault lists (§10, §13).
    pub(crate) Odd {
        DoubleRoot = "double_root",
        OtherApp = "other_app",
        OtherSeller = "other_seller",
        UnsignedOauth = "unsigned_oauth",
        TextNumbers = "text_numbers",
        OauthBusy = "oauth_busy",
        OtherOrder = "other_order",
    }
}

/// A refusal that waits for its call.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    api: Api,
    after: bool,
    fail: Fail,
}

impl AlipaySim {
    pub(crate) fn struck(&mut self, odd: Odd) -> bool {
        let hit = self.odd == Some(odd);
        if hit {
            self.odd = None;
        }
        hit
    }

    pub(crate) fn scripted(&mut self, method: Method, after: bool) -> Option<Fail> {
        let api = method.api()?;
        let at = self.script.iter().position(|s| s.api == api && s.after == after)?;
        Some(self.script.remove(at).fail)
    }

    pub(crate) fn hooked(&mut self, word: &str, now: Millis) -> Result<String, Complaint> {
        let (name, value) = word.split_once(' ').unwrap_or((word, ""));
        let unknown = || Complaint(format!("no hook {word:?}; they are listed at the door of the simulator's hooks"));
        let whole = || value.parse::<i64>().ok().filter(|n| *n >= 0).ok_or_else(unknown);
        let maybe = || if value == "off" { Ok(None) } else { whole().map(Some) };
        match name {
            "refund_fate" => self.refund_fate = RefundFate::from_word(value).ok_or_else(unknown)?,
            "merchant_funds" if matches!(value, "full" | "none") => self.funded = value == "full",
            "answer" => self.script.push(script(value).ok_or_else(unknown)?),
            "cancel_retry" => self.cancel_retries = value.parse().map_err(|_| unknown())?,
            "odd" => self.odd = Some(Odd::from_word(value).ok_or_else(unknown)?),
            "payer_ids" => self.options.payer_ids = PayerIds::from_word(value).ok_or_else(unknown)?,
            "person" => {
                let (app_id, user) = value.split_once(' ').ok_or_else(unknown)?;
                let buyer = self.tell_person(app_id, user);
                return Ok(format!("{} {}", buyer.user_id.unwrap_or_default(), buyer.open_id.unwrap_or_default()));
            }
            "mini_code" => return Ok(self.mini_code(value, now)),
            "authorize_app" => return self.authorize_app(value, now).ok_or_else(unknown),
            "token_dies" | "refresh_dies" => {
                let grant = self.grants.by_app.get_mut(value).ok_or_else(unknown)?;
                grant.token_until = now.plus_ms(-1);
                if name == "refresh_dies" {
                    grant.refresh_until = now.plus_ms(-1);
                }
            }
            "reissue_certificate" => return self.keys.reissue(&mut self.draw).ok_or_else(unknown),
            "shop" => return self.shop(value).ok_or_else(unknown),
            "finish" => self.finish(value, now).ok_or_else(unknown)?,
            "more" => self.more(value).ok_or_else(unknown)?,
            "bill_absent" => value.clone_into(&mut self.bills.no_bill),
            "password_above" => self.options.password_above = maybe()?.map(Fen),
            "clock_tolerance_s" => self.options.clock_tolerance_s = maybe()?,
            "precreate_again" if matches!(value, "on" | "off") => self.options.precreate_again = value == "on",
            "refund_delay_ms" => self.options.refund_delay_ms = whole()?,
            "callback_delay_ms" => self.options.callback_delay_ms = whole()?,
            _ => return Err(unknown()),
        }
        Ok(String::new())
    }

    fn shop(&self, number: &str) -> Option<String> {
        let order = self.orders.get(number).or_else(|| self.drafts.get(number).map(|draft| &draft.order))?;
        let [store, till] = [&order.store_id, &order.terminal_id].map(|id| id.as_deref().unwrap_or("-"));
        Some(format!("{store} {till}"))
    }

    fn finish(&mut self, number: &str, now: Millis) -> Option<()> {
        self.state_of(number).filter(|state| *state == State::Paid)?;
        let order = self.orders.get_mut(number)?;
        order.finished = true;
        if order.product.tells_ends() {
            self.announce(number, News::Finished, now);
        }
        Some(())
    }
}

/// `refund after 20000 aop.ACQ.SYSTEM_ERROR`.
fn script(value: &str) -> Option<Script> {
    let mut words = value.split(' ');
    let api = Api::from_word(words.next()?)?;
    let after = match words.next()? {
        "before" => false,
        "after" => true,
        _ => return None,
    };
    let fail = Fail::new(words.next()?, words.next()?);
    words.next().is_none().then_some(Script { api, after, fail })
}
