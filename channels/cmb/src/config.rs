//! The account's credentials, read once and typed; every problem is collected, each with its key.

use crate::bill::Columns;
use crate::keys::BankKey;
use crate::profile::{self, Limits};
use crate::sign::Signer;
use crate::terminal;
use sluice_codes::payment::Rules;
use sluice_contract::{AccountConfig, Problem, Profile, Reader};
use sluice_kit::account::{self, checked, days_s, optional, parsed, url};
use sluice_kit::mode::Mode;
use sluice_kit::profile::DAY_S;
use sluice_kit::text::is_alnum;
use sm2::PublicKey;
use zeroize::Zeroizing;

/// The bank's keys: all verify, the one in force encrypts.
pub(crate) struct Keys {
    pub(crate) all: Vec<BankKey>,
    pub(crate) encrypting: PublicKey,
}

impl Keys {
    pub(crate) fn verify(&self, text: &str, signature: &str) -> bool {
        self.all.iter().any(|key| key.verifies(text, signature))
    }
}

/// An opened account. Holds secrets: it is never printed.
pub(crate) struct Account {
    pub(crate) base_url: String,
    pub(crate) mer_id: String,
    /// The cashier that orders go under when they name none.
    pub(crate) user_id: String,
    pub(crate) term_id: Option<String>,
    pub(crate) encrypts_terminal: bool,
    /// `ecnyPayment`, without which the bank takes no e-CNY code. The pack names the field but not what stands in it (UNCONFIRMED):
    /// absent, such codes are refused by us.
    pub(crate) ecny_payment: Option<String>,
    pub(crate) signer: Signer,
    pub(crate) keys: Keys,
    /// Whether empty values are in what the bank signs. One SDK keeps them, the bank's demo drops them (section 2.2, UNCONFIRMED).
    pub(crate) signs_empty: bool,
    pub(crate) columns: Option<Columns>,
    /// Another host that bills may be fetched from.
    pub(crate) file_base_url: Option<String>,
    pub(crate) codes: Rules,
    pub(crate) profile: Profile,
}

/// Every key of the table, so that a complete old table may stand under `previous`.
const NAMES: &str = "app_id app_secret mer_id user_id private_key public_key term_id encrypt_terminal ecny_payment signs_empty mode \
                     expires_in_max_s refund_window_days statement_columns file_base_url";

/// Reads an account, or tells everything that is wrong with it.
pub(crate) fn read(config: &AccountConfig<'_>) -> Result<Account, Vec<Problem>> {
    let table = &config.credentials;
    let methods = account::methods(table, config.methods.or(Some(profile::DEFAULT)), profile::METHODS, "CMB");
    let mode = Mode::read(table);
    let [mer_id, user_id] = ["mer_id", "user_id"].map(|field| checked(table, field, is_id, "must be 1 to 32 letters and digits"));
    let term_id = optional(table, "term_id", terminal::is_id, "must be 1 to 8 letters and digits");
    let encrypts_terminal = table.flag("encrypt_terminal").unwrap_or(true);
    let ecny_payment = table.text_of("ecny_payment", 1, 512).map(str::to_owned);
    let signs_empty = table.flag("signs_empty").unwrap_or(true);
    // The pack gives no upper bound of payValidTime and no refund window (UNCONFIRMED). Too long a window is harmless: the bank refuses
    // with TRADE_OVERDUE, and nothing moved.
    let limits = Limits {
        expires_in_max_s: table.int("expires_in_max_s", 60..=DAY_S).unwrap_or(7200),
        refund_window_s: days_s(table, "refund_window_days", 365, 3650),
    };
    let columns = table.table("statement_columns").map(|columns| Columns::read(&columns));
    let file_base_url = table.raw("file_base_url").map(|_| url(table, "file_base_url", ""));
    let signer = signer(table);
    let key = parsed(table, "public_key", table.need_text("public_key"), BankKey::read);
    // A bank's key that is our own would take our requests, sent back to us, for the bank's word.
    let ours = signer.as_ref().map(|signer| signer.key.verifying_key().as_affine());
    if key.as_ref().is_some_and(|key| Some(key.public.as_affine()) == ours) {
        table.problem("public_key", "must be the bank's key, not the one of private_key");
    }
    let mut former = None;
    let problems = account::finish(config, NAMES, |old| {
        former = old.text("public_key").and_then(|text| parsed(old, "public_key", text, BankKey::read));
    });
    match (signer, key) {
        (Some(signer), Some(key)) if problems.is_empty() => Ok(Account {
            base_url: config.base_url.to_owned(),
            mer_id,
            user_id,
            term_id,
            encrypts_terminal,
            ecny_payment,
            signer,
            keys: Keys { encrypting: key.public, all: std::iter::once(key).chain(former).collect() },
            signs_empty,
            profile: profile::of(&methods, mode, columns.is_some(), limits),
            columns,
            file_base_url,
            codes: Rules::default(),
        }),
        _ => Err(problems),
    }
}

/// What `merId`, `userId` and the sub-merchant's ids are made of: at most 32 characters (section 2.4).
pub(crate) fn is_id(id: &str) -> bool {
    is_alnum(id, 1..=32)
}

fn signer(table: &Reader<'_>) -> Option<Signer> {
    // It is a header's value.
    let is_plain = |id: &str| id.bytes().all(|b| b.is_ascii_graphic());
    let app_id = checked(table, "app_id", is_plain, "must be visible ASCII without spaces");
    let app_secret = Zeroizing::new(table.need_text("app_secret").to_owned());
    let key = parsed(table, "private_key", table.need_text("private_key"), Signer::key)?;
    Some(Signer { app_id, app_secret, key })
}
