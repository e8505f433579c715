//! `codex-task.yaml` of a project and `config.yaml` of the user: one form, two degrees of trust.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use super::value::{AuditTexts, ResumePolicy};
use crate::{
    AttachmentSupport, Problem, ProviderKind, SandboxMode, SandboxUnavailable, nearest, parse_duration, yaml,
};

/// A settings file as it stands.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SettingsFile {
    pub(super) model: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) providers: BTreeMap<String, ProviderFile>,
    pub(super) fallback: Vec<String>,
    pub(super) limits: LimitsFile,
    pub(super) permissions: PermissionsFile,
    pub(super) sandbox: Option<SandboxMode>,
    pub(super) sandbox_unavailable: Option<SandboxUnavailable>,
    pub(super) strict_agents: Option<bool>,
    pub(super) trusted_folders: Vec<String>,
    pub(super) record: Option<bool>,
    pub(super) journal: JournalFile,
    pub(super) local: LocalFile,
    pub(super) mcp: McpFile,
    pub(super) web: WebFile,
    pub(super) resume: Option<ResumePolicy>,
    pub(super) telemetry: TelemetryFile,
    pub(super) audit: AuditFile,
}

/// `audit`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct AuditFile {
    pub(super) enabled: Option<bool>,
    pub(super) texts: Option<AuditTexts>,
}

/// `providers.NAME`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ProviderFile {
    pub(super) kind: ProviderKind,
    #[serde(default)]
    pub(super) base_url: Option<String>,
    #[serde(default)]
    pub(super) api_key_env: Option<String>,
    #[serde(default)]
    pub(super) max_in_flight: Option<usize>,
    #[serde(default)]
    pub(super) models: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) context_tokens: Option<u64>,
    #[serde(default)]
    pub(super) attachments: Option<AttachmentSupport>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) limits: RatesFile,
    #[serde(default)]
    pub(super) timeouts: TimeoutsFile,
}

/// `providers.NAME.limits`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RatesFile {
    pub(super) rpm: Option<u64>,
    pub(super) itpm: Option<u64>,
    pub(super) otpm: Option<u64>,
}

/// `providers.NAME.timeouts`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TimeoutsFile {
    pub(super) connect: Option<Length>,
    pub(super) headers: Option<Length>,
    pub(super) first_event: Option<Length>,
    pub(super) byte_idle: Option<Length>,
    pub(super) event_idle: Option<Length>,
}

/// `limits`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LimitsFile {
    pub(super) max_concurrent: Option<usize>,
    pub(super) min_concurrent: Option<usize>,
    pub(super) timeout: Option<Length>,
    pub(super) call_timeout: Option<Length>,
    pub(super) max_turns: Option<u32>,
    pub(super) max_depth: Option<u32>,
    pub(super) max_cost: Option<f64>,
    pub(super) max_tokens: Option<u64>,
    pub(super) max_calls: Option<u64>,
    pub(super) run_timeout: Option<Length>,
    pub(super) drain_timeout: Option<Length>,
}

/// `permissions`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PermissionsFile {
    pub(super) allow: Vec<RuleEntry>,
    pub(super) ask: Vec<RuleEntry>,
    pub(super) deny: Vec<RuleEntry>,
    pub(super) mode: Option<String>,
    pub(super) additional_directories: Vec<String>,
}

/// A rule, alone or with calls that it must and must not be about.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a rule, or the keys rule, match and not_match")]
pub(super) enum RuleEntry {
    Plain(String),
    Tested(TestedRule),
}

/// A rule and the calls that test it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestedRule {
    pub(super) rule: String,
    #[serde(default, rename = "match")]
    pub(super) matching: Vec<String>,
    #[serde(default)]
    pub(super) not_match: Vec<String>,
}

/// `journal`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct JournalFile {
    pub(super) keep_days: Option<u32>,
    pub(super) keep_runs: Option<u32>,
    pub(super) max_mb: Option<u32>,
}

/// `local`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LocalFile {
    pub(super) probe: Option<bool>,
    pub(super) ports: Option<Vec<u16>>,
    pub(super) model: Option<String>,
}

/// `mcp`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct McpFile {
    pub(super) enable_all_project_servers: Option<bool>,
    pub(super) enabled_servers: Vec<String>,
    pub(super) disabled_servers: Vec<String>,
    pub(super) trusted_folders: Vec<String>,
    pub(super) start_timeout: Option<Length>,
    pub(super) call_timeout: Option<Length>,
}

