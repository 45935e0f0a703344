use serde::{Deserialize, Serialize};

/// A whole core as plain data, so that another process can go on where this one stood.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Image {
    /// Of the types below.
    pub version: u32,
}
