//! The two rounds: answers side by side, then the judge.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use codex_task_actors::{
    Ballot, Outcome, RunId, RunReport, RunTask, TaskError, TaskId, TaskReport, TaskRequest,
};
use codex_task_config::{JUDGE_AGENT, ModelChoice, PermissionMode};
use tokio::time::Instant;

use super::verdict::Verdict;
use super::voters::Voter;
use crate::handle::RuntimeHandle;
use crate::prompt::ExpandedPrompt;

/// Who is asked what.
#[derive(Clone, Debug)]
pub struct ConsensusRequest {
    /// The question.
    pub question: ExpandedPrompt,
    /// The agents that answer, in order; see [`ConsensusRequest::new`].
    pub voters: Vec<Voter>,
    /// Their tasks, one for each.
    pub tasks: Vec<TaskId>,
    /// The judge's task.
    pub judge: TaskId,
    /// Beats the agents' own models.
    pub model: Option<ModelChoice>,
    /// Longest time of each task.
    pub timeout: Option<Duration>,
    /// Most model calls of each task.
    pub turns_max: Option<u32>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Consensus {
    /// The tasks of those who were asked, in order, and the judge's last, if it came to that.
    pub report: RunReport,
    /// Those who were asked, in the order of their tasks.
    pub voters: Vec<Voter>,
    /// What the judge made of the answers; `None` when there were less than two, or when it failed.
    pub verdict: Option<Verdict>,
    /// What bears on how much this is worth.
    pub notes: Vec<String>,
}

impl ConsensusRequest {
    /// These agents, or so many of the usual one when there are none, on different providers where that is open.
    pub fn new(
        handle: &RuntimeHandle,
        question: ExpandedPrompt,
        agents: &[String],
        count: usize,
        model: Option<ModelChoice>,
    ) -> Self {
        let mut voters = Voter::of(agents, count);
        handle.spread(&mut voters, model.as_ref());
        let tasks = voters.iter().map(|_| TaskId::new()).collect();
        Self { question, voters, tasks, judge: TaskId::new(), model, timeout: None, turns_max: None }
    }

    /// The tasks of those who answer, as the supervisor gets them. They read, and change nothing: they work side by side
    /// on the same files.
    pub fn requests(&self) -> Vec<TaskRequest> {
        let count = self.voters.len();
        let request = |(index, (voter, id)): (usize, (&Voter, &TaskId))| {
            let mut task = RunTask::<String>::new(voter.agent.as_str(), Arc::clone(&self.question.text))
                .description(format!("Answer {} of {count}", index + 1))
                .permission_mode(PermissionMode::Plan);
            task.request.id = *id;
            task.request.ballot = Some(Ballot { voter: voter.name.clone(), judge: self.judge });
            task.request.preface.clone_from(&self.question.preface);
            task.request.provider.clone_from(&voter.provider);
            task.request.model.clone_from(&self.model);
            task.request.timeout = self.timeout;
            task.request.turns_max = self.turns_max;
            task.request
        };
        self.voters.iter().zip(&self.tasks).enumerate().map(request).collect()
    }

    fn judging(&self, run: RunId, answers: &[(&str, &str)]) -> RunTask<Verdict> {
        let mut prompt = format!("The question:\n\n<question>\n{}\n</question>\n", self.question.text);
        for (name, answer) in answers {
            // Writing to a String cannot fail.
            let _ =
                write!(prompt, "\nThe answer of {name}:\n\n<answer agent=\"{name}\">\n{answer}\n</answer>\n");
        }
        prompt.push_str("\nCompare the answers and give the verdict in the required form.");
        let task = RunTask::<Verdict>::new(JUDGE_AGENT, prompt).description("Comparing the answers");
        let mut task = task.of_session().in_run(run);
        task.request.id = self.judge;
        task.request.model.clone_from(&self.model);
        task.request.timeout = self.timeout;
        task
    }
}

impl RuntimeHandle {
    /// Asks several agents the same question, side by side and out of each other's sight, and has a judge compare their
    /// answers. Who failed is missing in the comparison, and said to be.
    ///
    /// # Errors
    /// [`TaskError::ShuttingDown`] or [`TaskError::RuntimeDown`]: there is no runtime to take the tasks.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the tasks.
    pub async fn consensus(&self, request: ConsensusRequest) -> Result<Consensus, TaskError> {
        let began = Instant::now();
        let report = self.run_all(request.requests()).await?;
        let mut consensus = self.compare(request, report, /*judged*/ None).await?;
        consensus.report.total = began.elapsed();
        Ok(consensus)
    }

