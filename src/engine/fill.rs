//! Fills in what a call lacks.
