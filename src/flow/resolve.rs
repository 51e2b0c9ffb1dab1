//! From what a merchant asked to what accounts are asked: the method behind `auto_barcode`, and what one account calls a store.

use super::directory::{Directory, MerchantEntry};
use super::place_order::OrderRequest;
use super::{Code, Refused};
use sluice_codes::payment::{Mistake, Rule};
use sluice_contract::{Method, PayOrder, Problem, Store};

/// The method of a request; for `auto_barcode` the code decides. The wrong thing under the scanner is refused for every barcode method.
///
/// # Errors
/// What was scanned instead, in words that do not repeat it.
pub fn method(directory: &Directory, merchant: &MerchantEntry, request: &OrderRequest) -> Result<Method, Refused> {
    let recognised = request.auth_code.as_deref().map(|code| directory.codes.recognise(code));
    if request.method != "auto_barcode" {
        let method = Method::from_word(&request.method)
            .ok_or_else(|| Refused::field("method", "is not a method; GET /v1/methods lists what this merchant can use"))?;
        return match recognised {
            Some(Err(mistake @ (Mistake::MerchantQr | Mistake::Invalid))) if method.is_barcode() => Err(refused(&mistake)),
            _ => Ok(method),
        };
    }
    let recognised = recognised.ok_or_else(|| Refused::field("auth_code", "is required by this method"))?;
    let rule = recognised.map_err(|mistake| refused(&mistake))?;
    chosen(directory, merchant, rule, request.account.as_deref()).ok_or_else(|| Refused {
        errors: vec![Problem::new("auth_code", format!("is a code of {}, which no account of this merchant can charge", rule.kind))],
        ..Refused::new(Code::MethodNotAvailable, format!("no account of this merchant takes codes of {}", rule.kind))
    })
}

fn refused(mistake: &Mistake) -> Refused {
    if *mistake == Mistake::Invalid {
        return Refused::field("auth_code", &mistake.to_string());
    }
    Refused {
        errors: vec![Problem::new("auth_code", mistake.to_string())],
        ..Refused::new(Code::UnknownAuthCode, format!("auth_code {mistake}"))
    }
}

/// Several methods may charge one code (62… is UnionPay's and every bank's): the merchant's first binding that serves one of them
/// decides, then the sandbox's accounts, which are open to all.
fn chosen(directory: &Directory, merchant: &MerchantEntry, rule: &Rule, pinned: Option<&str>) -> Option<Method> {
    let serves = |account: &str, method: Method| {
        let known = directory.account(account).filter(|known| pinned.is_none_or(|pinned| known.id == pinned));
        known.is_some_and(|known| known.methods.contains(&method))
    };
    let of_binding = merchant
        .bindings
        .iter()
        .find_map(|binding| rule.methods.iter().copied().find(|method| binding.allows(*method) && serves(&binding.account, *method)));
    let unbound = || directory.accounts.iter().filter(|a| a.sandbox && merchant.binding(&a.id).is_none());
    of_binding.or_else(|| rule.methods.iter().copied().find(|method| unbound().any(|a| serves(&a.id, *method))))
}

/// The order as this account is to see it: its store under the account's own codes.
#[must_use]
pub fn at_account(merchant: Option<&MerchantEntry>, order: &PayOrder, account: &str) -> PayOrder {
    let codes = |store: &Store| {
        let known = merchant.and_then(|m| m.stores.iter().find(|s| s.id == store.id))?;
        known.map.iter().find(|m| m.account == account)
    };
    let Some((store, map)) = order.store.as_ref().and_then(|store| Some((store, codes(store)?))) else { return order.clone() };
    let store = Store { store_code: map.store_code.clone(), term_id: map.term_id.clone(), ..store.clone() };
    PayOrder { store: Some(store), ..order.clone() }
}
