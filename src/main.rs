//! The program `mesos-repl`. All of it is in the library, where tests reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    mesos_repl::app::main()
}
