//! Marks the beginning and the end of a Rust cell: the one tells that it is compiled and runs, the other that a panic or
//! a failed `?` didn't end it.
//!
//! evcxr reports both as if the cell had ended well. A call that prints a mark goes before the cell's first statement, and
//! one behind its last, or around its last expression; a cell that ends without the latter has failed. The first also
//! leaves something behind that prints a mark on stderr when the cell is left, however it is: what the cell says on stderr
//! comes before that, however slow that pipe is.

use syn::spanned::Spanned as _;
use syn::{Expr, Stmt};

/// The statement that prints the first mark, and the one on stderr when the cell is left.
fn begin(cell: u64) -> String {
    format!("mesos_handle::begun!({cell});")
}

/// The function that prints the last mark and returns its argument.
const REACHED: &str = "mesos_handle::reached";
/// What stands behind the mark at the beginning.
const BEGINS: &str = " begins";

/// What was printed before the first mark, if the line ends with it.
pub fn begins<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    line.strip_suffix(BEGINS)?.strip_suffix(mark)
}

/// What was printed before the last mark, if the line ends with it.
pub fn ends<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    line.strip_suffix(mark)
}

/// What the cell of this number printed on stderr before it was left, if the line ends with the mark of that.
pub fn leaves<'a>(line: &'a str, mark: &str, cell: u64) -> Option<&'a str> {
    line.strip_suffix(&format!("{mark} {cell} ended"))
}

/// The cell of this number with its marks; `None` if nothing in it runs, or it isn't plain Rust (then evcxr has its say
/// alone).
pub fn marked(code: &str, cell: u64) -> Option<String> {
    let (head, code) = code.split_at_checked(head(code))?;
    marked_code(code).map(|code| format!("{head}{} {code}", begin(cell)))
}

/// The bytes of evcxr's commands and of what it passes over before the first line of Rust.
fn head(cell: &str) -> usize {
    let is_head = |line: &&str| {
        let bare = line.trim();
        bare.is_empty()
            || line.starts_with("//")
            || line.starts_with('!')
            || line.trim_start_matches(' ').starts_with(':')
    };
    // A path may begin with colons, but no statement does.
    cell.split_inclusive('\n').take_while(is_head).map(str::len).sum()
}

fn marked_code(code: &str) -> Option<String> {
    let block: syn::Block = syn::parse_str(&format!("{{{code}\n}}")).ok()?;
    // Spans count from the brace that was put in front.
    let bytes = |span: proc_macro2::Span| {
        let range = span.byte_range();
        range.start.checked_sub(1).zip(range.end.checked_sub(1)).map(|(start, end)| start..end)
    };
    match block.stmts.last()? {
        Stmt::Expr(last, None) if temporary(last) => {
            let range = bytes(last.span())?;
            let (before, rest) = code.split_at_checked(range.start)?;
            let (last, after) = rest.split_at_checked(range.len())?;
            Some(format!("{before}{REACHED}({last}){after}"))
        }
        Stmt::Expr(last, None) => {
            let (before, last) = code.split_at_checked(bytes(last.span())?.start)?;
            Some(format!("{before}{REACHED}(()); {last}"))
        }
        Stmt::Item(_) if block.stmts.iter().all(|statement| matches!(statement, Stmt::Item(_))) => None,
        Stmt::Macro(last) if last.semi_token.is_none() => Some(format!("{code}\n;{REACHED}(());")),
        _ => Some(format!("{code}\n{REACHED}(());")),
    }
}

/// Whether an expression makes a value that may be moved, rather than naming one that shall stay where it is.
fn temporary(expression: &Expr) -> bool {
    matches!(expression, Expr::Call(_) | Expr::MethodCall(_) | Expr::Try(_) | Expr::Binary(_) | Expr::Macro(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_where_they_change_nothing() {
        let with = |rest: &str| rest.replace('@', REACHED).replace('^', &begin(7));
        for (code, want) in [
            ("let x = 1;", Some("^ let x = 1;\n@(());")),
            ("1+1", Some("^ @(1+1)")),
            ("é()?", Some("^ @(é()?)")),
            ("let x = 1;\nx", Some("^ let x = 1;\n@(()); x")),
            ("f(1) // a remark", Some("^ @(f(1)) // a remark")),
            ("x.y", Some("^ @(()); x.y")),
            ("fn f() {}", None),
            ("use std::fmt;", None),
            ("let x = ", None),
            (":vars", None),
            (":dep a = \"1\"\n\n// why\nf()", Some(":dep a = \"1\"\n\n// why\n^ @(f())")),
            ("!ls\nf();", Some("!ls\n^ f();\n@(());")),
            ("println!(\"x\");", Some("^ println!(\"x\");\n@(());")),
            ("for x in 0..3 {}", Some("^ @(()); for x in 0..3 {}")),
        ] {
            assert_eq!(marked(code, 7), want.map(with), "{code}");
        }
    }

    #[test]
    fn marks_are_found_behind_what_was_printed() {
        assert_eq!(begins("abcm begins", "m"), Some("abc"));
        assert_eq!(begins("m", "m"), None);
        assert_eq!(ends("abcm", "m"), Some("abc"));
        assert_eq!(ends("m begins", "m"), None);
        assert_eq!(leaves("abcm 7 ended", "m", 7), Some("abc"));
        assert_eq!(leaves("m 17 ended", "m", 7), None);
    }
}
