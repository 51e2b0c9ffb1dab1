//! Who takes part: the one merchant of this sandbox, which is a service provider too, its apps and its sub-merchants.

use crate::check::Fields;
use crate::fail::{Fail, Snag};
use serde_json::{Map, Value, json};

/// The merchant number, direct and as service provider.
pub const MCHID: &str = "1900000100";
/// The service account (公众号), the one that may authorise silently.
pub const APP_ID: &str = "wxd678efh567hg6787";
/// The mini-program.
pub const MINI_APP_ID: &str = "wx2421b1c4370ec43b";
/// The mobile app.
pub const MOBILE_APP_ID: &str = "wx8888888888888888";
/// Sub-merchants with the app bound to each, if any.
pub const SUB_MERCHANTS: [(&str, Option<&str>); 2] = [("1900000109", Some("wxd678efh567hg6999")), ("1900000110", None)];

pub(crate) const APPS: [&str; 3] = [APP_ID, MINI_APP_ID, MOBILE_APP_ID];

/// The ids of an order. In partner mode `appid` is `sp_appid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parties {
    pub(crate) appid: String,
    pub(crate) sub_mchid: Option<String>,
    pub(crate) sub_appid: Option<String>,
}

impl Parties {
    pub(crate) const fn is_partner(&self) -> bool {
        self.sub_mchid.is_some()
    }

    /// Reads and checks the ids of a body that creates.
    pub(crate) fn read(fields: &Fields<'_>, partner: bool) -> Result<Parties, Fail> {
        let parties = if partner {
            Parties {
                appid: fields.must("/sp_appid", 1, 32)?.to_owned(),
                sub_mchid: Some(sub_mchid(fields)?.to_owned()),
                sub_appid: fields.text("/sub_appid", 32)?.map(str::to_owned),
            }
        } else {
            Parties { appid: fields.must("/appid", 1, 32)?.to_owned(), sub_mchid: None, sub_appid: None }
        };
        own_mchid(fields, partner)?;
        parties.check()?;
        Ok(parties)
    }

    /// Apps belong to their merchant (pack §11).
    pub(crate) fn check(&self) -> Result<(), Fail> {
        if !APPS.contains(&self.appid.as_str()) {
            return Err(Snag::AppidMchid.into());
        }
        let Some(sub_mchid) = &self.sub_mchid else { return Ok(()) };
        let known = SUB_MERCHANTS.iter().find(|(mchid, _)| mchid == sub_mchid).ok_or(Snag::NoAuth)?;
        match &self.sub_appid {
            Some(sub_appid) if known.1 != Some(sub_appid.as_str()) => Err(Snag::AppidMchid.into()),
            _ => Ok(()),
        }
    }

    /// The ids as answers and callbacks carry them.
    pub(crate) fn write(&self, into: &mut Map<String, Value>) {
        let mut put = |name: &str, value: &str| {
            into.insert(name.to_owned(), json!(value));
        };
        match &self.sub_mchid {
            None => {
                put("appid", &self.appid);
                put("mchid", MCHID);
            }
            Some(sub_mchid) => {
                put("sp_appid", &self.appid);
                put("sp_mchid", MCHID);
                put("sub_mchid", sub_mchid);
                if let Some(sub_appid) = &self.sub_appid {
                    put("sub_appid", sub_appid);
                }
            }
        }
    }
}

/// The body's own merchant number must be the caller's.
pub(crate) fn own_mchid(fields: &Fields<'_>, partner: bool) -> Result<(), Fail> {
    let pointer = if partner { "/sp_mchid" } else { "/mchid" };
    let mchid = fields.must(pointer, 1, 32)?;
    if mchid == MCHID { Ok(()) } else { Err(fields.wrong(pointer, "is not the merchant that signed")) }
}

/// A sub-merchant that is ours; another one is a missing relation.
pub(crate) fn sub_mchid<'a>(fields: &Fields<'a>) -> Result<&'a str, Fail> {
    let mchid = fields.must("/sub_mchid", 1, 32)?;
    if SUB_MERCHANTS.iter().any(|(known, _)| *known == mchid) { Ok(mchid) } else { Err(Snag::NoAuth.into()) }
}
