//! Every known answer in `tests/vectors` is ours.

use std::path::Path;

#[test]
fn known_answers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let report = holdfast_tests::vectors::run_folder(&folder).unwrap();
    assert!(report.failed.is_empty(), "{}", report.failed.join("\n"));
    assert!(report.passed > 0, "no case was run");
}
