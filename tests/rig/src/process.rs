//! What is not in this process.
