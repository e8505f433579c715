use proptest::prelude::*;

use super::super::ExpansionPart;
use super::*;

/// The expansion with these names and arguments; commands stand in `[sh: ]`.
fn expanded(template: &str, names: &[&str], arguments: &str) -> String {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let expansion = Template::parse(template, &names).expand(&CommandArguments::parse(arguments));
    let part = |part: &ExpansionPart| match part {
        ExpansionPart::Text(text) => text.clone(),
        ExpansionPart::Command(line) => format!("[sh: {line}]"),
        ExpansionPart::Unclear(unclear) => format!("[{} in {}]", unclear.place, unclear.line),
    };
    expansion.parts().iter().map(part).collect()
}

const THREE: &str = r#"alpha "beta gamma" delta"#;

#[test]
fn places_are_filled_as_claude_code_fills_them() {
    for (template, expected) in [
        ("On $ARGUMENTS.", r#"On alpha "beta gamma" delta."#),
        ("$0|$1|$2", "alpha|beta gamma|delta"),
        ("$ARGUMENTS[0] and $ARGUMENTS[1]", "alpha and beta gamma"),
        // An index beyond the list stays as it is written.
        ("$0 $3 $ARGUMENTS[7]", "alpha $3 $ARGUMENTS[7]"),
        ("$0 costs $1x, $5, $$", "alpha costs $1x, $5, $$"),
        ("$ARGUMENTS[x]", r#"alpha "beta gamma" delta[x]"#),
        ("$99999999999999999999999 $0", "$99999999999999999999999 alpha"),
    ] {
        assert_eq!(expanded(template, &[], THREE), expected, "{template}");
    }
}

#[test]
fn names_are_places_as_whole_words() {
    let names = ["topic", "count", "topic_long"];
    assert_eq!(expanded("$topic: $count", &names, THREE), "alpha: beta gamma");
    assert_eq!(expanded("$topic_long $topics $topic[0]", &names, THREE), "delta $topics $topic[0]");
    assert_eq!(expanded("$count $0", &names, "alone"), "$count alone");
}

#[test]
fn arguments_without_a_place_stand_behind_the_body() {
    assert_eq!(expanded("Do it.", &[], "alpha beta"), "Do it.\n\nARGUMENTS: alpha beta");
    assert_eq!(expanded("Do it.", &[], "  "), "Do it.");
    assert_eq!(expanded("Do $7.", &[], "alpha"), "Do $7.\n\nARGUMENTS: alpha");
}

#[test]
fn commands_stand_at_the_beginning_or_behind_white_space() {
    assert_eq!(expanded("!`git status` and\n!`ls`", &[], ""), "[sh: git status] and\n[sh: ls]");
    for text in ["x!`ls`", "`!`ls` ` !``", " !`open", "!` `"] {
        assert_eq!(expanded(text, &[], ""), text, "{text}");
    }
    assert_eq!(expanded("!`a`!`b`", &[], ""), "[sh: a]!`b`");
}

#[test]
fn arguments_are_words_to_a_shell() {
    assert_eq!(expanded("!`gh pr view $ARGUMENTS`", &[], "123 --web"), "[sh: gh pr view 123 --web]");
    assert_eq!(expanded("!`echo $0 $ARGUMENTS`", &[], "'a b; rm $(x)'"), {
        let word = r"a\ b\;\ rm\ \$\(x\)";
        format!("[sh: echo {word} {word}]")
    });
    assert_eq!(expanded("!`echo '$0' \"$ARGUMENTS\"`", &[], "it\\'s \"$x\""), {
        let (single, double) = (r"'it'\''s'", r#""it\\'s \"\$x\"""#);
        format!("[sh: echo {single} {double}]")
    });
    assert_eq!(expanded("!`cat <<E\n$0`", &[], "'a b'"), "[$0 in cat <<E\n$0]");
    assert_eq!(expanded("!`cat <<E\n$0`", &[], "ab"), "[sh: cat <<E\nab]");
    assert_eq!(expanded("!`awk '{print $1}'` $0", &[], "x"), "[sh: awk '{print $1}'] x");
}

#[test]
fn what_stands_in_an_argument_is_no_template() {
    let hostile = "!`rm -rf x` $0 $ARGUMENTS $topic";
    assert_eq!(expanded("Say:\n$ARGUMENTS", &["topic"], hostile), format!("Say:\n{hostile}"));
    assert_eq!(expanded("$0", &[], "' !`rm` '"), " !`rm` ");
    assert_eq!(expanded("!$0", &[], "`ls`"), "!`ls`");
    assert_eq!(expanded("none", &[], hostile), format!("none\n\nARGUMENTS: {hostile}"));
}

proptest! {
    #[test]
    fn any_template_takes_any_arguments(template in any::<String>(), arguments in any::<String>()) {
        expanded(&template, &["topic"], &arguments);
    }

    #[test]
    fn a_template_of_its_own_signs_takes_any_arguments(
        template in r"([$!`\[\] \n0-9a-z]|ARGUMENTS|topic){0,40}",
        arguments in r"[$!`\[\] \n0-9a-z'\\]{0,20}",
    ) {
        expanded(&template, &["topic"], &arguments);
    }

    #[test]
    fn arguments_never_make_a_command(
        template in r"([$!`\[\] \n0-9a-z]|ARGUMENTS){0,40}",
        arguments in r"[$!`\[\] \n0-9a-z'\\]{0,20}",
    ) {
        let commands = |arguments: &str| {
            let expansion = Template::parse(&template, &[]).expand(&CommandArguments::parse(arguments));
            expansion.parts().iter().filter(|part| !matches!(part, ExpansionPart::Text(_))).count()
        };
        prop_assert_eq!(commands(&arguments), commands(""));
    }

    #[test]
    fn a_text_without_signs_stays_as_it_is(text in r"[^$!]{0,60}") {
        prop_assert_eq!(expanded(&text, &["topic"], ""), text);
    }
}
