/// Configuration: what contract and site decide. The commented default is built in ([`Config::DEFAULT`]).
#[derive(Clone, Debug)]
pub struct Config {
    _state: (),
}

/// What is wrong with a configuration, with the path of the key and its line.
#[derive(Debug)]
pub struct ConfigError(pub String);

impl Config {
    /// The commented default.
    pub const DEFAULT: &'static str = "";

    /// Reads a configuration; what it does not say is as in the default.
    ///
    /// # Errors
    /// Each unknown key, wrong type or contradiction, with its path and line.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        let _ = (text, file);
        unimplemented!()
    }
}
