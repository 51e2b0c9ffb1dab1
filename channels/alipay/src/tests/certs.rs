//! Certificates made for tests: a root, an intermediate below it, the app's, Alipay's, and one that Alipay re-issued.

use super::{PID, alipay_key, app_key, other_key};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_RSA_SHA256, SerialNumber};
use serde_json::{Value, json};

pub(crate) struct Files {
    pub(crate) app: String,
    pub(crate) alipay: String,
    pub(crate) root: String,
    /// Another key, below the intermediate; the file holds the intermediate too.
    pub(crate) reissued: String,
    /// The same subject and key, signed by a root that is nobody's.
    pub(crate) impostor: String,
    /// Below a certificate that is no authority.
    pub(crate) below_a_leaf: String,
}

fn key(base64: &str, label: &str) -> KeyPair {
    KeyPair::from_pem_and_sign_algo(&format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n"), &PKCS_RSA_SHA256).unwrap()
}

fn params(name: &str, serial: u64, is_ca: bool) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CountryName, "CN");
    params.distinguished_name.push(DnType::OrganizationName, "Test Financial");
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(serial));
    if is_ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    params
}

pub(crate) fn files() -> Files {
    let (app, alipay, other) = (key(&app_key(), "PRIVATE KEY"), key(&alipay_key(), "PRIVATE KEY"), key(&other_key(), "RSA PRIVATE KEY"));
    let root = params("Test Root", 1, true);
    let root_pem = root.self_signed(&app).unwrap().pem();
    let by_root = Issuer::from_params(&root, &app);
    let between = params("Test Intermediate", 2, true);
    let between_pem = between.signed_by(&app, &by_root).unwrap().pem();
    let by_between = Issuer::from_params(&between, &app);
    let leaf = params("No Authority", 3, false);
    let leaf_pem = leaf.signed_by(&alipay, &by_between).unwrap().pem();
    let by_leaf = Issuer::from_params(&leaf, &alipay);
    let nobody = params("Test Intermediate", 9, true);
    let by_nobody = Issuer::from_params(&nobody, &other);
    let alipay_pem = params("Alipay", 4, false).signed_by(&alipay, &by_between).unwrap().pem();
    Files {
        app: params("App", 5, false).signed_by(&app, &by_between).unwrap().pem(),
        alipay: alipay_pem,
        root: root_pem,
        reissued: format!("{}{between_pem}", params("Alipay", 6, false).signed_by(&other, &by_between).unwrap().pem()),
        impostor: format!("{}{between_pem}", params("Alipay", 7, false).signed_by(&other, &by_nobody).unwrap().pem()),
        below_a_leaf: format!("{}{leaf_pem}{between_pem}", params("Alipay", 8, false).signed_by(&other, &by_leaf).unwrap().pem()),
    }
}

pub(crate) fn credentials() -> Value {
    let files = files();
    json!({
        "app_id": super::APP, "pid": PID, "private_key": app_key(), "app_certificate": files.app,
        "alipay_certificate": files.alipay, "alipay_root_certificate": files.root,
    })
}
