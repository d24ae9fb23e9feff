//! What the kernel writes around a Rust cell: marks of its beginning and its end, and what every cell has in scope.
//!
//! evcxr reports a panic and a failed `?` as if the cell had ended well. A call that prints a mark goes before the cell's
//! first statement, and one behind its last, or around its last expression; a cell that ends without the latter has failed.
//! The first also leaves something behind that prints a mark on stderr when the cell is left, however it is: what the cell
//! says on stderr comes before that, however slow that pipe is.
//!
//! `mesos` is bound anew by every cell rather than kept as one of evcxr's variables: those are stored, fetched, and checked
//! by code that each cell would have to compile. Macros write the bindings, so that evcxr takes them for the cell's own.

use syn::spanned::Spanned as _;
use syn::{Expr, Stmt};

/// The statement that prints the first mark, and the one on stderr when the cell is left.
fn begin(cell: u64) -> String {
    format!("mesos_handle::begun!({cell});")
}

/// The handle's name in every cell.
pub const NAME: &str = "mesos";

/// What the kernel does for a cell.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// The session's handle is bound; not where a person has a variable of that name.
    pub handle: bool,
    /// A plain value shows itself, without a second attempt to compile the cell; not where a person wants it otherwise.
    pub plain: bool,
}

/// Binds the handle.
const BIND: &str = "mesos_handle::bind!(mesos); ";

/// The function that prints the last mark and returns its argument.
const REACHED: &str = "mesos_handle::reached";
/// Makes a plain value show itself.
const SHOWN: &str = "mesos_handle::shown!(value)";
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

/// A cell as it goes to evcxr.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// With its marks.
    Marked(String),
    /// It isn't plain Rust: evcxr has its say alone.
    Unmarked,
    /// Nothing in it runs.
    Still,
}

/// The cell of this number with its marks.
pub fn marked(code: &str, cell: u64, scope: Scope) -> Written {
    let Some((head, code)) = code.split_at_checked(head(code)) else { return Written::Unmarked };
    let Ok(block) = syn::parse_str::<syn::Block>(&format!("{{{code}\n}}")) else { return Written::Unmarked };
    if block.stmts.iter().all(|statement| matches!(statement, Stmt::Item(_))) {
        return Written::Still;
    }
    let bind = if scope.handle { BIND } else { "" };
    match ended(code, &block, scope.plain) {
        Some(code) => Written::Marked(format!("{head}{} {bind}{code}", begin(cell))),
        None => Written::Unmarked,
    }
}

/// A cell without marks, with the handle in scope. Its lines stay where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The cell.
    pub code: String,
    /// Where the binding was put.
    at: usize,
    binding: &'static str,
}

impl Bound {
    /// For the compiler to run: evcxr keeps nothing of it.
    pub fn to_run(code: &str, scope: Scope) -> Self {
        Self::with(code, if scope.handle { BIND } else { "" })
    }

    /// For analysis, which runs nothing and keeps nothing.
    pub fn to_look_at(code: &str, scope: Scope) -> Self {
        Self::with(code, if scope.handle { "let mesos = mesos_handle::attach(); " } else { "" })
    }

    fn with(code: &str, binding: &'static str) -> Self {
        let at = head(code);
        let (head, rest) = code.split_at_checked(at).unwrap_or((code, ""));
        // The last command may have no line break behind it.
        let binding = if rest.trim().is_empty() { "" } else { binding };
        Self { code: format!("{head}{binding}{rest}"), at, binding }
    }

    /// Where a byte of the person's text is in this one.
    pub fn place(&self, at: usize) -> usize {
        if at < self.at { at } else { at + self.binding.len() }
    }

    /// Where a byte of this text is in the person's.
    pub fn original(&self, at: usize) -> usize {
        if at < self.at { at } else { at.saturating_sub(self.binding.len()).max(self.at) }
    }

    /// The column of the person's text, both from 1, that the compiler means by one of this text.
    pub fn column(&self, line: usize, column: usize) -> usize {
        let first = self.code.get(..self.at).unwrap_or_default().matches('\n').count() + 1;
        if line == first { column.saturating_sub(self.binding.chars().count()).max(1) } else { column }
    }
}

/// The bytes of evcxr's commands, of what it passes over before the first line of Rust, and of attributes of the whole.
fn head(cell: &str) -> usize {
    let is_head = |line: &&str| {
        let bare = line.trim();
        bare.is_empty()
            || line.starts_with("//")
            || line.starts_with('!')
            || line.trim_start_matches(' ').starts_with(':')
            || (bare.starts_with("#![") && bare.ends_with(']'))
    };
    // A path may begin with colons, but no statement does.
    cell.split_inclusive('\n').take_while(is_head).map(str::len).sum()
}

/// The names of evcxr's commands in a cell.
pub fn commands(cell: &str) -> impl Iterator<Item = &str> {
    let head = cell.get(..head(cell)).unwrap_or_default();
    head.lines().filter_map(|line| line.split_whitespace().next()).filter(|word| word.starts_with(':'))
}

