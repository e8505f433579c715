//! What a typed line means.

use codex_task::Lasting;

/// An answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Once,
    ThisSession,
    ThisProject,
    /// With words for the model, or none.
    No(Option<String>),
}

impl Answer {
    /// Reads a line; `None` when it is no answer to a question with these choices.
    pub(super) fn read(line: &str, choices: &Choices) -> Option<Self> {
        let line = line.trim();
        let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let words = (!rest.is_empty()).then(|| rest.to_owned());
        match first.to_lowercase().trim_end_matches([':', ',']) {
            "n" | "no" => Some(Self::No(words)),
            // Whoever says more than yes may mean something else than yes.
            _ if words.is_some() => None,
            "y" | "yes" => Some(Self::Once),
            "a" | "always" if choices.session => Some(Self::ThisSession),
            "p" | "project" if choices.project.is_some() => Some(Self::ThisProject),
            _ => None,
        }
    }
}

/// What can be answered beside yes and no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choices {
    /// Whether a yes can be remembered while the process lives.
    pub(super) session: bool,
    /// The rules that can be written for the project.
    pub(super) project: Option<Vec<String>>,
}

impl Choices {
    /// Those of a request; rules are written only where they would count.
    pub(super) fn of(lasting: &Lasting, is_project_trusted: bool) -> Self {
        match lasting {
            Lasting::Never => Self { session: false, project: None },
            Lasting::Rules(rules) if is_project_trusted => {
                Self { session: true, project: Some(rules.clone()) }
            }
            Lasting::Session | Lasting::Rules(_) => Self { session: true, project: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_answer_only_when_it_can_mean_one_thing() {
        let all = Choices { session: true, project: Some(vec!["Bash(ls)".into()]) };
        let few = Choices { session: false, project: None };
        for (line, with_all, with_few) in [
            ("y", Some(Answer::Once), Some(Answer::Once)),
            (" YES ", Some(Answer::Once), Some(Answer::Once)),
            ("a", Some(Answer::ThisSession), None),
            ("p", Some(Answer::ThisProject), None),
            ("n", Some(Answer::No(None)), Some(Answer::No(None))),
            (
                "n use  mkdir",
                Some(Answer::No(Some("use  mkdir".into()))),
                Some(Answer::No(Some("use  mkdir".into()))),
            ),
            ("no, y", Some(Answer::No(Some("y".into()))), Some(Answer::No(Some("y".into())))),
            ("", None, None),
            ("y but not twice", None, None),
            ("yn", None, None),
        ] {
            assert_eq!(Answer::read(line, &all), with_all, "{line}");
            assert_eq!(Answer::read(line, &few), with_few, "{line}");
        }
    }
}
