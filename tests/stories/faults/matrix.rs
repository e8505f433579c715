//! Which test proves which fault of the matrix, wherever in the workspace it stands.

use std::collections::BTreeSet;
use std::path::Path;

/// A fault's number, the file of a test and the test. A fault has as many rows as it has sides.
type Proof = (u8, &'static str, &'static str);

/// Faults of the network and of providers.
#[rustfmt::skip]
const PROVIDERS: &[Proof] = &[
    (1, "tests/stories/faults/connections.rs", "fault_01_a_refused_connection_is_tried_again_and_then_the_next_route_is_taken"),
    (2, "tests/stories/faults/names.rs", "fault_02_a_name_that_nobody_knows_is_asked_for_once_a_try_and_then_left"),
    (2, "tests/stories/faults/names.rs", "fault_02_a_name_that_is_found_leads_to_its_server"),
    (2, "providers/src/http/client_tests.rs", "names_are_found_by_whoever_is_set_and_one_that_is_not_found_in_time_is_no_connection"),
    (3, "providers/src/http/client_tests.rs", "a_certificate_that_nobody_vouches_for_is_an_error_of_its_own"),
    (4, "tests/stories/faults/wire.rs", "each_fault_of_the_wire_is_told_for_what_it_is_and_the_answer_comes_at_the_next_try"),
    (4, "tests/stories/faults/connections.rs", "fault_04_a_server_that_never_sends_headers_is_given_up_in_its_time"),
    (5, "tests/stories/faults/connections.rs", "fault_05_a_reset_before_the_first_byte_is_tried_again_on_the_same_route"),
    (5, "tests/stories/faults/wire.rs", "connections_that_are_reset_or_left_alone_at_the_door_are_made_again"),
    (6, "tests/stories/formats.rs", "streams_that_are_cut_off_are_broken_and_keep_what_had_come"),
    (6, "tests/stories/faults/streams.rs", "fault_06_a_text_that_breaks_off_is_asked_for_again_and_told_once"),
    (7, "tests/stories/faults/streams.rs", "fault_07_and_08_a_call_that_comes_in_a_broken_stream_runs_once_wherever_it_breaks"),
    (8, "tests/stories/faults/streams.rs", "fault_07_and_08_a_call_that_comes_in_a_broken_stream_runs_once_wherever_it_breaks"),
    (8, "tests/stories/faults/wire.rs", "tools_run_once_whatever_half_of_all_answers_suffer"),
    (9, "tests/stories/faults/wire.rs", "each_kind_of_silence_ends_by_its_own_time_out"),
    (9, "providers/src/drive_tests.rs", "each_silence_has_its_own_limit"),
    (9, "providers/src/drive_tests.rs", "a_reply_that_keeps_coming_still_ends_with_the_call"),
    (10, "providers/src/openai/decode_tests.rs", "keep_alives_are_no_activity"),
    (10, "providers/src/sse/events_tests.rs", "endless_comments_are_bounded_too"),
    (11, "tests/stories/faults/streams.rs", "fault_11_a_server_that_stalls_before_its_first_word_is_left_for_the_next_route"),
    (12, "providers/src/anthropic/decode_tests.rs", "a_reply_without_its_terminal_event_is_broken_whatever_came_before"),
    (12, "providers/src/openai/decode_tests.rs", "a_reply_without_its_terminal_event_is_broken_whatever_came_before"),
    (12, "providers/src/openai_chat/decode_tests.rs", "a_recorded_reply_that_is_cut_before_its_finish_reason_is_broken"),
    (12, "providers/src/gemini/decode_tests.rs", "a_body_that_ends_without_a_finish_reason_is_broken_whatever_came_before"),
    (12, "tests/stories/faults/wire.rs", "fault_12_a_stream_that_ends_anywhere_before_its_end_is_never_taken_for_an_answer"),
    (13, "providers/src/anthropic/decode_tests.rs", "an_error_event_after_the_status_200_is_typed_and_keeps_the_text_before_it"),
    (13, "tests/stories/faults/streams.rs", "fault_13_an_overload_told_inside_a_stream_is_tried_again_and_then_left"),
    (14, "providers/src/anthropic/decode_tests.rs", "invalid_arguments_reach_the_agent_as_written_and_are_echoed_as_an_object"),
    (14, "tests/stories/faults/streams.rs", "fault_14_arguments_that_are_cut_are_an_error_that_the_model_reads"),
    (15, "providers/src/anthropic/decode_tests.rs", "empty_arguments_are_an_empty_object_and_an_absent_input_is_tolerated"),
    (16, "providers/src/sse/events_tests.rs", "a_code_point_cut_between_chunks_is_joined_and_an_invalid_one_is_replaced"),
    (16, "tests/stories/faults/wire.rs", "what_does_no_harm_is_borne_in_every_format"),
    (17, "providers/src/sse/events_tests.rs", "fields_follow_the_rules_of_the_standard"),
    (17, "providers/src/sse/events_tests.rs", "an_event_above_the_limit_ends_the_stream_with_an_error"),
    (17, "providers/src/sse/events_tests.rs", "any_chunking_gives_the_events_of_the_whole"),
    (18, "providers/src/anthropic/decode_tests.rs", "what_this_version_does_not_know_is_tolerated_and_unknown_blocks_are_echoed"),
    (18, "providers/src/openai/decode_tests.rs", "what_this_version_does_not_know_is_tolerated_and_unknown_items_are_echoed"),
    (18, "providers/src/openai_chat/decode_tests.rs", "what_this_version_does_not_know_is_tolerated"),
    (18, "providers/src/gemini/decode_tests.rs", "what_this_version_does_not_know_is_tolerated_and_unknown_parts_are_echoed"),
    (19, "tests/stories/faults/throttling.rs", "fault_19_a_429_with_a_hint_holds_all_siblings_for_just_that_long"),
    (19, "tests/stories/faults/throttling.rs", "fault_19_every_form_of_the_hint_is_understood"),
    (20, "tests/stories/faults/throttling.rs", "fault_20_a_429_without_a_hint_is_waited_for_a_second_and_then_twice_as_long"),
    (21, "tests/stories/faults/throttling.rs", "fault_21_money_that_is_used_up_is_never_waited_for_and_told_with_what_to_do"),
    (22, "tests/stories/faults/throttling.rs", "fault_22_an_endless_hint_is_left_and_a_senseless_one_is_none"),
    (23, "tests/stories/faults/outages.rs", "fault_23_two_server_errors_are_outlived_by_waits_that_are_spread"),
    (24, "tests/stories/faults/outages.rs", "fault_24_errors_without_a_readable_body_are_classed_by_their_status"),
    (25, "tests/stories/faults/outages.rs", "fault_25_when_everything_is_down_tasks_fail_fast_and_burden_nobody"),
    (25, "tests/stories/faults/outages.rs", "fault_25_the_only_route_is_waited_for_and_comes_back"),
    (26, "tests/stories/faults/keys.rs", "fault_26_a_wrong_key_is_found_out_once_for_all_agents_and_those_of_other_keys_go_on"),
    (27, "tests/stories/faults/requests.rs", "fault_27_a_conversation_that_is_too_long_goes_to_a_model_that_reads_more"),
    (27, "tests/stories/faults/requests.rs", "fault_27_without_such_a_model_the_task_fails_with_the_sizes"),
    (28, "tests/stories/faults/requests.rs", "fault_28_a_parameter_that_a_model_refuses_is_left_out_by_all_later_tasks_with_a_warning"),
    (29, "tests/stories/failover.rs", "reasoning_that_the_server_does_not_take_back_is_left_out_once"),
    (30, "tests/stories/faults/requests.rs", "fault_30_a_model_that_is_retired_is_followed_by_the_next_of_the_chain_with_a_warning"),
    (31, "tests/stories/faults/memory.rs", "fault_31_a_request_that_is_too_large_is_never_sent_and_the_error_names_the_sizes"),
    (31, "tests/stories/faults/memory.rs", "fault_31_a_conversation_that_has_become_too_large_is_summed_up"),
    (31, "providers/src/http/body.rs", "a_request_is_measured_as_it_would_be_sent"),
    (32, "tests/stories/window.rs", "a_refusal_is_told_as_one"),
    (32, "providers/src/gemini/decode_tests.rs", "a_blocked_prompt_is_refused_with_its_category"),
    (33, "tests/stories/window.rs", "a_tool_call_that_the_output_limit_cut_is_asked_for_again_with_more_room"),
    (34, "tests/stories/web_search.rs", "a_paused_search_goes_on_where_it_was"),
    (34, "tests/stories/faults/pauses.rs", "fault_34_a_paused_turn_of_plain_chat_is_sent_back_as_it_is_until_it_ends"),
    (34, "tests/stories/faults/pauses.rs", "fault_34_a_turn_that_is_paused_again_and_again_ends_the_task"),
    (35, "tests/stories/faults/memory.rs", "fault_35_bombs_and_endless_answers_cost_less_than_a_hundred_megabytes"),
    (35, "providers/src/http/client_tests.rs", "a_compressed_reply_is_not_unpacked_and_a_compressed_error_has_its_status_alone"),
    (35, "providers/src/drive_tests.rs", "an_answer_that_nobody_could_have_written_is_not_kept"),
    (35, "providers/src/sse/events_tests.rs", "a_reply_of_many_events_is_bounded_as_a_whole"),
    (35, "providers/src/http/client_tests.rs", "a_document_above_the_limit_is_not_kept"),
    (36, "tests/stories/formats.rs", "a_redirect_is_not_followed_and_the_key_goes_nowhere"),
    (37, "tests/stories/faults/clocks.rs", "fault_37_an_hour_between_the_servers_clock_and_ours_makes_no_hint_longer_or_shorter"),
    (37, "tests/stories/faults/clocks.rs", "fault_37_a_clock_that_is_set_moves_no_deadline_and_no_wait"),
    (37, "tests/stories/faults/clocks.rs", "fault_37_a_task_whose_clock_is_set_stays_its_process_own_and_its_records_whole"),
    (37, "tests/stories/faults/clocks.rs", "fault_37_a_process_that_is_stopped_for_a_while_goes_on_where_it_was"),
    (37, "providers/src/drive_tests.rs", "fault_37_what_came_while_the_machine_stood_still_is_read_before_the_clock_is_looked_at"),
    (37, "runtime/src/store/lease.rs", "fault_37_a_clock_that_is_set_kills_nobody_on_this_machine_and_sleep_is_no_silence"),
    (38, "tests/stories/faults/throttling.rs", "fault_38_fifty_tasks_stay_below_sixty_requests_a_minute_and_use_nearly_all_of_them"),
    (39, "tests/stories/faults/throttling.rs", "fault_39_a_provider_that_wants_slower_growth_gets_half_the_rate_and_a_little_more_each_minute"),
    (40, "tests/stories/faults/outages.rs", "fault_40_tasks_on_a_fast_provider_do_not_feel_a_slow_one"),
    (41, "tests/stories/faults/outages.rs", "fault_41_a_thousand_tasks_at_once_lose_no_result_though_nobody_reads_their_events"),
    (61, "providers/src/anthropic/decode_tests.rs", "blocks_may_overlap_but_not_repeat_skip_or_continue_after_their_end"),
    (61, "providers/src/gemini/decode_tests.rs", "two_calls_with_the_same_id_are_a_protocol_error"),
    (61, "tests/stories/faults/wire.rs", "fault_61_events_that_come_twice_or_backwards_are_no_answer_where_the_format_numbers_them"),
    (62, "tests/stories/faults/answering.rs", "fault_62_another_model_that_answers_is_recorded_and_counted_at_its_own_price"),
    (62, "tests/stories/faults/answering.rs", "fault_62_a_model_that_nobody_knows_is_counted_as_the_one_asked_for_and_a_date_is_no_other_model"),
    (63, "tests/stories/faults/requests.rs", "fault_63_an_empty_answer_is_asked_for_once_more_and_then_told_as_empty"),
    (65, "tests/stories/faults/addresses.rs", "fault_65_a_server_that_has_only_an_ipv6_address_works_and_no_proxy_is_asked_for_it"),
    (65, "tests/stories/faults/addresses.rs", "fault_65_a_proxy_of_the_environment_is_used_but_not_for_what_no_proxy_names"),
    (65, "providers/src/http/client_tests.rs", "proxies_of_the_environment_are_used_but_never_for_this_machine"),
];

