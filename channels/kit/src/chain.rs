//! Chains of certificates: from the one that signs, over intermediates, to a root that is trusted by configuration.

use crate::x509::is_signed_by;
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::Pem;

/// Leaf, intermediates, root: no channel's chain is longer.
const LINKS_MAX: usize = 4;

/// What can be read of these blocks, in their order; a parser that chokes on one passes it over.
#[must_use]
pub fn certificates(blocks: &[Pem]) -> Vec<X509Certificate<'_>> {
    blocks.iter().filter_map(|block| block.parse_x509().ok()).collect()
}

/// Whether a chain leads from `leaf` to one of the roots, over those of `between` that are authorities.
pub fn leads<'a>(
    leaf: &'a X509Certificate<'a>,
    between: impl IntoIterator<Item = &'a X509Certificate<'a>>,
    roots: &[X509Certificate<'_>],
    allow_sha1: bool,
) -> bool {
    let signs = |parent: &X509Certificate<'_>, child: &X509Certificate<'_>| {
        is_signed_by(child, parent.subject().as_raw(), parent.public_key().raw, allow_sha1)
    };
    let between: Vec<&X509Certificate<'_>> = between.into_iter().filter(|cert| cert.is_ca()).collect();
    let links = std::iter::successors(Some(leaf), |link| between.iter().copied().find(|parent| signs(parent, link)));
    links.take(LINKS_MAX).any(|link| roots.iter().any(|root| signs(root, link)))
}

#[cfg(test)]
mod tests {
    use super::{certificates, leads};
    use crate::x509::blocks;

    /// Whether a chain leads from the named certificate over the middle one to the root, all out of the published test keys.
    fn does(leaf: &str, between: &[&str], root: &str) -> Option<bool> {
        let keys: serde_json::Value = serde_json::from_str(include_str!("../../unionpay/vectors/keys.json")).ok()?;
        let pem = |name: &str| keys.get("sandbox_a")?.get(name)?.get("cert_pem")?.as_str().map(blocks);
        let (leaf, root) = (pem(leaf)?, pem(root)?);
        let between = between.iter().map(|name| pem(name)).collect::<Option<Vec<_>>>()?.concat();
        Some(leads(certificates(&leaf).first()?, &certificates(&between), &certificates(&root), false))
    }

    #[test]
    fn every_link_is_signed_by_an_authority_up_to_a_root() {
        assert_eq!(does("upsign", &["middle"], "root"), Some(true));
        assert_eq!(does("middle", &[], "root"), Some(true));
        assert_eq!(does("upsign", &[], "root"), Some(false), "a link is missing");
        assert_eq!(does("upsign", &["merchant"], "root"), Some(false), "a leaf is no authority");
        assert_eq!(does("upsign", &["middle"], "evil_root"), Some(false));
        assert_eq!(does("evil_leaf", &["middle"], "root"), Some(false));
    }
}
