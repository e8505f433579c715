//! Who answers: the agents that were asked for, or one several times, spread over the providers that there are.

use codex_task_config::{ModelChoice, ProviderName, USUAL_AGENT};

use crate::handle::RuntimeHandle;

/// One of those who answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voter {
    /// The name by which the judge knows it: unlike all others.
    pub name: String,
    /// The agent.
    pub agent: String,
    /// The provider that it is put on, beside what its own file says.
    pub provider: Option<ProviderName>,
}

impl Voter {
    /// These agents, or so many of the usual one where there are none.
    pub(super) fn of(agents: &[String], count: usize) -> Vec<Self> {
        let usual: Vec<String> = vec![USUAL_AGENT.to_owned(); count];
        let agents = if agents.is_empty() { &usual } else { agents };
        let name = |(index, agent): (usize, &String)| {
            let is_shared = agents.iter().filter(|other| *other == agent).count() > 1;
            let place = agents.iter().take(index + 1).filter(|other| *other == agent).count();
            let name = if is_shared { format!("{agent}-{place}") } else { agent.clone() };
            Self { name, agent: agent.clone(), provider: None }
        };
        agents.iter().enumerate().map(name).collect()
    }
}

impl RuntimeHandle {
    /// Puts voters on different providers, as far as they leave it open: whoever learned from other texts errs in other
    /// places.
    pub(super) fn spread(&self, voters: &mut [Voter], model: Option<&ModelChoice>) {
        let is_exact = |choice: &ModelChoice| matches!(choice, ModelChoice::Exact(_));
        let settings = self.settings();
        if settings.provider.is_some() || model.or(settings.model.as_ref()).is_some_and(is_exact) {
            return;
        }
        let mut providers: Vec<ProviderName> =
            self.providers().iter().map(|(name, _)| name.clone()).collect();
        providers.sort();
        if providers.len() < 2 {
            return;
        }
        let registry = self.agents();
        let is_open = |voter: &&mut Voter| {
            registry
                .get(&voter.agent)
                .is_some_and(|agent| agent.provider.is_none() && (model.is_some() || !is_exact(&agent.model)))
        };
        for (voter, provider) in voters.iter_mut().filter(is_open).zip(providers.iter().cycle()) {
            voter.provider = Some(provider.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_voter_has_a_name_of_its_own() {
        let names = |agents: &[&str], count| {
            let agents: Vec<String> = agents.iter().map(|agent| (*agent).to_owned()).collect();
            Voter::of(&agents, count).into_iter().map(|voter| voter.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&[], 3), ["general-purpose-1", "general-purpose-2", "general-purpose-3"]);
        assert_eq!(names(&["a", "b", "a"], 3), ["a-1", "b", "a-2"]);
    }
}
