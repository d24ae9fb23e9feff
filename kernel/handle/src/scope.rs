//! What the kernel writes around a cell: the marks of its beginning and its end, and what the cell has in scope.

use std::io::Write as _;

/// The environment variable that holds what the kernel looks for.
const MARK: &str = "MESOS_CELL_MARK";

/// Tells the kernel that a cell begins to run, and where it ends, be it by a panic or a failed `?`, that nothing more of
/// it comes on stderr. The kernel writes this itself, with the cell's number; nobody else needs it.
#[macro_export]
macro_rules! begun {
    ($cell:literal) => {
        let _ended = $crate::begun($cell);
    };
}

/// Binds the session's handle for the rest of a cell. The kernel writes this itself; nobody else needs it.
#[macro_export]
macro_rules! bind {
    ($name:ident) => {
        #[allow(unused_variables)]
        let $name = $crate::attach();
    };
}

/// What [`begun!`] calls.
#[doc(hidden)]
#[allow(clippy::print_stdout, reason = "the kernel reads it there")]
pub fn begun(cell: u64) -> Ended {
    let mark = std::env::var(MARK).ok();
    if let Some(mark) = &mark {
        println!("{mark} begins");
    }
    Ended { mark, cell }
}

/// Dropped after all else in a cell.
#[doc(hidden)]
#[must_use]
#[derive(Debug)]
pub struct Ended {
    mark: Option<String>,
    cell: u64,
}

impl Drop for Ended {
    fn drop(&mut self) {
        if let Some(mark) = &self.mark {
            // A closed stderr has nobody to tell anything to.
            let _ = writeln!(std::io::stderr(), "{mark} {} ended", self.cell);
        }
    }
}

/// Tells the kernel that a cell has got this far. The kernel writes the call itself; nobody else needs it.
#[allow(clippy::print_stdout, reason = "the kernel reads it there")]
pub fn reached<T>(value: T) -> T {
    if let Ok(mark) = std::env::var(MARK) {
        println!("{mark}");
    }
    value
}