    /// Compares the answers, unless the judge has done so already.
    pub(super) async fn compare(
        &self,
        request: ConsensusRequest,
        mut report: RunReport,
        judged: Option<Arc<TaskReport>>,
    ) -> Result<Consensus, TaskError> {
        let answers: Vec<(&str, &str)> = request
            .voters
            .iter()
            .zip(&report.tasks)
            .filter_map(|(voter, task)| Some((voter.name.as_str(), answer(task)?)))
            .collect();
        let mut notes = notes(&request.voters, &report.tasks);
        let mut verdict = None;
        if answers.len() > 1 {
            let judged = match judged {
                Some(judged) => judged,
                None => Arc::new(
                    self.run(request.judging(report.run, &answers)).await?.map(|verdict| as_text(&verdict)),
                ),
            };
            let given = match &judged.outcome {
                Outcome::Completed(text) => serde_json::from_str::<Verdict>(text).ok(),
                _ => None,
            };
            if let Some(given) = given {
                let names: Vec<&str> = answers.iter().map(|(name, _)| *name).collect();
                let (checked, changed) = given.checked(&names);
                notes.extend(changed);
                verdict = Some(checked);
            }
            report.tasks.push(judged);
        }
        Ok(Consensus { report, voters: request.voters, verdict, notes })
    }
}

/// A verdict as the judge's report has it; our own types are always JSON.
fn as_text(verdict: &Verdict) -> String {
    serde_json::to_string(verdict).unwrap_or_default()
}

impl Consensus {
    /// Those who were asked, with what came of it.
    pub fn answers(&self) -> impl Iterator<Item = (&Voter, &Arc<TaskReport>)> {
        self.voters.iter().zip(&self.report.tasks)
    }

    /// Those who did not answer.
    pub fn missing(&self) -> impl Iterator<Item = &Voter> {
        self.answers().filter(|(_, task)| answer(task).is_none()).map(|(voter, _)| voter)
    }

    /// The judge's task, if it came to that.
    pub fn judge(&self) -> Option<&Arc<TaskReport>> {
        self.report.tasks.get(self.voters.len())
    }
}

fn answer(task: &TaskReport) -> Option<&str> {
    let Outcome::Completed(text) = &task.outcome else { return None };
    Some(text.as_str()).filter(|text| !text.trim().is_empty())
}

/// What bears on how much the comparison is worth.
fn notes(voters: &[Voter], tasks: &[Arc<TaskReport>]) -> Vec<String> {
    let mut notes = Vec::new();
    let missing: Vec<&str> = voters
        .iter()
        .zip(tasks)
        .filter(|(_, task)| answer(task).is_none())
        .map(|(v, _)| v.name.as_str())
        .collect();
    let answered = voters.len() - missing.len();
    if !missing.is_empty() {
        notes.push(format!(
            "{answered} of {} agents answered; missing: {}",
            voters.len(),
            missing.join(", ")
        ));
    }
    let models: BTreeSet<String> = tasks
        .iter()
        .filter(|task| answer(task).is_some())
        .filter_map(|task| Some(format!("{} ({})", task.model.as_ref()?, task.provider.as_ref()?)))
        .collect();
    if let (Some(model), true) = (models.first().filter(|_| models.len() == 1), answered > 1) {
        notes.push(format!(
            "all answers are from one model, {model}: what they agree on can be its common mistake"
        ));
    }
    notes
}
