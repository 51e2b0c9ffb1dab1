//! The shared vectors that speak to a server: requests it must take or refuse, answers it must sign to the byte.

use super::Client;
use serde_json::Value;
use sluice_contract::{Headers, Second, Verb};
use sluice_simkit::Call;

const REQUESTS: &str = include_str!("../../vectors/requests.json");
const ANSWERS: &str = include_str!("../../vectors/answers.json");

#[test]
fn requests_are_taken_or_refused_as_the_vectors_say() {
    let vectors: Vec<Value> = serde_json::from_str(REQUESTS).unwrap();
    assert_eq!(vectors.len(), 18);
    for vector in &vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let mut client = Client::new();
        client.now = Second(vector["now"].as_i64().unwrap()).millis();
        let verb = if text("verb") == "GET" { Verb::Get } else { Verb::Post };
        let headers = Headers::new(&[("Authorization", text("authorization"))]);
        let reply = client.raw(&Call { verb, target: text("target").to_owned(), headers, body: text("body").as_bytes().to_vec() });
        assert_eq!(reply.status != 401, vector["accept"].as_bool().unwrap(), "{}", text("id"));
    }
}

#[test]
fn answers_are_signed_to_the_byte() {
    let client = Client::new();
    let vectors: Vec<Value> = serde_json::from_str(ANSWERS).unwrap();
    assert_eq!(vectors.len(), 4);
    for vector in &vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        // The vectors use the key of the certificate under a public key id as well.
        let signer = &client.sim.keys.certificates[0].signer;
        let message = format!("{}\n{}\n{}\n", text("timestamp"), text("nonce"), text("body"));
        assert_eq!(signer.sign(message.as_bytes()), text("signature"), "{}", text("id"));
    }
}

/// Vector `empty-associated-data` and `java-aes256gcm`.
#[test]
fn resources_are_sealed_to_the_byte() {
    let key = "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb";
    let java = crate::wire::seal(key, "uluk4a9R25RW", "associatedData", "message");
    assert_eq!(java, "ulwSiIajGClcvcOYvOQ7+l+0PAbzzwI=");
    let empty = crate::wire::seal(key, "abcdefghijkl", "", "{\"mchid\":\"1900000100\"}");
    assert_eq!(empty, "0x3UFXNO8Lrx69UitbC1zwI7tofLYq83N2T0cvFjIm3XcpsjLtA=");
}