/// Faults of actors, tools, disks and files. Fault 53 holds for the audit trail and for the journal.
#[rustfmt::skip]
const MACHINE: &[Proof] = &[
    (42, "tests/stories/supervision.rs", "a_panic_in_a_tool_is_an_error_that_the_model_reads"),
    (43, "tests/stories/supervision.rs", "the_restart_budget_ends_in_crashed_with_the_panics_words_and_the_partial_text"),
    (43, "tests/stories/supervision.rs", "the_siblings_of_a_panicking_agent_are_untouched"),
    (44, "tests/stories/supervision.rs", "a_provider_actor_that_dies_again_and_again_is_given_up_and_said_so_without_a_busy_loop"),
    (45, "tools/src/builtin/process_tests.rs", "a_program_that_takes_too_long_is_ended_with_all_it_started_and_its_output_is_kept"),
    (45, "tests/stories/hostile.rs", "a29_nothing_that_a_command_has_started_outlives_a_cancelled_task"),
    (46, "tools/src/builtin/process_tests.rs", "a_program_is_asked_to_end_before_it_is_made_to"),
    (46, "tests/stories/faults/commands.rs", "fault_46_a_command_that_stops_itself_and_ignores_being_asked_dies_by_its_timeout"),
    (47, "tests/stories/faults/memory.rs", "fault_47_a_gigabyte_that_a_command_prints_is_drained_fast_and_not_kept"),
    (47, "tools/tests/output_memory.rs", "a_gigabyte_of_output_does_not_grow_the_process"),
    (47, "tools/src/builtin/head_tail.rs", "memory_does_not_grow_with_the_output"),
    (47, "tools/src/builtin/bash_tests.rs", "output_is_kept_from_both_ends"),
    (48, "tools/src/builtin/process_tests.rs", "standard_input_is_empty"),
    (49, "tests/stories/faults/commands.rs", "fault_49_whatever_bytes_a_command_prints_every_format_gets_valid_json_of_it"),
    (50, "tests/stories/cancellation.rs", "a_task_is_cancelled_between_two_tries"),
    (50, "tests/stories/cancellation.rs", "a_task_is_cancelled_in_a_tool_and_keeps_what_it_said_before"),
    (50, "tests/stories/cancellation.rs", "a_task_is_cancelled_in_a_model_call_and_keeps_what_has_arrived"),
    (50, "tests/stories/cancellation.rs", "a_task_is_cancelled_in_the_queue_before_anything_was_sent"),
    (50, "tests/stories/cancellation.rs", "a_task_is_cancelled_while_it_waits_for_a_permit"),
    (51, "tests/stories/faults/streams.rs", "fault_51_a_deadline_within_a_wait_between_two_tries_is_kept_to_the_moment"),
    (52, "tests/stories/kills.rs", "every_killed_run_comes_to_its_right_end"),
    (53, "cli/tests/runs/record.rs", "on_a_full_disk_a_call_with_effects_does_not_run_and_the_record_stays_whole"),
    (53, "tests/stories/faults/audit.rs", "fault_53_no_tool_runs_while_the_audit_trail_cannot_be_written_and_running_ones_end"),
    (53, "tests/stories/faults/audit.rs", "fault_53_a_trail_that_cannot_even_be_begun_lets_agents_speak_and_no_tool_run"),
    (53, "runtime/src/audit/writer_tests.rs", "what_a_full_disk_does_not_take_is_refused_and_the_gap_is_on_record"),
    (54, "runtime/src/store/store_tests.rs", "what_cannot_be_written_is_refused_until_the_task_ends_and_others_go_on"),
    (55, "tests/stories/faults/audit.rs", "fault_55_an_audit_file_that_is_deleted_or_replaced_is_noticed_and_verify_flags_it"),
    (55, "runtime/src/audit/writer_tests.rs", "a_file_that_is_deleted_replaced_cut_off_or_written_to_is_noticed_and_verify_says_so"),
    (56, "cli/tests/runs/descriptors.rs", "with_64_descriptors_sixty_tasks_queue_and_all_complete"),
    (57, "config/src/agent/frontmatter_tests.rs", "any_text_is_judged"),
    (57, "config/src/agent/registry_tests.rs", "what_cannot_be_read_is_listed_as_broken_and_changes_nothing_about_others"),
    (57, "config/src/agent/report_tests.rs", "a_deep_or_large_frontmatter_is_refused"),
    (58, "tests/stories/faults/agent_files.rs", "fault_58_ten_thousand_agent_files_cost_ten_times_what_a_thousand_do"),
    (58, "tests/stories/faults/agent_files.rs", "fault_58_ten_thousand_agent_files_are_all_loaded_and_a_parent_reads_a_bounded_list"),
    (59, "config/src/agent/registry_tests.rs", "circles_of_links_end_and_what_is_no_file_is_broken"),
    (60, "tests/stories/reload.rs", "a_changed_file_is_live_for_the_next_task_and_a_running_task_keeps_what_it_began_with"),
    (60, "tests/stories/faults/audit.rs", "fault_60_a_reload_during_a_run_shows_in_the_hashes_of_both_tasks"),
    (64, "tests/stories/hostile.rs", "a13_calls_of_tools_that_were_not_offered_are_errors_and_the_agent_does_not_go_on_for_ever"),
];

#[test]
fn every_fault_has_a_test() {
    let proven: BTreeSet<u8> = PROVIDERS.iter().chain(MACHINE).map(|(number, ..)| *number).collect();
    assert_eq!(proven.into_iter().collect::<Vec<_>>(), (1..=65).collect::<Vec<u8>>());
}

#[test]
fn every_test_of_the_matrix_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (number, file, test) in PROVIDERS.iter().chain(MACHINE) {
        let source = std::fs::read_to_string(root.join(file)).unwrap_or_default();
        assert!(source.contains(&format!("fn {test}(")), "fault {number}: {file} has no test {test}");
    }
}
