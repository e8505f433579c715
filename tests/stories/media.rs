//! Images and documents that agents look at: on every wire format, where a model sees nothing, when a provider refuses
//! one, and as a conversation grows.

use std::sync::Arc;

use codex_task::store::{Recorder, Records};
use codex_task::{Outcome, TaskReport};
use codex_task_config::{AgentDefinition, Attachment, MediaType, ProviderName, TokenUsage};
use codex_task_providers::scripted::{Pattern, Rule, Scenario, ScriptedBackend, When};
use codex_task_providers::{ChatRequest, Message, ModelLimits, UserPart};
use codex_task_tests::{Call, Format, Mock, Reply};
use serde_json::json;

use crate::harness::{
    TestProject, TestRuntime, agent, agent_on, agents, first, kind, project_on, scripted, texts_of, then,
};

/// A document of one page, written by hand.
const PDF: &[u8] = b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Count 1/Kids[3 0 R]>>\n\
    endobj\n3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>\nendobj\ntrailer\n<</Root 1 0 R>>\nstartxref\n0\n%%EOF\n";

/// An image of this size.
fn png(width: u32, height: u32) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
        })
    };
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[1, 0, 0, 0, 0]].concat();
    // One bit a pixel, all of them black, packed.
    let pixels = b"\x78\x9c\x63\x60\x00\x00\x00\x02\x00\x01";
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", &header[..]), (b"IDAT", pixels), (b"IEND", b"")] {
        let chunk = [&kind[..], data].concat();
        png.extend(u32::try_from(data.len()).expect("it is short").to_be_bytes());
        png.extend(&chunk);
        png.extend(crc(&chunk).to_be_bytes());
    }
    png
}

fn with_files(project: TestProject) -> TestProject {
    std::fs::write(project.dir().join("shot.png"), png(640, 480)).expect("a file");
    std::fs::write(project.dir().join("paper.pdf"), PDF).expect("a file");
    project
}

fn reads(files: &[&str]) -> Reply {
    Reply::Tools(files.iter().map(|file| ("Read".to_owned(), json!({ "file_path": file }))).collect())
}

/// Reads both files at first, then says what it saw.
fn looks(call: &Call) -> Reply {
    match call.tool_results().len() {
        0 => reads(&["shot.png", "paper.pdf"]),
        _ => Reply::text(format!("saw {}", call.shown().join(" and "))),
    }
}

/// A runtime with one provider for each of these servers, of the name of its format; `settings` go into each.
fn runtime_on<'a>(
    mocks: impl IntoIterator<Item = (Format, &'a Mock)>,
    known: impl IntoIterator<Item = AgentDefinition>,
    settings: &str,
) -> TestRuntime {
    let mocks: Vec<(Format, &Mock)> = mocks.into_iter().collect();
    let project =
        with_files(project_on(mocks.iter().map(|(format, mock)| (kind(*format), *format, *mock)), ""));
    let entry = |(format, mock): &(Format, &Mock)| {
        let (kind, url) = (kind(*format), mock.base_url());
        format!("  {kind}:\n    kind: {kind}\n    base_url: {url}\n    api_key_env: STORY_KEY\n{settings}")
    };
    project.user_config(&format!("providers:\n{}", mocks.iter().map(entry).collect::<String>()));
    let known = agents(known);
    TestRuntime::start_in(project, |builder| builder.agents(known))
}

const SEES_ALL: &str = "    attachments: images_and_pdfs\n";

#[tokio::test]
async fn an_agent_sees_images_and_documents_on_every_format() {
    for format in Format::ALL {
        let mock = Mock::start(format, looks);
        let worker = agent_on("worker", kind(format), format);
        let report = runtime_on([(format, &mock)], [worker], SEES_ALL).ask("worker", "look").await;
        let expected = Outcome::Completed("saw image/png and application/pdf".into());
        assert_eq!(report.outcome, expected, "{format:?}");
        let results = mock.calls()[1].tool_results();
        assert!(results[0].contains("shot.png (image/png, 640x480, "), "{format:?}: {results:?}");
        assert!(results[1].contains("paper.pdf (application/pdf, 1 page, "), "{format:?}: {results:?}");
    }
}

