use super::super::testing::{assistant, called, request, result, results, said, tool, user};
use super::*;

#[track_caller]
fn refused(messages: impl IntoIterator<Item = Message>) -> String {
    check(&request(messages)).unwrap_err()
}

#[test]
fn a_conversation_with_parallel_calls_and_a_reminder_behind_their_results_is_well_formed() {
    let mut answers = vec![result(("b", "Glob", "")), result(("a", "Grep", ""))];
    answers.push(UserPart::Text { text: "Almost out of time.".into() });
    let conversation = [
        user("Go."),
        called([("a", "Grep"), ("b", "Glob")]),
        Message::User(UserTurn { parts: answers }),
        said("Done."),
        user("And the rest?"),
    ];
    assert_eq!(check(&request(conversation)), Ok(()));
}

#[test]
fn turns_alternate_and_a_user_begins_and_ends() {
    assert_eq!(refused([]), "the conversation is empty");
    assert_eq!(refused([said("Hi.")]), "the first turn is not a user turn");
    assert_eq!(refused([user("a"), user("b")]), "turns 1 and 2 are both user turns");
    assert_eq!(refused([user("a"), said("b"), said("c")]), "turns 2 and 3 are both assistant turns");
    assert_eq!(refused([user("a"), said("b")]), "the last turn is not a user turn");
    assert_eq!(refused([user("a"), assistant([]), user("b")]), "the assistant turn 2 is empty");
    assert_eq!(refused([Message::User(UserTurn::default())]), "the user turn 1 is empty");
}

#[test]
fn each_call_has_exactly_one_result_and_each_result_its_call() {
    let call = || called([("a", "Grep"), ("b", "Glob")]);
    let a = ("a", "Grep", "");
    assert_eq!(refused([user("x"), call(), results([a])]), "turn 3 has no result for the call 'b' of Glob");
    assert_eq!(
        refused([user("x"), call(), user("never mind")]),
        "turn 3 has no result for the call 'a' of Grep"
    );
    assert_eq!(
        refused([user("x"), call(), results([a, ("c", "Glob", "")])]),
        "turn 3 has a result for 'c', which the turn before it did not call"
    );
    assert_eq!(refused([user("x"), call(), results([a, a])]), "turn 3 answers the call 'a' twice");
    assert_eq!(
        refused([user("x"), call(), results([("a", "Glob", "")])]),
        "turn 3 answers the call 'a' of Grep as if it were one of Glob"
    );
    assert_eq!(refused([results([a])]), "turn 1 has a result for 'a', which the turn before it did not call");
    assert_eq!(
        refused([user("x"), called([("a", "Grep"), ("a", "Glob")]), results([a])]),
        "two tool calls of turn 2 have the id 'a'"
    );
}

#[test]
fn results_come_before_texts() {
    let turn = UserTurn { parts: vec![UserPart::Text { text: "Hm.".into() }, result(("a", "Grep", ""))] };
    let refused = refused([user("x"), called([("a", "Grep")]), Message::User(turn)]);
    assert_eq!(refused, "turn 3 has a tool result behind a text");
}

#[test]
fn tools_are_sorted_once_each_and_take_objects() {
    let with_tools = |names: &[&str]| {
        let mut request = request([user("x")]);
        request.tools = names.iter().map(|name| tool(name)).collect();
        request
    };
    assert_eq!(
        check(&with_tools(&["Read", "Grep"])).unwrap_err(),
        "the tools are not sorted by name: 'Read' comes before 'Grep'"
    );
    assert_eq!(check(&with_tools(&["Grep", "Grep"])).unwrap_err(), "the tool 'Grep' is offered twice");
    let mut list = with_tools(&["Grep"]);
    let schema = serde_json::value::RawValue::from_string(r#"{"type":"array"}"#.to_owned()).unwrap();
    list.tools = [crate::ToolSpec { input_schema: schema.into(), ..tool("Grep") }].into();
    assert_eq!(check(&list).unwrap_err(), "the schema of the tool 'Grep' does not describe an object");
}
