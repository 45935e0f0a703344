//! The shipped specs, checked against what their documents say.

use pabal_spec::{Loaded, Source, load};

fn hecto() -> Vec<Source> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/hecto");
    ["codes.csv", "firmbanking.spec"]
        .into_iter()
        .map(|name| Source {
            name: name.into(),
            text: std::fs::read_to_string(folder.join(name)).expect("a shipped file"),
        })
        .collect()
}

fn loaded() -> Loaded {
    load(&hecto()).unwrap_or_else(|found| panic!("{found:#?}"))
}

#[test]
fn hecto_has_no_mistake() {
    assert_eq!(loaded().warnings, []);
}
