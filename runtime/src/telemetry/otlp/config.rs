//! Where spans go: the standard `OTEL_*` variables, then the user's settings. The SDK itself reads the variables of
//! sampling, batches and limits.

use std::time::Duration;

use codex_task_config::{Environment, Problem, TelemetrySettings};
use codex_task_providers::{BaseUrl, ExtraHeaders, HttpSettings, ProxySettings};

/// The path of traces below a server's address.
const TRACES: &str = "/v1/traces";
/// The address of a server that nobody has named, where spans are asked for.
const ENDPOINT_DEFAULT: &str = "http://localhost:4318";
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
const SERVICE_NAME: &str = "codex-task";

/// Where spans go, and how they are named there.
#[derive(Clone, Debug)]
pub(crate) struct OtlpConfig {
    /// The server, with its secret headers.
    pub(super) http: HttpSettings,
    /// The name of this program; `None` where the variables that the SDK reads say it.
    pub(super) service_name: Option<String>,
}

impl OtlpConfig {
    /// What variables and settings say; `None` when spans are not wanted.
    ///
    /// # Errors
    /// Why spans that are wanted cannot be sent.
    pub(crate) fn of(
        environment: &Environment,
        settings: &TelemetrySettings,
    ) -> Result<Option<Self>, Box<Problem>> {
        let variables = Variables(environment);
        if variables.is_true("OTEL_SDK_DISABLED") {
            return Ok(None);
        }
        let is_asked_for = match variables.get("OTEL_TRACES_EXPORTER") {
            Some("none") => return Ok(None),
            Some("otlp") => true,
            None => false,
            Some(other) => {
                return Err(problem(
                    format!("OTEL_TRACES_EXPORTER={other} is not known"),
                    "use otlp, or none for no spans",
                ));
            }
        };
        let below = |base: &str| format!("{}{TRACES}", base.trim_end_matches('/'));
        let endpoint = variables.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").map(str::to_owned);
        let endpoint = endpoint.or_else(|| variables.get("OTEL_EXPORTER_OTLP_ENDPOINT").map(below));
        let endpoint = endpoint.or_else(|| settings.otlp_endpoint.as_deref().map(below));
        let Some(endpoint) = endpoint.or_else(|| is_asked_for.then(|| below(ENDPOINT_DEFAULT))) else {
            return Ok(None);
        };
        variables.check_protocol()?;
        let mut http = HttpSettings::new(base_url(&endpoint)?, 1);
        http.headers_timeout = variables.timeout()?;
        http.headers = variables.headers()?;
        http.proxies = ProxySettings::from_env(environment);
        Ok(Some(Self { http, service_name: variables.service_name() }))
    }
}

/// The variables of the OpenTelemetry specification; an empty one counts as absent.
struct Variables<'a>(&'a Environment);

impl<'a> Variables<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(str::trim).filter(|value| !value.is_empty())
    }

    fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The variable for traces, or the one for everything, with its name.
    fn of_traces(&self, what: &str) -> Option<(String, &'a str)> {
        let names = [format!("OTEL_EXPORTER_OTLP_TRACES_{what}"), format!("OTEL_EXPORTER_OTLP_{what}")];
        names.into_iter().find_map(|name| self.get(&name).map(|value| (name, value)))
    }

    fn check_protocol(&self) -> Result<(), Box<Problem>> {
        match self.of_traces("PROTOCOL") {
            None | Some((_, "http/protobuf")) => Ok(()),
            Some((name, other)) => Err(problem(
                format!("{name}={other}: spans are sent as http/protobuf only"),
                "set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf and the server's HTTP port, which is usually 4318",
            )),
        }
    }

    fn timeout(&self) -> Result<Duration, Box<Problem>> {
        let Some((name, value)) = self.of_traces("TIMEOUT") else { return Ok(TIMEOUT_DEFAULT) };
        let ms = value.parse().map_err(|_| {
            problem(format!("{name}={value} is no number"), "give milliseconds, for example 10000")
        });
        ms.map(Duration::from_millis)
    }

    /// `name=value,name=value`, percent-encoded. Values are secrets: no message shows one.
    fn headers(&self) -> Result<ExtraHeaders, Box<Problem>> {
        let Some((name, value)) = self.of_traces("HEADERS") else { return Ok(ExtraHeaders::default()) };
        let unreadable =
            |why: String| problem(format!("{name} cannot be read: {why}"), "write name=value,name=value");
        let mut pairs = Vec::new();
        for part in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (key, value) =
                part.split_once('=').ok_or_else(|| unreadable("a part has no '='".to_owned()))?;
            let value = percent_decoded(value.trim())
                .ok_or_else(|| unreadable(format!("the value of '{key}' is not percent-encoded")))?;
            pairs.push((key, value));
        }
        let pairs = pairs.iter().map(|(key, value)| (*key, value.as_str()));
        ExtraHeaders::parse(pairs).map_err(|error| unreadable(error.to_string()))
    }

    fn service_name(&self) -> Option<String> {
        let is_in_attributes = || {
            let attributes = self.get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
            attributes.split(',').any(|pair| pair.trim_start().starts_with("service.name="))
        };
        match self.get("OTEL_SERVICE_NAME") {
            Some(name) => Some(name.to_owned()),
            None => (!is_in_attributes()).then(|| SERVICE_NAME.to_owned()),
        }
    }
}