#[tokio::test]
async fn a_model_that_is_not_known_to_see_is_told_so_and_how_the_user_can_say_that_it_does() {
    let mock = Mock::start(Format::OpenAiChat, looks);
    let worker = agent_on("worker", "openai_chat", Format::OpenAiChat);
    let report = runtime_on([(Format::OpenAiChat, &mock)], [worker], "").ask("worker", "look").await;
    assert_eq!(report.outcome, Outcome::Completed("saw ".into()));
    let results = mock.calls()[1].tool_results();
    assert!(
        results[0].contains("[shot.png (image/png) is not shown: mock-model is not known to take")
            && results[0].contains("set `attachments: images` for its provider"),
        "{results:?}"
    );
}

#[tokio::test]
async fn a_conversation_with_images_goes_on_with_a_model_that_does_not_see() {
    let seeing = Mock::start(Format::Anthropic, |call| match call.nth {
        0 => reads(&["shot.png"]),
        _ => Reply::status(401, "who are you"),
    });
    let blind = Mock::start(Format::OpenAiChat, |call| Reply::text(call.tool_results().join("")));
    let mut worker = agent_on("worker", "anthropic", Format::Anthropic);
    worker.fallback = vec!["openai_chat/mock-model".into()];
    let mocks = [(Format::Anthropic, &seeing), (Format::OpenAiChat, &blind)];
    let report = runtime_on(mocks, [worker], "").ask("worker", "look").await;
    assert_eq!(seeing.calls()[1].shown(), ["image/png"]);
    let Outcome::Completed(text) = &report.outcome else { panic!("{:?}", report.outcome) };
    assert!(text.contains("is not shown: mock-model"), "{text}");
}

/// Refuses every request that shows a file of this kind.
fn refusing(refused: &'static str) -> impl Fn(&Call) -> Reply + Send + Sync {
    move |call| match call.tool_results().len() {
        0 => reads(&["paper.pdf"]),
        _ if call.shown().iter().any(|kind| kind == refused) => Reply::status(400, "Could not process image"),
        1 => reads(&["shot.png"]),
        _ => Reply::text(format!("saw {}", call.shown().join(" and "))),
    }
}

fn refusals(report: &TaskReport) -> usize {
    report.attempts.iter().filter(|attempt| attempt.error.is_some()).count()
}

#[tokio::test]
async fn what_a_provider_refuses_is_left_out_and_does_not_end_the_task() {
    for format in Format::ALL {
        for (refused, seen) in [("image/png", "saw application/pdf"), ("application/pdf", "saw image/png")] {
            let mock = Mock::start(format, refusing(refused));
            let worker = agent_on("worker", kind(format), format);
            let runtime = runtime_on([(format, &mock)], [worker], SEES_ALL);
            let report = runtime.ask("worker", "look").await;
            assert_eq!(report.outcome, Outcome::Completed(seen.into()), "{format:?} {refused}");
            assert_eq!(refusals(&report), 1, "{format:?} {refused}");
            let told = report.notes.iter().any(|note| note.contains("refused images or documents"));
            assert!(told, "{:?}", report.notes);
            let results = mock.calls().last().expect("calls").tool_results().join("");
            assert!(results.contains("the model's provider refused it"), "{results}");
        }
    }
}

#[tokio::test]
async fn a_request_that_is_refused_for_another_reason_fails_as_before() {
    let mock = Mock::start(Format::Anthropic, |call| match call.nth {
        0 => reads(&["shot.png"]),
        _ => Reply::status(400, "nobody knows why"),
    });
    let worker = agent_on("worker", "anthropic", Format::Anthropic);
    let report = runtime_on([(Format::Anthropic, &mock)], [worker], "").ask("worker", "look").await;
    assert!(matches!(report.outcome, Outcome::Failed { .. }), "{:?}", report.outcome);
    assert_eq!((mock.calls().len(), mock.calls()[2].shown().len()), (3, 0));
}

#[tokio::test]
async fn a_broken_image_is_refused_before_anybody_is_asked() {
    let mock = Mock::start(Format::Anthropic, |call| match call.tool_results().first() {
        None => reads(&["cut.png"]),
        Some(result) => Reply::text(result),
    });
    let worker = agent_on("worker", "anthropic", Format::Anthropic);
    let runtime = runtime_on([(Format::Anthropic, &mock)], [worker], "");
    std::fs::write(runtime.project.dir().join("cut.png"), &png(9, 9)[..40]).expect("a file");
    let report = runtime.ask("worker", "look").await;
    let Outcome::Completed(text) = &report.outcome else { panic!("{:?}", report.outcome) };
    assert!(text.ends_with("cut.png is cut off: the file ends before the image does."), "{text}");
}

