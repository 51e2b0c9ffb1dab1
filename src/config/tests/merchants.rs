//! `merchants.toml`: merchants, bindings, and whose money an account may collect.

use super::{Folder, refused};

#[test]
fn merchants_toml_is_checked() {
    let m = "merchants.toml";
    let base = Folder::sandbox;
    refused(base().edit(m, "\"m_demo\"", "\"商户\""), &["merchants.toml: merchant[0].id: must be 1 to 64 letters, digits, _ or -"]);
    refused(
        base().edit(m, "\"m_demo\"", &format!("\"{}\"", "m".repeat(65))),
        &["merchants.toml: merchant[0].id: must be 1 to 64 letters, digits, _ or -"],
    );
    let weak = "merchants.toml: merchant[0].keys[0].secret: must have at least 32 bytes";
    refused(base().edit(m, "canary-merchant-secret-0123456789abcdef", "canary-merchant-secret-01234567"), &[weak]);
    for secret in ["whsec_Y2FuYXJ5", "Y2FuYXJ5LXdlYmhvb2stc2VjcmV0LTAx"] {
        let told = "merchants.toml: merchant[0].webhook.secret: must be whsec_ and the base64 of 24 to 64 bytes";
        refused(base().edit(m, "whsec_Y2FuYXJ5LXdlYmhvb2stc2VjcmV0LTAx", secret), &[told]);
    }
    let unsigned = base().edit(m, ", secret = \"whsec_Y2FuYXJ5LXdlYmhvb2stc2VjcmV0LTAx\" }", " }");
    refused(unsigned, &["merchants.toml: merchant[0].webhook.secret: is required"]);
    refused(
        base().edit(m, "https://shop", "ftp://shop"),
        &["merchants.toml: merchant[0].webhook.url: must be an absolute http or https URL"],
    );
    let user = base().edit(m, "https://shop", "https://u:p@shop");
    refused(user, &["merchants.toml: merchant[0].webhook.url: must not hold a user name, a password or a fragment"]);
    let twin = "[[merchant]]\nid = \"m_demo\"\nkeys = [{ id = \"k_demo\", secret = \"canary-merchant-secret-0123456789abcdef\" }]";
    let told = [
        "merchants.toml: merchant[1].id: m_demo is taken by an earlier one: ids are unique",
        "merchants.toml: merchant[1].keys[0].id: k_demo is taken by an earlier one: ids are unique",
        "merchants.toml: merchant[1].keys[0].secret: is the same secret as that of merchant m_demo, key k_demo: give each its own",
    ];
    refused(base().add(m, twin), &told);
    let three = base().edit(
        m,
        "keys = [",
        &format!("keys = [{}", ["a", "b"].map(|k| format!("{{ id = \"{k}\", secret = \"{}\" }}, ", k.repeat(32))).concat()),
    );
    refused(three, &["merchants.toml: merchant[0].keys: must be two at most: the key in use and the one it is changed to"]);
    let stores =
        base().add(m, "[[merchant.store]]\nid = \"s1\"\nmap = [{ account = \"gone\", store_code = \"1\" }, { account = \"wx-main\" }]");
    let told = [
        "merchants.toml: merchant[0].store[1].id: s1 is taken by an earlier one: ids are unique",
        "merchants.toml: merchant[0].store[1].map[0].account: gone is no account of channels.toml",
        "merchants.toml: merchant[0].store[1].map[1].store_code: or term_id is required: the entry says nothing",
    ];
    refused(stores, &told);
}