/// The address, which may hold a password and is not repeated then.
fn base_url(endpoint: &str) -> Result<BaseUrl, Box<Problem>> {
    BaseUrl::parse(endpoint).map_err(|error| {
        problem(
            format!("spans cannot be sent: {}", error.to_string().replace("base URL", "OTLP endpoint")),
            "give the server's address, for example http://localhost:4318",
        )
    })
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(digit(rest.next()?)? * 16 + digit(rest.next()?)?);
    }
    String::from_utf8(bytes).ok()
}

fn problem(message: impl Into<String>, help: &str) -> Box<Problem> {
    Box::new(Problem::warning(message).with_help(help))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn config(
        variables: &[(&str, &str)],
        endpoint: Option<&str>,
    ) -> Result<Option<OtlpConfig>, Box<Problem>> {
        let settings =
            TelemetrySettings { otlp_endpoint: endpoint.map(str::to_owned), ..TelemetrySettings::default() };
        OtlpConfig::of(&Environment::new("/", variables.iter().copied()), &settings)
    }

    fn endpoint(variables: &[(&str, &str)], settings: Option<&str>) -> Option<String> {
        let config = config(variables, settings).expect("no problem");
        config.map(|config| config.http.base_url.as_str().to_owned())
    }

    #[test]
    fn spans_go_nowhere_unless_somebody_says_where() {
        assert_eq!(endpoint(&[], None), None);
        let named = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
        let of_traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces.example/in");
        assert_eq!(endpoint(&[named], None).as_deref(), Some("http://collector:4318/v1/traces"));
        assert_eq!(endpoint(&[named, of_traces], None).as_deref(), Some("https://traces.example/in"));
        assert_eq!(
            endpoint(&[named], Some("http://mine")).as_deref(),
            Some("http://collector:4318/v1/traces")
        );
        assert_eq!(endpoint(&[], Some("http://mine")).as_deref(), Some("http://mine/v1/traces"));
        let asked = ("OTEL_TRACES_EXPORTER", "otlp");
        assert_eq!(endpoint(&[asked], None).as_deref(), Some("http://localhost:4318/v1/traces"));
        assert_eq!(endpoint(&[named, ("OTEL_SDK_DISABLED", "true")], None), None);
        assert_eq!(endpoint(&[named, ("OTEL_TRACES_EXPORTER", "none")], None), None);
    }

    #[test]
    fn what_cannot_be_done_is_said_without_the_secret_in_it() {
        let named = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        let said = |variables: &[(&str, &str)]| {
            let problem = config(variables, None).expect_err("a problem");
            format!("{}: {}", problem.message, problem.help.unwrap_or_default())
        };
        let grpc = said(&[named, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
        assert!(grpc.contains("PROTOCOL=grpc") && grpc.contains("4318"), "{grpc}");
        for headers in ["x-token:canary", "x-token=canary%0", "x-token=canary%0Ax"] {
            let said = said(&[named, ("OTEL_EXPORTER_OTLP_HEADERS", headers)]);
            assert!(said.contains("OTEL_EXPORTER_OTLP_HEADERS") && !said.contains("canary"), "{said}");
        }
        let said = said(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://me:canary@collector")]);
        assert!(said.contains("password") && !said.contains("canary"), "{said}");
    }

    #[test]
    fn the_program_has_a_name_unless_the_user_gives_it_one() {
        let named = |variables: &[(&str, &str)]| {
            config(variables, Some("http://mine")).expect("no problem").expect("a server").service_name
        };
        assert_eq!(named(&[]).as_deref(), Some("codex-task"));
        assert_eq!(named(&[("OTEL_SERVICE_NAME", "reviews")]).as_deref(), Some("reviews"));
        assert_eq!(named(&[("OTEL_RESOURCE_ATTRIBUTES", "a=b,service.name=reviews")]), None);
    }

    proptest! {
        #[test]
        fn whatever_is_percent_encoded_is_read_back(text in "\\PC{0,20}") {
            let encoded: Vec<String> = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(percent_decoded(&encoded.concat()), Some(text));
        }
    }
}