/// Whether a cell says how values are to be shown: to evcxr, or by methods that it calls, which plain types may have, too.
pub fn chooses_display(cell: &str) -> bool {
    cell.contains("evcxr_display")
        || commands(cell).any(|command| matches!(command, ":fmt" | ":types" | ":load_config"))
}

/// A cell's Rust with the mark at its end.
fn ended(code: &str, block: &syn::Block, plain: bool) -> Option<String> {
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
            let value = format!("{REACHED}({last})");
            let value = if plain { format!("match {value} {{ value => {SHOWN} }}") } else { value };
            Some(format!("{before}{value}{after}"))
        }
        Stmt::Expr(last, None) => {
            let (before, last) = code.split_at_checked(bytes(last.span())?.start)?;
            Some(format!("{before}{REACHED}(()); {last}"))
        }
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

    const BOUND: Scope = Scope { handle: true, plain: false };

    #[test]
    fn marks_go_where_they_change_nothing() {
        let with =
            |rest: &str| Written::Marked(rest.replace('@', REACHED).replace('^', &(begin(7) + " " + BIND.trim())));
        for (code, want) in [
            ("let x = 1;", "^ let x = 1;\n@(());"),
            ("1+1", "^ @(1+1)"),
            ("é()?", "^ @(é()?)"),
            ("let x = 1;\nx", "^ let x = 1;\n@(()); x"),
            ("f(1) // a remark", "^ @(f(1)) // a remark"),
            ("x.y", "^ @(()); x.y"),
            (":dep a = \"1\"\n\n// why\nf()", ":dep a = \"1\"\n\n// why\n^ @(f())"),
            ("!ls\nf();", "!ls\n^ f();\n@(());"),
            ("println!(\"x\");", "^ println!(\"x\");\n@(());"),
            ("for x in 0..3 {}", "^ @(()); for x in 0..3 {}"),
            ("1; fn f() {}", "^ 1; fn f() {}\n@(());"),
            ("#![allow(dead_code)]\nf()", "#![allow(dead_code)]\n^ @(f())"),
        ] {
            assert_eq!(marked(code, 7, BOUND), with(want), "{code}");
        }
        for (code, want) in [
            ("fn f() {}", Written::Still),
            ("use std::fmt;", Written::Still),
            ("", Written::Still),
            (":vars", Written::Still),
            ("let x = ", Written::Unmarked),
        ] {
            assert_eq!(marked(code, 7, BOUND), want, "{code}");
        }
    }

    #[test]
    fn a_cell_is_given_what_nobody_has_replaced() {
        let shown = format!("match {REACHED}(f()) {{ value => {SHOWN} }}");
        for (handle, plain, bind, value) in [
            (true, true, BIND, shown.clone()),
            (true, false, BIND, format!("{REACHED}(f())")),
            (false, true, "", shown),
        ] {
            let scope = Scope { handle, plain };
            assert_eq!(marked(":opt 0\nf()", 7, scope), Written::Marked(format!(":opt 0\n{} {bind}{value}", begin(7))));
            assert_eq!(Bound::to_run("f() +", scope).code, format!("{bind}f() +"));
        }
        // What stays where it is isn't taken.
        let stays = Scope { handle: false, plain: true };
        assert_eq!(marked("x", 7, stays), Written::Marked(format!("{} {REACHED}(()); x", begin(7))));
    }

    #[test]
    fn cells_choose_how_values_are_shown() {
        for (cell, chooses) in [
            (":fmt {:#?}\n1", true),
            (":opt 0\n  :types", true),
            ("impl S { fn evcxr_display(&self) {} }", true),
            ("// :fmt\n1", false),
            ("1", false),
        ] {
            assert_eq!(chooses_display(cell), chooses, "{cell}");
        }
    }

    #[test]
    fn a_binding_moves_nothing_that_is_told_of_a_cell() {
        for code in ["let x = ", ":dep a\n// why\nlet x = ", "é\nlet x = ", "", ":vars"] {
            for bound in [Bound::to_run(code, BOUND), Bound::to_look_at(code, BOUND)] {
                assert_eq!(bound.code.replace(bound.binding, ""), code);
                assert_eq!(bound.code.lines().count().max(1), code.lines().count().max(1));
                for (at, _) in code.char_indices() {
                    assert_eq!(
                        bound.code.get(bound.place(at)..).and_then(|rest| rest.chars().next()),
                        code[at..].chars().next()
                    );
                    assert_eq!(bound.original(bound.place(at)), at);
                }
            }
        }
        let bound = Bound::to_run(":opt 0\nlet x = ", BOUND);
        let wide = bound.binding.len();
        assert_eq!((bound.column(1, 3), bound.column(2, 3 + wide), bound.column(2, 1)), (3, 3, 1));
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
