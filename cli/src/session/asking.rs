//! The desk on the screen: a question stops the progress, is shown whole, and gives the screen back when it is settled.

use codex_task::RuntimeHandle;

use super::progress::Progress;
use crate::approve::{Desk, Turn, Words, words_of};
use crate::render::{Line, Style, Terminal};

/// The desk before this terminal, which knows whom the user trusts.
pub(crate) fn desk(handle: &RuntimeHandle, terminal: &mut Terminal) -> Option<Desk> {
    let mut desk = terminal.desk.take()?;
    desk.believe(&handle.settings().trusted);
    Some(desk)
}

/// Does something without any progress to show, and answers what is asked meanwhile.
pub(crate) async fn attend<T>(
    handle: &RuntimeHandle,
    terminal: &mut Terminal,
    doing: impl Future<Output = T>,
) -> T {
    let mut desk = desk(handle, terminal);
    let mut doing = std::pin::pin!(doing);
    let done = loop {
        tokio::select! {
            biased;
            turn = next(&mut desk) => show(turn, &mut desk, /*progress*/ None, terminal),
            done = &mut doing => break done,
        }
    };
    terminal.desk = desk;
    done
}

/// Waits for something to happen at the desk; without one nothing ever does.
pub(crate) async fn next(desk: &mut Option<Desk>) -> Turn {
    match desk {
        Some(desk) => desk.next().await,
        None => std::future::pending().await,
    }
}

/// Shows what has happened.
pub(crate) fn show(
    turn: Turn,
    desk: &mut Option<Desk>,
    progress: Option<&mut Progress>,
    terminal: &mut Terminal,
) {
    let Some(desk) = desk else { return };
    match turn {
        Turn::Queued => return,
        Turn::Opened => {
            if let Some(progress) = progress {
                progress.pause();
            }
            return question(desk, terminal);
        }
        Turn::Typed(line) => {
            let Some(settled) = desk.answer(&line) else {
                terminal.err.line("That is no answer to this question:");
                return choices(desk, terminal);
            };
            terminal.err.line(Line::new().styled(Style::Dim, settled.text));
            if let Some(warning) = settled.warning {
                super::warn(&warning, terminal);
            }
        }
        Turn::Withdrawn => {
            terminal.err.paragraph("Withdrawn:", Style::Yellow, "the task has ended before your answer");
        }
        Turn::Unattended => super::warn("nobody types any more: what is asked for is refused", terminal),
    }
    if let Some(progress) = progress {
        progress.resume(terminal);
    }
}

fn question(desk: &Desk, terminal: &mut Terminal) {
    let Some(request) = desk.open() else { return };
    let err = &mut terminal.err;
    for words in words_of(request) {
        match words {
            Words::Head(text) => err.paragraph("Question:", Style::Yellow, &text),
            // Never cut and never wrapped: it is read as it would run. The bar tells it from what we say.
            Words::Subject(text) => err.line(Line::new().text("  | ").bold(text)),
            Words::Part(text) => err.line(Line::new().text("  ").text(text)),
            Words::About(label, text) => err.paragraph(label, Style::Plain, &text),
        }
    }
    choices(desk, terminal);
}

/// What can be answered.
fn choices(desk: &Desk, terminal: &mut Terminal) {
    for (key, meaning) in desk.choices_in_words() {
        terminal.err.paragraph(&format!("  {key} "), Style::Bold, &meaning);
    }
    if desk.waiting() > 0 {
        let text = format!("{} more after this one.", desk.waiting());
        terminal.err.line(Line::new().styled(Style::Dim, text));
    }
}
