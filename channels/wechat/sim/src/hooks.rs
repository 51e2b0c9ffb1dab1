//! Hooks by word, for whoever holds only a `Box<dyn Simulator>`: `name` or `name value`.

use crate::oauth::OAuthFault;
use crate::options::{KeyMode, RefundFate};
use crate::sim::WechatSim;
use sluice_contract::Millis;
use sluice_simkit::Complaint;

const WORDS: &str = "rotate_platform_key | key_mode certificate/public_key/mixed | refund_fate success/closed/abnormal | \
     merchant_funds on/off | probe_callbacks on/off | pay_on_create on/off | refund_delay_ms N | callback_delay_ms N | \
     bill_bom on/off | bill_crlf on/off | strict_network on/off | oauth snapshot/busy/no_openid/no_code/lost_state | \
     mini_login USER | openid APPID USER | more LIKE NUMBER:FEN:MILLIS,…";

impl WechatSim {
    pub(crate) fn hooked(&mut self, word: &str, now: Millis) -> Result<String, Complaint> {
        let (name, value) = word.split_once(' ').unwrap_or((word, ""));
        let unknown = || Complaint(format!("unknown hook; there are: {WORDS}"));
        let on = || match value {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err(unknown()),
        };
        let ms = || value.parse::<i64>().ok().filter(|ms| *ms >= 0).ok_or_else(unknown);
        match name {
            "rotate_platform_key" => self.rotate_platform_key(),
            "key_mode" => self.mode = KeyMode::from_word(value).ok_or_else(unknown)?,
            "refund_fate" => self.refund_fate = RefundFate::from_word(value).ok_or_else(unknown)?,
            "oauth" => self.oauth.fault = Some(OAuthFault::from_word(value).ok_or_else(unknown)?),
            "merchant_funds" => self.funded = on()?,
            "probe_callbacks" => self.options.probe_callbacks = on()?,
            "pay_on_create" => self.options.pay_on_create = on()?,
            "bill_bom" => self.options.bill_bom = on()?,
            "bill_crlf" => self.options.bill_crlf = on()?,
            "strict_network" => self.options.strict_network = on()?,
            "refund_delay_ms" => self.options.refund_delay_ms = ms()?,
            "callback_delay_ms" => self.options.callback_delay_ms = ms()?,
            "more" => self.more(value).ok_or_else(unknown)?,
            "mini_login" => return Ok(self.mini_login(value, now)),
            "openid" => {
                let (appid, user) = value.split_once(' ').ok_or_else(unknown)?;
                return Ok(self.openid_of(appid, user));
            }
            _ => return Err(unknown()),
        }
        Ok(self.platform_serial().to_owned())
    }
}
