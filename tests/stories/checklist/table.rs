//! Which test proves which row of the checklist, wherever in the workspace it stands. No row is about Claude Code's screen
//! alone: what stands in its terminal (the tree of running agents, dialogues, `/agents`) is not on the list, and events
//! (row 35) are proven as programs read them.

use std::collections::BTreeSet;
use std::path::Path;

/// A row's number, the file of a test and the test.
type Proof = (u8, &'static str, &'static str);

#[rustfmt::skip]
const TABLE: &[Proof] = &[
    (1, "tests/stories/checklist/calls.rs", "row_01_the_tool_is_offered_with_claude_codes_arguments"),
    (1, "cli/tests/mcp/protocol.rs", "three_tools_are_listed_and_task_has_claude_codes_form"),
    (2, "tests/stories/checklist/calls.rs", "row_02_a_call_of_agent_is_one_of_task"),
    (3, "tests/stories/checklist/calls.rs", "row_03_each_agent_has_its_line"),
    (3, "cli/tests/mcp/protocol.rs", "hundreds_of_agents_leave_the_texts_short"),
    (4, "tests/stories/checklist/calls.rs", "row_04_keys_that_nobody_knows_are_passed_over"),
    (5, "tests/stories/checklist/calls.rs", "row_05_what_is_missing_is_named"),
    (6, "tests/stories/checklist/calls.rs", "row_06_a_wrong_type_is_named_with_the_right_one"),
    (7, "tests/stories/checklist/calls.rs", "row_07_an_unknown_agent_is_answered_with_those_that_are_known"),
    (7, "cli/tests/mcp/semantics.rs", "rows_2_to_7_wrong_and_odd_calls"),
    (8, "tests/stories/checklist/requests.rs", "row_08_an_agent_reads_a_reminder_and_its_prompt_verbatim_and_nothing_else"),
    (9, "tests/stories/checklist/requests.rs", "row_09_the_files_text_begins_the_system_prompt_and_instructions_reach_the_agent"),
    (10, "tests/stories/checklist/results.rs", "row_10_the_last_text_is_the_result_and_the_agents_id_follows"),
    (10, "cli/tests/mcp/semantics.rs", "row_10_the_last_text_is_the_result_and_then_comes_the_agents_id"),
    (11, "tests/stories/checklist/results.rs", "row_11_a_model_that_fails_is_an_error_with_its_words_and_harms_no_sibling"),
    (12, "tests/stories/checklist/results.rs", "row_12_a_model_that_throttles_twice_is_asked_a_third_time_no_sooner_than_it_says"),
    (13, "tests/stories/checklist/results.rs", "rows_13_and_14_of_twenty_calls_ten_run_at_once_in_their_order_and_each_is_answered_once"),
    (13, "cli/tests/mcp/order.rs", "row_13_ten_of_twenty_run_at_once_and_they_begin_in_the_order_of_their_calls"),
    (14, "tests/stories/checklist/results.rs", "rows_13_and_14_of_twenty_calls_ten_run_at_once_in_their_order_and_each_is_answered_once"),
    (15, "tests/stories/checklist/tools.rs", "row_15_a_list_is_what_is_offered"),
    (16, "tests/stories/checklist/tools.rs", "row_16_without_a_list_everything_is_offered_servers_included_and_no_task"),
    (17, "tests/stories/checklist/tools.rs", "row_17_an_empty_list_is_no_tools_and_the_agent_runs"),
    (18, "tests/stories/checklist/tools.rs", "row_18_lists_may_be_yamls_own"),
    (19, "tests/stories/checklist/tools.rs", "row_19_a_list_that_comes_to_nothing_is_refused_and_names_what_it_said"),
    (20, "tests/stories/checklist/tools.rs", "row_20_a_call_of_a_tool_outside_the_list_is_an_error_that_the_agent_reads"),
    (21, "tests/stories/checklist/tools.rs", "row_21_a_servers_tools_are_named_one_by_one_or_all_at_once"),
    (22, "tests/stories/checklist/tools.rs", "row_22_what_is_disallowed_is_not_offered_even_if_the_list_names_it"),
    (23, "tests/stories/checklist/models.rs", "row_23_aliases_ids_and_inherit_and_the_call_beats_the_file"),
    (24, "tests/stories/checklist/models.rs", "row_24_the_variable_for_subagents_is_a_default_unless_it_is_forced"),
    (25, "tests/stories/checklist/requests.rs", "row_25_temperature_and_max_tokens_of_the_file_are_sent_where_claude_code_ignores_them"),
    (26, "tests/stories/checklist/agent_files.rs", "row_26_files_that_are_not_quite_yaml_load_and_what_was_lenient_is_told"),
    (27, "tests/stories/checklist/agent_files.rs", "row_27_what_is_no_agent_is_skipped_and_others_are_not_affected"),
    (28, "tests/stories/checklist/agent_files.rs", "row_28_the_command_line_beats_the_project_its_nearest_directory_first_then_the_user"),
    (29, "tests/stories/checklist/agent_files.rs", "row_29_folders_within_the_folder_count_and_only_files_called_md"),
    (30, "tests/stories/checklist/results.rs", "row_30_a_task_in_the_background_is_answered_at_once_and_outlives_any_wait"),
    (30, "cli/tests/mcp/background.rs", "a_task_in_the_background_is_answered_at_once_and_asked_for_later"),
    (31, "tests/stories/checklist/results.rs", "row_31_a_resumed_agent_is_sent_its_old_messages_and_the_new_prompt_under_its_id"),
    (31, "tests/stories/resume.rs", "row_31_a_resumed_agent_has_its_old_messages_the_new_prompt_and_its_id"),
    (32, "tests/stories/commands.rs", "a_model_reads_two_blocks_as_from_claude_code"),
    (32, "tests/stories/commands.rs", "mentioned_files_are_read_through_the_gate"),
    (32, "tests/stories/commands.rs", "commands_leave_their_output_and_refused_ones_their_refusal"),
    (32, "cli/tests/exec.rs", "a_slash_command_reaches_the_model_as_two_blocks_with_its_model_and_the_task_tool"),
    (33, "tests/stories/checklist/rights.rs", "row_33_deny_comes_first_then_ask_then_allow_and_settings_that_are_broken_refuse_everything"),
    (34, "tests/stories/hooks.rs", "hooks_are_told_of_the_beginning_the_calls_and_the_end_of_an_agent"),
    (34, "tests/stories/hooks.rs", "a_call_that_a_hook_refuses_never_runs_and_the_agent_reads_why"),
    (35, "tests/stories/checklist/results.rs", "row_35_what_happens_is_told_with_the_task_that_it_happens_to"),
    (36, "tests/stories/checklist/results.rs", "row_36_tokens_and_cost_of_each_task_are_those_of_its_own_model"),
    (37, "tests/stories/checklist/results.rs", "row_37_an_agent_at_its_turn_limit_hands_in_what_it_has_with_a_note"),
    (38, "tests/stories/checklist/results.rs", "row_38_agents_start_no_agents_unless_the_settings_say_so"),
    (38, "cli/tests/mcp/rights.rs", "codexs_own_subagents_start_none_of_ours_unless_the_user_says_so"),
];

#[test]
fn every_row_has_a_test_that_exists() {
    let rows: BTreeSet<u8> = TABLE.iter().map(|(row, ..)| *row).collect();
    assert_eq!(rows.into_iter().collect::<Vec<_>>(), (1..=38).collect::<Vec<u8>>());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (row, file, test) in TABLE {
        let source = std::fs::read_to_string(root.join(file)).unwrap_or_default();
        assert!(source.contains(&format!("fn {test}(")), "row {row}: {file} has no test {test}");
    }
}
