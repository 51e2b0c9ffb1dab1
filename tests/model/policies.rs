//! What every channel's table of policies says, pinned: `policies.txt` is what the code answers, to be read by people. Whoever changes a
//! schedule or what an answer means, changes it here too, and sees what he has done.

use sluice::flow::Pace;
use sluice::flow::policy::policies;
use std::fmt::Write;

/// Every channel's table, as the account of its pretend channel has it.
fn text() -> String {
    let mut text = String::new();
    for listed in sluice::channels::CHANNELS {
        for policy in policies(&crate::world::profile(listed.name), Pace::new(1)) {
            writeln!(text, "{}: {}", listed.name, policy.methods.join(", ")).unwrap();
            for verb in policy.verbs {
                writeln!(text, "  {}: {}", verb.verb, verb.when).unwrap();
                for line in verb.answers {
                    writeln!(text, "    {:<38} {}", line.heard, line.then).unwrap();
                }
            }
            text.push('\n');
        }
    }
    text
}

#[test]
fn the_policies_are_as_written() {
    let (said, kept) = (text(), include_str!("policies.txt"));
    if said != kept {
        let path = std::env::temp_dir().join("sluice-policies.txt");
        std::fs::write(&path, &said).unwrap();
        let differs = said.lines().zip(kept.lines()).find(|(said, kept)| said != kept);
        panic!("the policies have changed, first at {differs:?}; read {} and copy it over tests/model/policies.txt", path.display());
    }
}

/// Whatever is no definite answer leaves an open order open, and somebody looks again: at every channel, for every verb.
#[test]
fn no_table_fails_anything_without_an_answer() {
    const INDEFINITE: [&str; 7] = [
        "no answer",
        "unreadable, unsigned or unlisted",
        "waits for the payer",
        "number not known yet",
        "busy",
        "no answer, or unreadable",
        "accepted",
    ];
    let mut looked_at = 0;
    for listed in sluice::channels::CHANNELS {
        for policy in policies(&crate::world::profile(listed.name), Pace::new(1)) {
            for verb in policy.verbs.iter().filter(|verb| verb.verb != "query after the end") {
                for line in verb.answers.iter().filter(|line| INDEFINITE.contains(&line.heard)) {
                    looked_at += 1;
                    let ends =
                        ["failed", "closed", "reversed", "the order is", "the refund is"].into_iter().find(|end| line.then.contains(end));
                    assert_eq!(ends, None, "{} {:?} {}: {} leads to: {}", listed.name, policy.methods, verb.verb, line.heard, line.then);
                    let again = ["again", "from "].into_iter().any(|word| line.then.contains(word)) || line.then == "nothing changes";
                    assert!(again, "{} {:?} {}: nobody looks again: {}", listed.name, policy.methods, verb.verb, line.then);
                }
            }
        }
    }
    assert!(looked_at > 100, "{looked_at} answers were looked at");
}
