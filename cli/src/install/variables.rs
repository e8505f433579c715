//! The environment variables that our server needs: clients such as Codex pass on only those that are named.

use codex_task_config::{Environment, Settings, SettingsOverrides, TRUST_VARIABLE, model_variables};
use codex_task_providers::provider_variables;

/// Every variable that we read, and those that hold the keys of the user's own providers. Sorted.
pub(super) fn variables(environment: &Environment) -> Vec<String> {
    let settings = Settings::load(environment, &SettingsOverrides::default()).settings;
    let of_user = settings.providers.values().filter_map(|provider| provider.api_key_env.clone());
    let ours = provider_variables()
        .into_iter()
        .chain(model_variables())
        .chain(Environment::DIRECTORY_VARIABLES)
        .chain([TRUST_VARIABLE]);
    let mut names: Vec<String> = ours.map(str::to_owned).chain(of_user).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_the_users_own_providers_are_passed_on_too() {
        let home = tempfile::tempdir().expect("a folder");
        let config = home.path().join(".config/codex-task");
        std::fs::create_dir_all(&config).expect("a folder");
        let yaml = "providers:\n  mine:\n    kind: openai_chat\n    base_url: http://localhost:1\n    api_key_env: MY_KEY\n";
        std::fs::write(config.join("config.yaml"), yaml).expect("a file");
        let home = home.path().display().to_string();
        let names = variables(&Environment::new(&home, [("HOME", home.as_str())]));
        for name in ["MY_KEY", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL", "XDG_STATE_HOME", "https_proxy"] {
            assert!(names.iter().any(|known| known == name), "{name} in {names:?}");
        }
        assert!(names.is_sorted_by(|a, b| a < b), "each once: {names:?}");
    }
}
