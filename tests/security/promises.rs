//! What SECURITY.md and docs/reliability.md name as tests, there is: a table that names none, or another's, proves
//! nothing.

use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// `src/render/safe.rs` as `render`, `safe`; `tests/session/mod.rs` as `session`.
fn module(root: &Path, file: &Path) -> Vec<String> {
    let below = file.strip_prefix(root).unwrap().with_extension("");
    let parts = below.iter().map(|part| part.to_string_lossy().into_owned());
    parts.filter(|part| !["src", "tests", "mod"].contains(&part.as_str())).collect()
}

/// Names in backticks that are paths of tests or of their modules.
fn named(text: &str) -> Vec<Vec<String>> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_path =
        |name: &&str| name.contains("::") && name.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c));
    quoted.filter(is_path).map(|name| name.split("::").map(str::to_owned).collect()).collect()
}

#[test]
fn each_test_that_is_named_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    ["src", "tests", "kernel/src", "kernel/tests", "fuzz/src"]
        .iter()
        .for_each(|below| sources(&root.join(below), &mut files));
    let files: Vec<_> = files.iter().map(|file| (module(root, file), std::fs::read_to_string(file).unwrap())).collect();
    let mut missing = Vec::new();
    for (document, least) in [("SECURITY.md", 40), ("docs/reliability.md", 10)] {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        let named = named(&text);
        assert!(named.len() >= least, "{document} names only {} tests", named.len());
        for path in named {
            let Some((last, above)) = path.split_last() else { continue };
            let is_module = files.iter().any(|(module, text)| {
                module.ends_with(&path) || (last == "tests" && module.ends_with(above) && text.contains("mod tests"))
            });
            // Where the tests stand in the file that they test.
            let inline = above.strip_suffix(&["tests".to_owned()]).unwrap_or(above);
            // A test's attribute stands before it, or the macro of property tests around it.
            let is_test = files.iter().any(|(module, text)| {
                (module.ends_with(above) || module.ends_with(inline))
                    && text.split_once(&format!("fn {last}(")).is_some_and(|(before, _)| before.contains("test"))
            });
            if !is_module && !is_test {
                missing.push(format!("{document}: {}", path.join("::")));
            }
        }
    }
    assert!(missing.is_empty(), "no such tests:\n{}", missing.join("\n"));
}

#[test]
fn no_threat_stands_without_a_test() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("SECURITY.md")).unwrap();
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| threat")).collect();
    assert!(rows.len() >= 20, "{} threats", rows.len());
    for row in rows {
        assert!(!named(row).is_empty(), "no test: {row}");
    }
}
