//! Every plant still fits: what a patch would change stands in the tree. One that does not would be found hours into `tests/plants/run`.

use super::tree::{files, root};

/// What a hunk expects to find, as one text.
fn expected(hunk: &str) -> String {
    let lines = hunk.lines().skip(1).filter(|line| line.is_empty() || line.starts_with([' ', '-']));
    lines.map(|line| line.get(1..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_plant_fits_the_tree() {
    let (plants, mut unfit) = (files("tests/plants", ".patch"), Vec::new());
    assert!(plants.len() > 40, "only {} plants were found", plants.len());
    for plant in &plants {
        let (why, changes) = plant.text.split_once("\ndiff --git ").unwrap_or_default();
        assert!(!why.trim().is_empty(), "{} does not say what is wrong about it", plant.path);
        for change in changes.split("\ndiff --git ") {
            let path = change.lines().find_map(|line| line.strip_prefix("--- a/")).unwrap_or_default();
            let source = std::fs::read_to_string(root().join(path)).unwrap_or_default();
            let hunks: Vec<String> = change.split("\n@@ ").skip(1).map(expected).collect();
            let fits = !hunks.is_empty() && hunks.iter().all(|hunk| source.contains(hunk.trim_end_matches('\n')));
            unfit.extend((!fits).then(|| format!("{} at {path}", plant.path)));
        }
    }
    assert!(unfit.is_empty(), "plants that no longer fit; plant them anew: {unfit:#?}");
}
