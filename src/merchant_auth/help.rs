//! "Why is my signature wrong?" What a refused request may be told, and the trials behind its hints. Pure.
//!
//! **Limits.** Nothing here returns a signature, a MAC or a secret: a trial answers yes or no to the signature that was sent. Hints are the
//! words of [`Hint`] and nothing else. Every trial always runs, whatever the earlier ones said, so the number of MACs is one constant.
//! Trials run after a refusal and only describe it: nothing that is accepted comes from here.

use super::{Request, canonical, lines, mac, shapes};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hmac::Mac;
use url::form_urlencoded::{Serializer, parse};

/// How much of the string to sign is shown.
pub const SHOWN_BYTES_MAX: usize = 160;

macro_rules! hints {
    ($($hint:ident: $word:literal;)+) => {
        /// What the sender seems to have done. A closed list.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Hint { $($hint),+ }

        impl Hint {
            pub const ALL: &'static [Hint] = &[$(Hint::$hint),+];

            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Hint::$hint => $word),+ }
            }
        }
    };
}

hints! {
    TrailingNewlineMissing: "trailing_newline_missing";
    Crlf: "crlf";
    QueryReordered: "query_reordered";
    QueryEncoding: "query_encoding";
    QueryLeftOut: "query_left_out";
    PathWithoutPrefix: "path_without_prefix";
    BodyReserialised: "body_reserialised";
    BodyLeftOut: "body_left_out";
    TimestampInMs: "timestamp_in_ms";
    SecretDecoded: "secret_decoded";
    SecretWhitespace: "secret_whitespace";
    UpperCaseHex: "upper_case_hex";
    OtherKey: "other_key";
    WebhookSecret: "webhook_secret";
}

/// What the merchant has and may have mixed up.
#[derive(Clone, Copy, Debug)]
pub struct Secrets<'a> {
    /// Of the key that the request names.
    pub own: &'a str,
    /// Of the merchant's other key.
    pub other: Option<&'a str>,
    /// `whsec_…`
    pub webhook: Option<&'a str>,
}

/// What came of all trials.
#[derive(Debug, PartialEq, Eq)]
pub struct Tried {
    pub hints: Vec<Hint>,
    /// How many MACs it took: always the same.
    pub macs: usize,
}

struct Trials<'a> {
    own: &'a [u8],
    /// What was sent; nothing equals zeros.
    signature: [u8; 32],
    tried: Tried,
}

impl Trials<'_> {
    fn holds(&mut self, key: &[u8], message: &[u8]) -> bool {
        self.tried.macs = self.tried.macs.saturating_add(1);
        mac(key, message).verify_slice(&self.signature).is_ok()
    }

    /// The same key over other messages. No early end: see the door.
    fn messages<const N: usize>(&mut self, hint: Hint, messages: [Vec<u8>; N]) {
        let own = self.own;
        let hits = messages.iter().filter(|message| self.holds(own, message)).count();
        self.note(hint, hits > 0);
    }

    /// Other keys over the same message.
    fn keys<const N: usize>(&mut self, hint: Hint, message: &[u8], keys: [Vec<u8>; N]) {
        let hits = keys.iter().filter(|key| self.holds(key, message)).count();
        self.note(hint, hits > 0);
    }

    fn note(&mut self, hint: Hint, found: bool) {
        if found {
            self.tried.hints.push(hint);
        }
    }
}

/// Runs every trial on a refused request.
#[must_use]
pub fn try_all(request: &Request<'_>, signature: &str, secrets: &Secrets<'_>) -> Tried {
    let given = hex::decode(signature).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let own = secrets.own.as_bytes();
    let mut trials = Trials { own, signature: given.unwrap_or_default(), tried: Tried { hints: Vec::new(), macs: 0 } };
    let right = canonical(request);
    let holds_as_it_is = trials.holds(own, &right);
    of_lines(&mut trials, request, &right);
    of_path(&mut trials, request);
    let bodies = |body: Vec<u8>| canonical(&Request { body: &body, ..*request });
    trials.messages(Hint::BodyReserialised, shapes::forms(request.body).map(bodies));
    trials.messages(Hint::BodyLeftOut, [bodies(Vec::new())]);
    of_keys(&mut trials, secrets, &right);
    if holds_as_it_is {
        // Only its writing is wrong: what looks like a trial that held is this same message again.
        trials.tried.hints.clear();
    }
    let in_ms = request.timestamp.len() == 13 && request.timestamp.bytes().all(|b| b.is_ascii_digit());
    if in_ms && !trials.tried.hints.contains(&Hint::TimestampInMs) {
        trials.tried.hints.push(Hint::TimestampInMs);
    }
    trials.note(Hint::UpperCaseHex, given.is_some() && signature.bytes().any(|b| b.is_ascii_uppercase()));
    trials.tried
}

