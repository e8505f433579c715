//! The gates of a runtime: one for each key of each provider, made when the first call needs it.

use std::collections::HashMap;

use actix::{Actor, Addr, Recipient};
use codex_task_config::{ProviderName, RateSettings};
use codex_task_providers::{KeySource, Provider};

use crate::dice::Dice;
use crate::provider::{Gate, GateSettings, GateWatch, ProviderActor, ProviderGone};

/// See the module.
pub(super) struct GateBook {
    gates: HashMap<GateKey, (ProviderName, Gate)>,
    /// Who is told when a provider's actor is gone.
    supervisor: Option<Recipient<ProviderGone>>,
    dice: Dice,
}

impl GateBook {
    pub(super) fn new() -> Self {
        Self { gates: HashMap::new(), supervisor: None, dice: Dice::new() }
    }

    /// Tells this actor from now on when one of a provider is gone; they draw from dice that are split off these.
    pub(super) fn report_to(&mut self, supervisor: Recipient<ProviderGone>, dice: Dice) {
        self.supervisor = Some(supervisor);
        self.dice = dice;
    }

    /// The actors behind all gates, with the names of their providers.
    pub(super) fn actors(&self) -> impl Iterator<Item = (&ProviderName, Addr<ProviderActor>)> {
        self.gates.values().map(|(name, gate)| (name, gate.addr()))
    }

    /// The gate of a provider, if a call was made so far.
    pub(super) fn find(&self, name: &ProviderName, provider: &Provider) -> Option<&Gate> {
        self.gates.get(&GateKey::of(provider, name)).map(|(_, gate)| gate)
    }

    /// The gate of a provider, with an actor behind it.
    pub(super) fn open(&mut self, name: &ProviderName, provider: &Provider) -> Gate {
        if let Some(gate) = self.find(name, provider) {
            return gate.clone();
        }
        let gate = Gate::new(self.start(name, provider));
        self.gates.insert(GateKey::of(provider, name), (name.clone(), gate.clone()));
        gate
    }

    /// Starts the actor of a provider again, in the place of the one that has died.
    pub(super) fn restart(&mut self, name: &ProviderName, provider: &Provider) {
        if let Some(gate) = self.find(name, provider).cloned() {
            gate.replace(self.start(name, provider));
        }
    }

    fn start(&mut self, name: &ProviderName, provider: &Provider) -> Addr<ProviderActor> {
        let settings = GateSettings {
            provider: name.clone(),
            kind: provider.kind,
            in_flight_max: provider.in_flight_max,
            limits: provider.limits,
        };
        let actor = ProviderActor::new(settings, self.dice.split());
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
