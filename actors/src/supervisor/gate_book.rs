//! The gates of a runtime: one for each key of each provider, made when the first call needs it.

use std::collections::HashMap;

use actix::{Actor, Addr, Recipient};
use codex_task_config::{ProviderName, RateSettings};
use codex_task_providers::{KeySource, Provider};

use crate::provider::{Gate, GateSettings, GateWatch, ProviderActor, ProviderGone};

/// See the module.
#[derive(Default)]
pub(super) struct GateBook {
    gates: HashMap<GateKey, Gate>,
    /// Who is told when a provider's actor is gone.
    supervisor: Option<Recipient<ProviderGone>>,
}

impl GateBook {
    /// Tells this actor from now on when one of a provider is gone.
    pub(super) fn report_to(&mut self, supervisor: Recipient<ProviderGone>) {
        self.supervisor = Some(supervisor);
    }

    /// The actors behind all gates.
    pub(super) fn actors(&self) -> impl Iterator<Item = Addr<ProviderActor>> {
        self.gates.values().map(Gate::addr)
    }

    /// The gate of a provider, if a call was made so far.
    pub(super) fn find(&self, name: &ProviderName, provider: &Provider) -> Option<&Gate> {
        self.gates.get(&GateKey::of(provider, name))
    }

    /// The gate of a provider, with an actor behind it.
    pub(super) fn open(&mut self, name: &ProviderName, provider: &Provider) -> Gate {
        if let Some(gate) = self.find(name, provider) {
            return gate.clone();
        }
        let gate = Gate::new(self.start(name, provider));
        self.gates.insert(GateKey::of(provider, name), gate.clone());
        gate
    }

    /// Starts the actor of a provider again, in the place of the one that has died.
    pub(super) fn restart(&self, name: &ProviderName, provider: &Provider) {
        if let Some(gate) = self.find(name, provider) {
            gate.replace(self.start(name, provider));
        }
    }

    fn start(&self, name: &ProviderName, provider: &Provider) -> Addr<ProviderActor> {
        let actor = ProviderActor::new(GateSettings {
            provider: name.clone(),
            kind: provider.kind,
            in_flight_max: provider.in_flight_max,
            limits: provider.limits,
        });
        match &self.supervisor {
            Some(supervisor) => actor.watched(GateWatch::new(name.clone(), supervisor.clone())).start(),
            None => actor.start(),
        }
    }
}

/// What calls have in common that one provider counts together. Two names of the settings for the same key of the same
/// server, with the same limits, are one.
#[derive(PartialEq, Eq, Hash)]
enum GateKey {
    /// A server and the variable that holds the key.
    Credential { server: String, variable: String, in_flight_max: usize, limits: RateSettings },
    /// A provider of which nothing else is known.
    Name(ProviderName),
}

impl GateKey {
    fn of(provider: &Provider, name: &ProviderName) -> Self {
        match (&provider.base_url, &provider.key) {
            (Some(server), KeySource::Variable(variable)) => Self::Credential {
                server: server.to_string(),
                variable: variable.clone(),
                in_flight_max: provider.in_flight_max,
                limits: provider.limits,
            },
            _ => Self::Name(name.clone()),
        }
    }
}