fn shown(request: &ChatRequest) -> Vec<MediaType> {
    let turns = request.messages.iter().filter_map(|message| match &**message {
        Message::User(turn) => Some(&turn.parts),
        Message::Assistant(_) => None,
    });
    let results = turns.flatten().filter_map(|part| match part {
        UserPart::ToolResult(result) => Some(&result.attachments),
        UserPart::Text { .. } => None,
    });
    results.flatten().map(|attachment| attachment.media_type).collect()
}

#[tokio::test]
async fn a_conversation_on_record_goes_on_with_what_it_showed() {
    let model = scripted([
        Rule::call("Read", &json!({"file_path": "shot.png"})).when(first()),
        Rule::text("a picture").when(When::default().turn(2)),
        Rule::text("blue").when(When::default().turn(3)),
    ]);
    let project = with_files(TestProject::new());
    let records = Records::of_user(&project.environment()).expect("the records open");
    let recorder = Recorder::start(records, &project.environment(), "a story").expect("it records");
    let runtime = TestRuntime::start_in(project, |builder| {
        builder.agents(agents([agent("worker")])).backend(model.clone()).recorder(Arc::new(recorder))
    });
    let report = runtime.ask("worker", "look").await;
    let report = runtime.resume_task(&report.task.to_string(), "its colour?").await.expect("it goes on");
    assert_eq!(report.outcome, Outcome::Completed("blue".into()));
    assert_eq!(shown(model.recorded().last().expect("requests")), [MediaType::Png]);
}

/// A model with a small window that reads large images, then answers.
fn small(rules: impl IntoIterator<Item = Rule>, context_tokens: u64) -> Arc<ScriptedBackend> {
    let limits = ModelLimits { context_tokens, output_tokens: 400 };
    let scenario = Scenario::new(rules).with_limits(limits);
    Arc::new(ScriptedBackend::recording(ProviderName::new("scripted"), scenario))
}

async fn look_with(model: &Arc<ScriptedBackend>) -> TaskReport {
    let project = TestProject::new();
    std::fs::write(project.dir().join("large.png"), png(2_000, 2_000)).expect("a file");
    let known = agents([agent("worker")]);
    let runtime = TestRuntime::start_in(project, |builder| builder.agents(known).backend(model.clone()));
    runtime.ask("worker", "look").await
}

#[tokio::test]
async fn old_images_are_left_out_before_a_conversation_is_summed_up() {
    let read = || Rule::call("Read", &json!({"file_path": "large.png"}));
    let filled = |tokens| TokenUsage { input_tokens: tokens, output_tokens: 50, ..TokenUsage::default() };
    let model = small(
        [
            Rule::text("summary")
                .when(When::default().user(Pattern::text("Write that summary for yourself"))),
            read().when(first()).with_usage(filled(1_000)),
            read().when(When::default().turn(2)).with_usage(filled(6_000)),
            Rule::text("done").when(then("Read")),
        ],
        12_000,
    );
    let report = look_with(&model).await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    let requests = model.recorded();
    assert_eq!(requests.iter().map(|request| shown(request).len()).collect::<Vec<_>>(), [0, 1, 1]);
    let texts = texts_of(requests.last().expect("requests")).join("\n");
    assert!(texts.contains("[large.png (image/png): it is no longer shown"), "{texts}");
    assert!(report.notes.iter().any(|note| note.starts_with("images and documents of earlier turns")));
}

#[tokio::test]
async fn a_conversation_shows_no_more_images_than_every_vendor_takes() {
    let mock = Mock::start(Format::Anthropic, |call| match call.nth {
        0 => reads(&["shot.png"; Attachment::COUNT_MAX]),
        1 => reads(&["shot.png"]),
        _ => Reply::text("done"),
    });
    let worker = agent_on("worker", "anthropic", Format::Anthropic);
    let report = runtime_on([(Format::Anthropic, &mock)], [worker], "").ask("worker", "look").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    let counts: Vec<usize> = mock.calls().iter().map(|call| call.shown().len()).collect();
    assert_eq!(counts, [0, Attachment::COUNT_MAX, Attachment::COUNT_MAX / 2]);
}