#[test]
fn bindings_are_checked() {
    let m = "merchants.toml";
    let base = Folder::sandbox;
    let unknown = base().add(m, "[[merchant.binding]]\naccount = \"gone\"");
    refused(unknown, &["merchants.toml: merchant[0].binding[1].account: gone is no account of channels.toml"]);
    let twice = base().add(m, "[[merchant.binding]]\naccount = \"wx-main\"");
    refused(twice, &["merchants.toml: merchant[0].binding[1].account: wx-main is bound by an earlier binding of this merchant"]);
    let bind = |more: &str| base().edit(m, "account = \"wx-main\"\n", &format!("account = \"wx-main\"\n{more}\n"));
    refused(bind("methods = [\"cash\"]"), &["merchants.toml: merchant[0].binding[0].methods: cash is not a payment method"]);
    refused(
        bind("methods = [\"wechat_h5\"]"),
        &["merchants.toml: merchant[0].binding[0].methods: wechat_h5 is no method of account wx-main"],
    );
    refused(
        bind("methods = []"),
        &["merchants.toml: merchant[0].binding[0].methods: must not be empty: leave the key out to allow every method"],
    );
    refused(bind("sub = { sub_mchid = \"1\" }"), &["merchants.toml: merchant[0].binding[0].sub.sub_mchid: is not a known field"]);
    let partner = |folder: Folder| folder.edit("channels.toml", "mchid =", "mode = \"partner\"\nmchid =");
    refused(partner(base()), &["merchants.toml: merchant[0].binding[0].sub.sub_mchid: is required"]);
    assert!(partner(bind("sub = { sub_mchid = \"1\" }")).load().is_ok());
    refused(partner(bind("sub = { sub_mchid = 1 }")), &["merchants.toml: merchant[0].binding[0].sub.sub_mchid: must be text"]);
}

#[test]
fn collecting_for_others_is_refused_but_not_in_the_sandbox() {
    let m = "merchants.toml";
    let other = "[[merchant]]\nid = \"m_other\"\n[[merchant.binding]]\naccount = \"wx-main\"";
    let told = "merchants.toml: merchant[1].binding[0].account: wx-main is a direct account of merchant m_demo: another merchant would be \
                collecting through it (二清)";
    refused(Folder::live().add(m, other), &[told]);
    let owned = |folder: Folder, owner| folder.edit("channels.toml", "channel =", &format!("owner = \"{owner}\"\nchannel ="));
    refused(owned(Folder::live().add(m, other), "m_demo"), &[told]);
    let foreign = "merchants.toml: merchant[0].binding[0].account: wx-main is a direct account of merchant m_other: another merchant would \
                   be collecting through it (二清)";
    refused(owned(Folder::live().add(m, other), "m_other"), &[foreign]);
    refused(owned(Folder::sandbox(), "m_gone"), &["channels.toml: account[0].owner: m_gone is no merchant of merchants.toml"]);
    assert!(owned(Folder::sandbox().add(m, other), "m_demo").load().is_ok());

    let partner = |folder: Folder| folder.edit("channels.toml", "mchid =", "mode = \"partner\"\nmchid =");
    let sub = |folder: Folder| folder.edit(m, "account = \"wx-main\"\n", "account = \"wx-main\"\nsub = { sub_mchid = \"1\" }\n");
    let two = sub(partner(Folder::live())).add(m, &format!("{other}\nsub = {{ sub_mchid = \"2\" }}"));
    assert!(two.load().is_ok());
    let owned_partner = "channels.toml: account[0].owner: is for direct accounts: a service-provider account belongs to no merchant";
    refused(owned(two, "m_demo"), &[owned_partner]);
}

#[test]
fn a_preference_names_known_accounts_once() -> Result<(), Vec<crate::config::Finding>> {
    let prefer = |list: &str| Folder::sandbox().edit("merchants.toml", "id = \"m_demo\"", &format!("id = \"m_demo\"\nprefer = {list}"));
    let told = [
        "merchants.toml: merchant[0].prefer: gone is no account of channels.toml",
        "merchants.toml: merchant[0].prefer: wx-main stands there twice",
    ];
    refused(prefer("[\"wx-main\", \"gone\", \"wx-main\"]"), &told);
    refused(prefer("\"wx-main\""), &["merchants.toml: merchant[0].prefer: must be a list"]);
    let read = |folder: Folder| folder.load().map(|settings| settings.merchants.first().and_then(|m| m.prefer.clone()));
    assert_eq!(read(prefer("[\"wx-main\"]"))?, Some(vec!["wx-main".to_owned()]));
    assert_eq!((read(prefer("[]"))?, read(Folder::sandbox())?), (Some(Vec::new()), None));
    Ok(())
}
