//! Who takes part: one app, which is its merchant's own and a provider's third-party app too, and the provider's merchants.

use crate::fail::{Fail, Snag};
use crate::sim::AlipaySim;
use serde_json::{Map, Value, json};
use sluice_contract::Millis;
use sluice_simkit::Draw;
use std::collections::BTreeMap;

/// The app that signs; the SDKs' sample id, so that captured requests can be played back.
pub const APP_ID: &str = "2021000122671080";
/// The merchant (PID) that signed up with it: the payee of direct orders, the provider of the others.
pub const PID: &str = "2088000000000100";
/// Merchants that authorised the app: their own app id and PID (pack §4).
pub const MERCHANTS: [(&str, &str); 2] = [("2021000199990001", "2088000000000201"), ("2021000199990002", "2088000000000202")];

/// A token lives a year by the page; whether it still does is UNCONFIRMED (pack §4).
const TOKEN_LIFE_S: i64 = 31_536_000;
const REFRESH_LIFE_S: i64 = 32_140_800;
const APP_CODE_LIFE_S: i64 = 86_400;

/// For whom a call is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Party {
    pub(crate) auth_app_id: String,
    pub(crate) pid: String,
}

impl Party {
    pub(crate) fn own() -> Party {
        Party { auth_app_id: APP_ID.to_owned(), pid: PID.to_owned() }
    }

    fn of(auth_app_id: &str) -> Option<Party> {
        let (app, pid) = MERCHANTS.iter().find(|(app, _)| *app == auth_app_id)?;
        Some(Party { auth_app_id: (*app).to_owned(), pid: (*pid).to_owned() })
    }
}

/// An authorisation of one merchant.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) token: String,
    pub(crate) refresh: String,
    pub(crate) token_until: Millis,
    pub(crate) refresh_until: Millis,
}

/// The authorisations that stand, by the merchant's app id, and codes on their way.
pub(crate) struct Grants {
    pub(crate) by_app: BTreeMap<&'static str, Grant>,
    codes: BTreeMap<String, (String, Millis)>,
}

impl Grants {
    pub(crate) fn open(draw: &mut Draw) -> Grants {
        let forever = Millis(i64::MAX);
        let by_app = MERCHANTS.map(|(app, _)| (app, minted(draw, forever, forever)));
        Grants { by_app: BTreeMap::from(by_app), codes: BTreeMap::new() }
    }

    pub(crate) fn party(&self, token: &str, now: Millis) -> Result<Party, Fail> {
        let (app, grant) = self.by_app.iter().find(|(_, grant)| grant.token == token).ok_or(Snag::AppToken)?;
        if now > grant.token_until {
            return Err(Snag::AppTokenOld.into());
        }
        Party::of(app).ok_or_else(|| Snag::AppToken.into())
    }
}

fn minted(draw: &mut Draw, token_until: Millis, refresh_until: Millis) -> Grant {
    Grant { token: format!("201511BB{}", draw.hex(16)), refresh: format!("201511BB{}", draw.hex(16)), token_until, refresh_until }
}

impl AlipaySim {
    /// A merchant authorises the app again: the `app_auth_code` its browser carries back.
    pub(crate) fn authorize_app(&mut self, auth_app_id: &str, now: Millis) -> Option<String> {
        Party::of(auth_app_id)?;
        let code = self.draw.hex(16);
        self.grants.codes.insert(code.clone(), (auth_app_id.to_owned(), now.plus_s(APP_CODE_LIFE_S)));
        Some(code)
    }

    /// `alipay.open.auth.token.app` (pack §4). Refreshing ends the former pair at once: the harder of the two readings.
    pub(crate) fn app_token(&mut self, biz: &Value, now: Millis) -> Result<Map<String, Value>, Fail> {
        let text = |name: &str| biz.get(name).and_then(Value::as_str).unwrap_or_default();
        let app = match text("grant_type") {
            "authorization_code" => {
                let (app, until) = self.grants.codes.remove(text("code")).ok_or(Snag::CodeInvalid)?;
                if now > until {
                    return Err(Snag::CodeInvalid.into());
                }
                app
            }
            "refresh_token" => {
                let held = self.grants.by_app.iter().find(|(_, grant)| grant.refresh == text("refresh_token"));
                let (app, grant) = held.ok_or(Snag::RefreshToken)?;
                if now > grant.refresh_until {
                    return Err(Snag::RefreshTokenOld.into());
                }
                (*app).to_owned()
            }
            _ => return Err(Snag::GrantType.into()),
        };
        let (key, pid) = *MERCHANTS.iter().find(|(known, _)| *known == app).ok_or(Snag::CodeInvalid)?;
        let grant = minted(&mut self.draw, now.plus_s(TOKEN_LIFE_S), now.plus_s(REFRESH_LIFE_S));
        let mut out = Map::new();
        for (name, value) in [
            ("app_auth_token", json!(grant.token)),
            ("app_refresh_token", json!(grant.refresh)),
            ("auth_app_id", json!(app)),
            ("user_id", json!(pid)),
            ("expires_in", json!(TOKEN_LIFE_S)),
            ("re_expires_in", json!(REFRESH_LIFE_S)),
        ] {
            out.insert(name.to_owned(), value);
        }
        self.grants.by_app.insert(key, grant);
        Ok(out)
    }
}