fn of_lines(trials: &mut Trials<'_>, request: &Request<'_>, right: &[u8]) {
    let Request { method, path_and_query, timestamp, nonce, body } = *request;
    let unended = |bytes: &[u8]| bytes.strip_suffix(b"\n").unwrap_or(bytes).to_vec();
    trials.messages(Hint::TrailingNewlineMissing, [unended(right)]);
    let ended = [[method, path_and_query, timestamp, nonce, ""].join("\r\n").as_bytes(), body, b"\r\n"].concat();
    let cut = ended.strip_suffix(b"\r\n").unwrap_or(&ended).to_vec();
    trials.messages(Hint::Crlf, [ended, cut]);
    let at = |timestamp: &str| lines([method, path_and_query, timestamp, nonce], body);
    let (longer, shorter) = (format!("{timestamp}000"), timestamp.get(..10).unwrap_or(timestamp));
    trials.messages(Hint::TimestampInMs, [at(&longer), at(shorter)]);
}

fn of_path(trials: &mut Trials<'_>, request: &Request<'_>) {
    let sent = request.path_and_query;
    let (path, query) = sent.split_once('?').unwrap_or((sent, ""));
    let at = |path_and_query: String| canonical(&Request { path_and_query: &path_and_query, ..*request });
    let with = |query: &str| at(if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") });
    let mut pairs: Vec<&str> = query.split('&').collect();
    pairs.sort_unstable();
    let sorted = pairs.join("&");
    pairs.reverse();
    trials.messages(Hint::QueryReordered, [with(&sorted), with(&pairs.join("&"))]);
    trials.messages(Hint::QueryLeftOut, [at(path.to_owned())]);
    let plain = parse(query.as_bytes()).map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let encoded = Serializer::new(String::new()).extend_pairs(parse(query.as_bytes())).finish();
    let spaces = [encoded.replace('+', "%20"), query.replace('+', "%20"), query.replace("%20", "+")];
    let [encoded_with_spaces, without_plus, with_plus] = spaces;
    let written = [&plain, &encoded, &encoded_with_spaces, &without_plus, &with_plus, &triplets(query, false), &triplets(query, true)]
        .map(|q| with(q));
    trials.messages(Hint::QueryEncoding, written);
    let inner = sent.get(1..).and_then(|rest| rest.find('/')).and_then(|slash| sent.get(slash.saturating_add(1)..));
    let bare = sent.strip_prefix('/').unwrap_or(sent);
    trials.messages(Hint::PathWithoutPrefix, [at(inner.unwrap_or(sent).to_owned()), at(bare.to_owned())]);
}

/// `%2f` for `%2F`, or the other way round.
fn triplets(query: &str, upper: bool) -> String {
    let mut left = 0;
    let case = |character: char| {
        left = if character == '%' { 2 } else { i32::max(left - 1, -1) };
        let in_triplet = left >= 0 && character != '%';
        match (in_triplet, upper) {
            (true, true) => character.to_ascii_uppercase(),
            (true, false) => character.to_ascii_lowercase(),
            _ => character,
        }
    };
    query.chars().map(case).collect()
}

fn of_keys(trials: &mut Trials<'_>, secrets: &Secrets<'_>, right: &[u8]) {
    let own = secrets.own;
    // What cannot be decoded, or is not there, is tried as the key that failed already: the count stays.
    let or_own = |key: Option<Vec<u8>>| key.unwrap_or_else(|| own.as_bytes().to_vec());
    let standard = STANDARD.decode(own).or_else(|_| STANDARD_NO_PAD.decode(own)).ok();
    let decoded = [standard, URL_SAFE_NO_PAD.decode(own).ok(), hex::decode(own).ok()].map(or_own);
    trials.keys(Hint::SecretDecoded, right, decoded);
    let around = [format!("{own}\n"), format!("{own}\r\n"), format!("{own} ")].map(String::into_bytes);
    trials.keys(Hint::SecretWhitespace, right, around);
    trials.keys(Hint::OtherKey, right, [or_own(secrets.other.map(|other| other.as_bytes().to_vec()))]);
    let webhook = secrets.webhook.map(|text| text.as_bytes().to_vec());
    let after_prefix = secrets.webhook.and_then(|text| text.strip_prefix("whsec_"));
    let as_key = after_prefix.and_then(|text| STANDARD.decode(text).ok());
    trials.keys(Hint::WebhookSecret, right, [webhook, after_prefix.map(|text| text.as_bytes().to_vec()), as_key].map(or_own));
}

/// Bytes that a person can count: line feeds as `\n`, a backslash doubled, what is no text as `\xNN`.
#[must_use]
pub fn visible(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\\' => out.push_str("\\\\"),
                c if c.is_control() => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
                c => out.push(c),
            }
        }
        chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02X}")));
    }
    out
}

/// The beginning of the string to sign, visible, cut between two characters.
#[must_use]
pub fn shown(to_sign: &[u8]) -> String {
    let mut end = SHOWN_BYTES_MAX.min(to_sign.len());
    while to_sign.get(end).is_some_and(|byte| (0x80..0xC0).contains(byte)) && end > SHOWN_BYTES_MAX.saturating_sub(4) {
        end = end.saturating_sub(1);
    }
    visible(to_sign.get(..end).unwrap_or(to_sign))
}

#[cfg(test)]
mod tests;
