//! What kind of server is spoken to.

use crate::BaseUrl;

/// The host that serves nobody without a key; regional hosts lie below it.
const OFFICIAL_HOST: &str = "api.openai.com";

/// What kind of server speaks Chat Completions: they differ in which parts of a request they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChatDialect {
    /// OpenAI itself: `developer` messages, `max_completion_tokens`, reasoning models without a temperature.
    OpenAi,
    /// Another hosted server or a gateway.
    Compatible,
    /// A server on this machine. Small models often write a tool call as text; where the text is exactly that, it
    /// counts as the call.
    Local,
}

impl ChatDialect {
    /// The kind of the server at this address.
    pub fn of(base_url: &BaseUrl) -> Self {
        let host = base_url.host();
        if host == OFFICIAL_HOST || host.ends_with(&format!(".{OFFICIAL_HOST}")) {
            Self::OpenAi
        } else if base_url.is_loopback() {
            Self::Local
        } else {
            Self::Compatible
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_tells_the_kind_of_server() {
        let dialect = |url: &str| ChatDialect::of(&BaseUrl::parse(url).unwrap());
        assert_eq!(dialect("https://api.openai.com/v1"), ChatDialect::OpenAi);
        assert_eq!(dialect("https://eu.api.openai.com/v1"), ChatDialect::OpenAi);
        assert_eq!(dialect("https://api.openai.com.example.org/v1"), ChatDialect::Compatible);
        assert_eq!(dialect("https://openrouter.ai/api/v1"), ChatDialect::Compatible);
        assert_eq!(dialect("http://localhost:11434/v1"), ChatDialect::Local);
    }
}
