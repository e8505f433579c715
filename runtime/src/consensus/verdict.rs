//! What a judge makes of independent answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// What two or more agents say and nobody contradicts.
    pub agreement: Vec<Claim>,
    /// Points on which agents contradict each other.
    pub disagreement: Vec<Dispute>,
    /// What one agent says and the others do not speak of.
    pub alone: Vec<Claim>,
    /// The answer to the question that follows from all of this.
    pub verdict: String,
    /// How far the answers carry the verdict.
    pub confidence: Confidence,
}

/// One statement and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The statement, in one sentence.
    pub claim: String,
    /// The names of the agents that make it.
    pub agents: Vec<String>,
}

/// One point on which agents contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dispute {
    /// What it is about.
    pub point: String,
    /// What is said about it, and by whom.
    pub positions: Vec<Claim>,
}

/// How far the answers carry the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// All the way.
    High,
    /// With reservations.
    Medium,
    /// Hardly.
    Low,
}

impl Confidence {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

impl Verdict {
    /// The same with what the form alone cannot enforce: claims belong to agents that did answer, agreement to two of
    /// them at least, a dispute to two sides. Gives what had to be changed.
    pub(super) fn checked(mut self, answered: &[&str]) -> (Self, Vec<String>) {
        let mut strangers = Vec::new();
        let mut claims: Vec<&mut Claim> = self.agreement.iter_mut().chain(&mut self.alone).collect();
        claims.extend(self.disagreement.iter_mut().flat_map(|dispute| &mut dispute.positions));
        for claim in claims {
            let names = std::mem::take(&mut claim.agents);
            for name in names {
                match answered.iter().find(|known| known.eq_ignore_ascii_case(name.trim())) {
                    Some(known) if claim.agents.iter().any(|agent| agent == known) => {}
                    Some(known) => claim.agents.push((*known).to_owned()),
                    None => strangers.push(name),
                }
            }
        }
        let mut notes = Vec::new();
        if !strangers.is_empty() {
            strangers.sort();
            strangers.dedup();
            let names = strangers.join(", ");
            notes.push(format!("the judge named agents that did not answer, which were taken out: {names}"));
        }
        let (agreement, few): (Vec<Claim>, Vec<Claim>) =
            self.agreement.into_iter().partition(|claim| claim.agents.len() > 1);
        if !few.is_empty() {
            notes.push(format!("{} of the judge's agreements had less than two agents", few.len()));
        }
        self.agreement = agreement;
        self.alone.extend(few);
        self.alone.retain(|claim| !claim.agents.is_empty());
        for dispute in &mut self.disagreement {
            dispute.positions.retain(|position| !position.agents.is_empty());
        }
        self.disagreement.retain(|dispute| dispute.positions.len() > 1);
        (self, notes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(text: &str, agents: &[&str]) -> Claim {
        Claim { claim: text.into(), agents: agents.iter().map(|agent| (*agent).to_owned()).collect() }
    }

    #[test]
    fn claims_belong_to_agents_that_answered() {
        let verdict = Verdict {
            agreement: vec![claim("both", &["A", "b", "b"]), claim("one", &["a", "ghost"])],
            disagreement: vec![
                Dispute { point: "p".into(), positions: vec![claim("x", &["a"]), claim("y", &["b"])] },
                Dispute { point: "q".into(), positions: vec![claim("x", &["a"]), claim("y", &["ghost"])] },
            ],
            alone: vec![claim("nobody", &["ghost"])],
            verdict: "v".into(),
            confidence: Confidence::Medium,
        };
        let (checked, notes) = verdict.checked(&["a", "b"]);
        assert_eq!(checked.agreement, [claim("both", &["a", "b"])]);
        assert_eq!(checked.alone, [claim("one", &["a"])]);
        let points: Vec<&str> = checked.disagreement.iter().map(|dispute| dispute.point.as_str()).collect();
        assert_eq!(points, ["p"]);
        assert_eq!(
            notes,
            [
                "the judge named agents that did not answer, which were taken out: ghost",
                "1 of the judge's agreements had less than two agents",
            ]
        );
    }
}
