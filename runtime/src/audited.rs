//! Who keeps the audit trail of a runtime: the runtime where it records, the host, or nobody.

use std::path::PathBuf;
use std::sync::Arc;

use codex_task_actors::Audit;
use codex_task_config::{Environment, Problem, RegistryHandle, Settings};
use codex_task_providers::ProviderRegistry;
use codex_task_tools::Rights;

#[cfg(feature = "store")]
use crate::audit::{AuditOptions, AuditPlace, AuditTrail, SessionOpening, UnavailableAudit};
use crate::builder::RuntimeBuilder;
#[cfg(feature = "store")]
use crate::store::{Recorder, Records};

/// What to do where no trail can be kept.
#[cfg(feature = "store")]
const HELP: &str = "no tool runs without it: check the permissions and the space of the state directory; `--no-record`, or \
    `audit: {enabled: false}` in your config.yaml, does without it";

/// See the module.
#[derive(Clone, Default)]
pub(crate) enum AuditChoice {
    /// The runtime, where it has a recorder.
    #[default]
    AsRecorded,
    /// The runtime.
    #[cfg(feature = "store")]
    Kept,
    /// The host.
    Host(Arc<dyn Audit>),
}

/// The session that is to be audited.
#[cfg_attr(not(feature = "store"), expect(dead_code, reason = "a host's own trail asks nothing of it"))]
pub(crate) struct AuditedSession<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) environment: &'a Environment,
    /// The settings files.
    pub(crate) files: &'a [PathBuf],
    pub(crate) rights: &'a Rights,
    pub(crate) providers: &'a ProviderRegistry,
    pub(crate) agents: &'a RegistryHandle,
    #[cfg(feature = "store")]
    pub(crate) recorder: Option<&'a Recorder>,
}

/// Who keeps it, then.
#[derive(Default)]
pub(crate) struct Audited {
    pub(crate) audit: Option<Arc<dyn Audit>>,
    /// The runtime's own.
    #[cfg(feature = "store")]
    pub(crate) trail: Option<Arc<AuditTrail>>,
    /// Why there is none although there should be.
    pub(crate) problem: Option<Problem>,
}

impl RuntimeBuilder {
    /// Tells the host's own audit trail what tasks do. While the trail says that it fails, no tool runs.
    #[must_use]
    pub fn audit(mut self, audit: Arc<dyn Audit>) -> Self {
        self.audit = AuditChoice::Host(audit);
        self
    }

    /// Keeps an audit trail in the state directory, unless the settings say `audit: {enabled: false}`. A runtime with a
    /// recorder keeps one anyway, beside the record. Where it cannot be written, no tool runs.
    #[cfg(feature = "store")]
    #[must_use]
    pub fn audited(mut self) -> Self {
        self.audit = AuditChoice::Kept;
        self
    }
}

impl AuditChoice {
    /// Begins the trail of a session.
    #[cfg_attr(
        not(feature = "store"),
        expect(unused_variables, reason = "a host's own trail asks nothing of it")
    )]
    pub(crate) fn begin(self, session: &AuditedSession<'_>) -> Audited {
        match self {
            Self::Host(audit) => Audited { audit: Some(audit), ..Audited::default() },
            #[cfg(feature = "store")]
            Self::AsRecorded if session.recorder.is_some() => session.begin(),
            Self::AsRecorded => Audited::default(),
            #[cfg(feature = "store")]
            Self::Kept => session.begin(),
        }
    }
}

#[cfg(feature = "store")]
impl AuditedSession<'_> {
    fn begin(&self) -> Audited {
        if !self.settings.audit.enabled {
            return Audited::default();
        }
        match self.start() {
            Ok(trail) => {
                let trail = Arc::new(trail);
                trail.agents(&self.agents.current());
                // The agents may outlive the runtime, as a host's own.
                let told = Arc::downgrade(&trail);
                self.agents.on_read(move |agents| {
                    if let Some(trail) = told.upgrade() {
                        trail.agents(agents);
                    }
                });
                let audit = Arc::clone(&trail) as Arc<dyn Audit>;
                Audited { audit: Some(audit), trail: Some(trail), problem: None }
            }
            Err(error) => {
                let problem = Problem::warning(error.to_string()).with_help(HELP);
                let audit = Arc::new(UnavailableAudit::new(error)) as Arc<dyn Audit>;
                Audited { audit: Some(audit), trail: None, problem: Some(problem) }
            }
        }
    }

    fn start(&self) -> Result<AuditTrail, crate::AuditError> {
        let beside_record = self.recorder.and_then(|recorder| recorder.records().path().parent());
        let place = match beside_record {
            Some(state) => Some(AuditPlace::below(state)),
            None => AuditPlace::of_user(self.environment),
        };
        let nowhere = || crate::AuditError { detail: "neither XDG_STATE_HOME nor HOME is set".to_owned() };
        let records = match self.recorder {
            Some(recorder) => Some(recorder.records().path().to_owned()),
            None => Records::path_of_user(self.environment).ok(),
        };
        let trail = AuditTrail::start(AuditOptions {
            place: place.ok_or_else(nowhere)?,
            records,
            settings: self.settings,
            environment: self.environment,
            opening: SessionOpening::new(self.environment, self.files, self.rights, self.providers),
        })?;
        if let Some(recorder) = self.recorder {
            recorder.audited_by(trail.session());
        }
        Ok(trail)
    }
}
