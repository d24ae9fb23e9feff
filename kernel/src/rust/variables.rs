//! `mesos` among the variables that evcxr lists: it is bound by every cell, so evcxr doesn't know it.

use std::collections::HashMap;

use super::mark;

/// Its type.
const TYPE: &str = "Master";
/// How evcxr's list of variables begins.
const HEADING: &str = "<table><tr><th>Variable</th><th>Type</th></tr>";

/// What evcxr shows for a cell, by type, with `mesos` in it if it lists variables.
pub fn with_handle(cell: &str, mut contents: HashMap<String, String>) -> HashMap<String, String> {
    let name = mark::NAME;
    if mark::commands(cell).any(|command| command == ":vars") {
        if let Some(text) = contents.get_mut("text/plain") {
            text.insert_str(0, &format!("{name}: {TYPE}\n"));
        }
        if let Some(html) = contents.get_mut("text/html") {
            *html = html.replacen(HEADING, &format!("{HEADING}<tr><td>{name}</td><td>{TYPE}</td></tr>"), 1);
        }
    }
    contents
}

/// What a cell that asks for nothing but the type of `mesos` is answered.
pub fn type_of_handle(cell: &str) -> Option<String> {
    let words: Vec<&str> = cell.split_whitespace().collect();
    matches!(words.as_slice(), [":type" | ":t", mark::NAME]).then(|| format!("{}: {TYPE}", mark::NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handle_is_listed_where_variables_are() {
        let contents = || {
            HashMap::from(
                [("text/plain", "x: i32\n"), ("text/html", HEADING)]
                    .map(|(kind, text)| (kind.to_owned(), text.to_owned())),
            )
        };
        let listed = with_handle("// all\n:vars", contents());
        assert_eq!(listed["text/plain"], "mesos: Master\nx: i32\n");
        assert!(listed["text/html"].ends_with("<tr><td>mesos</td><td>Master</td></tr>"));
        assert_eq!(with_handle(":help", contents()), contents());
        assert_eq!(type_of_handle(" :t  mesos\n").as_deref(), Some("mesos: Master"));
        assert_eq!(type_of_handle(":t x"), None);
    }
}
