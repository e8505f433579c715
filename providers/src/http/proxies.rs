//! HTTP proxies, as the environment names them.

use codex_task_config::Environment;
use reqwest::{NoProxy, Proxy};

const HTTP: [&str; 2] = ["http_proxy", "HTTP_PROXY"];
const HTTPS: [&str; 2] = ["https_proxy", "HTTPS_PROXY"];
const ALL: [&str; 2] = ["all_proxy", "ALL_PROXY"];
const EXCEPT: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// Proxies by the scheme of the server that is called.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProxySettings {
    http: Option<String>,
    https: Option<String>,
    except: Option<String>,
}

impl ProxySettings {
    /// The variables that name proxies.
    pub(crate) fn variables() -> impl Iterator<Item = &'static str> {
        [HTTP, HTTPS, ALL, EXCEPT].into_iter().flatten()
    }

    /// `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, or their upper-case forms; lower case wins, as in curl.
    /// `HTTP_PROXY` does not count where `REQUEST_METHOD` is set: a CGI client could have set it.
    pub fn from_env(environment: &Environment) -> Self {
        let first = |names: &[&str]| names.iter().find_map(|name| environment.get(name)).map(str::to_owned);
        let all = first(&ALL);
        let cgi = environment.get("REQUEST_METHOD").is_some();
        let http = first(if cgi { HTTP.get(..1).unwrap_or_default() } else { &HTTP });
        Self { http: http.or_else(|| all.clone()), https: first(&HTTPS).or(all), except: first(&EXCEPT) }
    }

    /// The proxies in the client's own form.
    pub(super) fn to_proxies(&self) -> reqwest::Result<Vec<Proxy>> {
        let except = || self.except.as_deref().and_then(NoProxy::from_string);
        let http = self.http.as_deref().map(Proxy::http);
        let https = self.https.as_deref().map(Proxy::https);
        http.into_iter().chain(https).map(|proxy| Ok(proxy?.no_proxy(except()))).collect()
    }
}

impl std::fmt::Debug for ProxySettings {
    /// Only which are set: proxy addresses often carry a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProxySettings")
            .field("http", &self.http.is_some())
            .field("https", &self.https.is_some())
            .field("except", &self.except)
            .finish()
    }
}
