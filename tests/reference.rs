//! docs/commands.md is what the commands say of themselves.

use std::path::Path;

/// Set to write the file anew instead of comparing it.
const RENEW: &str = "UPDATE_DOCS";

#[test]
fn the_reference_is_what_the_commands_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
    let wanted = mesos_repl::lang::reference_markdown(mesos_repl::engine::verbs());
    if std::env::var_os(RENEW).is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    let line = found.lines().zip(wanted.lines()).take_while(|(found, wanted)| found == wanted).count() + 1;
    assert!(
        found == wanted,
        "docs/commands.md differs from the commands from line {line} on; \
         `{RENEW}=1 cargo test --test all reference` writes it anew"
    );
}
