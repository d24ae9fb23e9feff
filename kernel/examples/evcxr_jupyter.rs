//! The plain evcxr_jupyter kernel, as its own package builds it: what a test compares this kernel's notebook with.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    Ok(evcxr_jupyter::main()?)
}