/// `web`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WebFile {
    pub(super) allow_loopback: Option<bool>,
    pub(super) search_provider: Option<String>,
}

/// `telemetry`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TelemetryFile {
    pub(super) otlp_endpoint: Option<String>,
    pub(super) content: Option<bool>,
}

/// A length of time: `90`, `90s`, `5m`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Length(pub(super) Duration);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(f64),
            Text(String),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Number(seconds) => seconds.to_string(),
            Written::Text(text) => text,
        };
        parse_duration(&text).map(Self).map_err(de::Error::custom)
    }
}

/// The keys of each part; a part within a map of names is `*`.
const KNOWN: &[(&[&str], &[&str])] = &[
    (
        &[],
        &[
            "model",
            "provider",
            "providers",
            "fallback",
            "limits",
            "permissions",
            "sandbox",
            "sandbox_unavailable",
            "strict_agents",
            "trusted_folders",
            "record",
            "journal",
            "local",
            "mcp",
            "web",
            "resume",
            "audit",
            "telemetry",
        ],
    ),
    (&["audit"], &["enabled", "texts"]),
    (
        &["limits"],
        &[
            "max_concurrent",
            "min_concurrent",
            "timeout",
            "call_timeout",
            "max_turns",
            "max_depth",
            "max_cost",
            "max_tokens",
            "max_calls",
            "run_timeout",
            "drain_timeout",
        ],
    ),
    (&["permissions"], &["allow", "ask", "deny", "mode", "additional_directories"]),
    (&["journal"], &["keep_days", "keep_runs", "max_mb"]),
    (&["local"], &["probe", "ports", "model"]),
    (&["web"], &["allow_loopback", "search_provider"]),
    (&["telemetry"], &["otlp_endpoint", "content"]),
    (
        &["mcp"],
        &[
            "enable_all_project_servers",
            "enabled_servers",
            "disabled_servers",
            "trusted_folders",
            "start_timeout",
            "call_timeout",
        ],
    ),
];
const KNOWN_OF_PROVIDER: &[&str] = &[
    "kind",
    "base_url",
    "api_key_env",
    "max_in_flight",
    "models",
    "context_tokens",
    "attachments",
    "headers",
    "limits",
    "timeouts",
];
const KNOWN_OF_RATES: &[&str] = &["rpm", "itpm", "otpm"];
const KNOWN_OF_TIMEOUTS: &[&str] = &["connect", "headers", "first_event", "byte_idle", "event_idle"];

/// Least similarity at which a key is offered as what was meant.
const SIMILARITY_MIN: f64 = 0.75;

impl SettingsFile {
    /// Reads a file's text. Unknown keys are warnings with the nearest name.
    ///
    /// # Errors
    /// The one problem that makes the file unreadable.
    pub(super) fn parse(text: &str) -> Result<(yaml::Parsed<Self>, Vec<Problem>), Box<Problem>> {
        // An empty document is `null`, which is no mapping.
        let is_empty = text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
        let parsed = yaml::parse::<Self>(if is_empty { "{}" } else { text }, yaml::Limits::SETTINGS)?;
        let mut problems = Vec::new();
        for (path, known) in KNOWN {
            problems.extend(unknown_keys(&parsed.outline, path, known));
        }
        for name in parsed.value.providers.keys() {
            let of_provider = |rest: &[&str], known: &[&str]| {
                let path: Vec<&str> = ["providers", name].iter().chain(rest).copied().collect();
                unknown_keys(&parsed.outline, &path, known)
            };
            problems.extend(of_provider(&[], KNOWN_OF_PROVIDER));
            problems.extend(of_provider(&["limits"], KNOWN_OF_RATES));
            problems.extend(of_provider(&["timeouts"], KNOWN_OF_TIMEOUTS));
        }
        Ok((parsed, problems))
    }
}

fn unknown_keys(outline: &yaml::Outline, path: &[&str], known: &[&str]) -> Vec<Problem> {
    let unknown = outline.keys_below(path).filter(|key| !known.contains(key));
    unknown
        .map(|key| {
            let full: Vec<&str> = path.iter().copied().chain([key]).collect();
            let problem = Problem::warning(format!("unknown key '{}'", full.join(".")));
            let problem = problem.placed(outline.position(&full));
            match nearest(key, known, SIMILARITY_MIN) {
                Some(name) => problem.did_you_mean(Some(name)),
                None => problem.with_help(format!("known keys: {}", known.join(", "))),
            }
        })
        .collect()
}
