//! Marks the end of a Rust cell, so that a panic or a failed `?` doesn't pass for success.
//!
//! evcxr reports both as if the cell had ended well. A call that prints a mark goes behind the cell's last statement,
//! or around its last expression; a cell that ends without the mark has failed.

use syn::spanned::Spanned as _;
use syn::{Expr, Stmt};

/// The function that prints the mark and returns its argument.
const REACHED: &str = "mesos_handle::reached";

/// The cell with its mark; `None` if nothing in it runs, or it isn't plain Rust (then evcxr has its say alone).
pub fn marked(code: &str) -> Option<String> {
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
        let reached = |rest: &str| rest.replace('@', REACHED);
        for (code, want) in [
            ("let x = 1;", Some("let x = 1;\n@(());")),
            ("1+1", Some("@(1+1)")),
            ("é()?", Some("@(é()?)")),
            ("let x = 1;\nx", Some("let x = 1;\n@(()); x")),
            ("f(1) // a remark", Some("@(f(1)) // a remark")),
            ("x.y", Some("@(()); x.y")),
            ("fn f() {}", None),
            ("use std::fmt;", None),
            ("let x = ", None),
            (":vars", None),
            ("println!(\"x\");", Some("println!(\"x\");\n@(());")),
            ("for x in 0..3 {}", Some("@(()); for x in 0..3 {}")),
        ] {
            assert_eq!(marked(code), want.map(reached), "{code}");
        }
    }
}
