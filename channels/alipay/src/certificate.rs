//! Certificate mode (pack §1.6): the serial numbers as Alipay computes them, whether a re-issued certificate is Alipay's, and how it is
//! fetched by the serial number that a reply named (pack §1.4).

use crate::codes::Api;
use crate::config::Account;
use crate::sign::{Envelope, Seal};
use crate::wire::{self, Answer, Call, ensure, members, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde_json::Value;
use sluice_contract::{Env, KeyItem, KeyUpdate, Reading, Renewed, Step, Why, WhyKind};
use sluice_kit::outcome::{self, unreadable};
use sluice_kit::x509::{Leaf, blocks, certificates, leads};
use std::sync::Arc;
use x509_parser::certificate::X509Certificate;
use x509_parser::x509::AttributeTypeAndValue;

/// RSA family. The root file also holds SM2 and ECDSA roots, which do not count.
const RSA_FAMILY: &str = "1.2.840.113549.1.1.";

/// How the parts of an issuer are written.
const SHORT_NAMES: [(&str, &str); 6] =
    [("2.5.4.3", "CN"), ("2.5.4.6", "C"), ("2.5.4.7", "L"), ("2.5.4.8", "ST"), ("2.5.4.10", "O"), ("2.5.4.11", "OU")];

/// What certificate mode adds to requests, and what a re-issued certificate is judged by.
pub(crate) struct Certificates {
    pub(crate) app_sn: String,
    pub(crate) root_sn: String,
    pub(crate) alipay: String,
    pub(crate) roots: String,
}

pub(crate) fn read(pem: &str) -> Result<Leaf, &'static str> {
    Leaf::read(pem, sn)
}

/// `alipay_root_cert_sn`: of every RSA certificate of the file, in its order.
pub(crate) fn root_sn(pem: &str) -> Result<String, &'static str> {
    let blocks = blocks(pem);
    let counts = |cert: &&X509Certificate<'_>| cert.signature_algorithm.algorithm.to_id_string().starts_with(RSA_FAMILY);
    let sns: Vec<String> = certificates(&blocks).iter().filter(counts).map(sn).collect();
    if sns.is_empty() { Err("holds no RSA root certificate") } else { Ok(sns.join("_")) }
}

/// Whether the first certificate of `pem` may sign for Alipay: it keeps the key of the one we know (pack §1.4), or a chain
/// leads from it to one of the RSA roots, over intermediates that stand in either file.
pub(crate) fn is_trusted(pem: &str, files: &Certificates) -> bool {
    let blocks = [pem, &files.alipay, &files.roots].map(blocks);
    let [given, known, roots] = blocks.each_ref().map(|blocks| certificates(blocks));
    let Some(leaf) = given.first() else { return false };
    let is_same_key = known.first().is_some_and(|own| own.public_key().raw == leaf.public_key().raw);
    is_same_key || leads(leaf, given.iter().skip(1).chain(known.iter().skip(1)), &roots, false)
}

/// MD5 of the issuer, most specific part first, and the serial in decimal. Hex of 16 bytes keeps its leading zeros.
fn sn(cert: &X509Certificate<'_>) -> String {
    let part = |attribute: &AttributeTypeAndValue<'_>| {
        let oid = attribute.attr_type().to_id_string();
        let name = SHORT_NAMES.iter().find(|(long, _)| *long == oid).map_or(oid.as_str(), |(_, short)| short);
        format!("{name}={}", attribute.as_str().unwrap_or_default())
    };
    let mut parts: Vec<String> = cert.issuer().iter_attributes().map(part).collect();
    parts.reverse();
    hex::encode(Md5::digest(format!("{}{}", parts.join(","), cert.tbs_certificate.serial)))
}

/// Brings the certificate of a serial number that a reply named (pack §1.4).
pub(crate) fn renew(account: &Arc<Account>, sn: &str, env: &Env<'_>) -> Step<Renewed> {
    let call = Call::new("certificate", DOWNLOAD, members([("alipay_cert_sn", Some(sn.into()))]), None);
    wire::ask(account, &sn.to_owned(), call, env, |account, sn, answer, env| {
        let pem = match answer {
            Answer::Good(tree) => content(&tree),
            Answer::Error(complaint) => return Ok(Reading::Is(outcome::renewed(complaint.class(Api::Certificate), &complaint))),
        };
        let found = read(&pem).map_err(|_| unreadable("the reply brings no certificate in base64 of PEM"))?;
        let is_asked = found.sn == *sn && found.is_valid(env.now);
        ensure(is_asked, || Why::new(WhyKind::Contradiction, "the certificate is another one, or not valid now"))?;
        // Whoever signed the reply.
        ensure(is_alipays(account, &pem), || Why::new(WhyKind::BadSignature, "the certificate does not lead to Alipay's root"))?;
        let item = KeyItem { id: found.sn, value: pem, from: Some(found.from), until: None };
        Ok(Reading::Is(Renewed::Keys(KeyUpdate { items: vec![item] })))
    })
}

pub(crate) const DOWNLOAD: &str = "alipay.open.app.alipaycert.download";

/// The reply is signed under the certificate that it brings, if not by one we know. That holds where the certificate is Alipay's; no
/// other is fetched to judge it.
pub(crate) fn seal(account: &Account, envelope: &Envelope<'_>) -> Seal {
    let pem = wire::node(account, envelope.node).map(|node| content(&node)).unwrap_or_default();
    let signature = envelope.signature.as_deref().unwrap_or_default();
    let signs = |found: Leaf| found.key.verifies_base64(envelope.node, signature);
    match envelope.seal(&account.ring) {
        Seal::UnknownKey(_) | Seal::Broken if !is_alipays(account, &pem) || !read(&pem).is_ok_and(signs) => Seal::Broken,
        Seal::UnknownKey(_) | Seal::Broken => Seal::Holds,
        seal => seal,
    }
}

/// The PEM of a certificate, or nothing that is one.
fn content(tree: &Value) -> String {
    let content = STANDARD.decode(text(tree, "alipay_cert_content").unwrap_or_default());
    content.ok().and_then(|raw| String::from_utf8(raw).ok()).unwrap_or_default()
}

fn is_alipays(account: &Account, pem: &str) -> bool {
    account.certificates.as_ref().is_some_and(|files| is_trusted(pem, files))
}
