//! One test binary for the package.
