//! `routing.toml`. This build ranks accounts by file order, so the file may be absent or empty. A rule that would be read and not obeyed
//! is worse than none: it is refused.

use serde_json::Value;
use sluice_contract::{Problem, Reader};

/// The problems of the file; `name` is the table that its rules stand in.
pub(super) fn refuse(tree: &Value, name: &str) -> Vec<Problem> {
    let reader = Reader::root(name, tree);
    for (index, _) in reader.tables(name).iter().enumerate() {
        reader.problem(&format!("{name}[{index}]"), format!("this build does not obey [[{name}]] yet: take it out"));
    }
    reader.finish();
    reader.found()
}
