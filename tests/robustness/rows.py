"""What services meet beyond one machine: 28 faults, and the tests that bring each about.

`make rows` runs them all and prints a line a row with what its tests counted: see `counting.py`.
"""

from dataclasses import dataclass

RESTARTS = "tests/robustness/test_rolling_restarts.py"
DROPPED = "tests/robustness/test_dropped_calls.py"
WATCHERS = "tests/robustness/test_many_watchers.py"
ENVOY = "tests/end_to_end/test_through_envoy.py"
STREAMS = "tests/end_to_end/test_streams.py"
SERVING = "tests/catalog_service/serving"
TRAINER_API = "tests/trainer_service/api"
BROKEN_WAYS = "tests/clients/python/test_broken_ways.py"
BLOB_CLIENT = "tests/clients/python/test_blob_client.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A fault, and the tests that show what becomes of it."""

    number: int
    fault: str
    tests: tuple[str, ...]
    """Node ids without parameters; each takes the fixture `counted`."""


def plain_id(node_id: str) -> str:
    """Return a node id without its parameters."""
    return node_id.partition("[")[0]


def _row(number: int, fault: str, *tests: str) -> Row:
    return Row(number=number, fault=fault, tests=tests)


ROWS = (
    _row(
        1,
        "kill -9 while bytes are read",
        f"{RESTARTS}::test_a_download_survives_kills_at_random_bytes",
        f"{STREAMS}::test_a_stream_cut_at_20_random_points_is_resumed_and_little_comes_twice",
    ),
    _row(
        2,
        "kill -9 while a job is watched",
        "tests/end_to_end/test_killed_server.py::test_a_job_outlives_the_server_that_started_it",
        f"{RESTARTS}::test_a_trainer_that_crashes_makes_one_job_of_each_request",
    ),
    _row(
        3,
        "cut, reset, silent and slow networks",
        f"{BROKEN_WAYS}::test_a_hundred_disconnects_lose_and_repeat_nothing",
        f"{BROKEN_WAYS}::test_a_slow_way_is_no_broken_way",
        f"{BROKEN_WAYS}::test_a_half_open_connection_is_found_by_its_pings",
    ),
    _row(
        4,
        "streams that Envoy ends",
        f"{ENVOY}::test_a_watch_goes_on_however_envoy_ends_its_streams",
        "tests/mesh/test_streams.py::test_the_gateway_cuts_no_stream",
    ),
    _row(
        5,
        "calls that a mesh repeats",
        f"{ENVOY}::test_a_create_that_is_repeated_on_the_way_makes_one_job",
        f"{ENVOY}::test_every_call_that_changes_a_job_counts_once",
    ),
    _row(
        6,
        "events that are read late",
        f"{TRAINER_API}/test_event_feed.py::"
        "test_a_change_while_a_read_is_under_way_is_read_after_it",
        f"{TRAINER_API}/test_watch.py::test_many_watchers_see_the_same_whole_log_while_it_grows",
    ),
    _row(
        7,
        "a cursor behind what is kept",
        f"{TRAINER_API}/test_watch.py::test_a_cursor_behind_what_is_kept_is_told_where_to_go_on",
        f"{TRAINER_API}/test_event_feed.py::"
        "test_a_reader_whose_next_event_is_not_kept_any_more_is_told",
    ),
    _row(
        8,
        "readers that take nothing",
        f"{SERVING}/test_health.py::"
        "test_a_watcher_that_reads_nothing_delays_neither_status_nor_others_nor_shutdown",
        f"{SERVING}/test_blob_servicer.py::"
        "test_a_reader_that_takes_nothing_leaves_the_server_free_for_others",
        f"{SERVING}/test_options.py::test_an_old_connection_is_cut_even_under_a_stalled_reader",
        f"{TRAINER_API}/test_load.py::test_a_reader_that_stops_costs_little_and_nobody_else_waits",
    ),
    _row(
        9,
        "a burst of calls",
        f"{TRAINER_API}/test_load.py::"
        "test_calls_beyond_the_limit_are_refused_with_a_time_to_come_back",
        f"{TRAINER_API}/test_load.py::"
        "test_five_thousand_calls_at_once_are_answered_or_refused_with_a_time",
        f"{SERVING}/test_options.py::test_a_burst_of_1600_calls_is_served",
    ),
    _row(
        10,
        "pings on silent streams",
        f"{SERVING}/test_options.py::test_a_client_that_pings_slower_than_the_interval_is_left_alone",
        f"{SERVING}/test_options.py::"
        "test_a_client_that_pings_faster_than_the_interval_is_sent_away",
    ),
    _row(
        11,
        "rolling restarts",
        f"{RESTARTS}::test_a_catalog_is_restarted_and_no_call_fails",
        f"{RESTARTS}::test_a_trainer_is_restarted_and_no_call_fails_and_every_stream_goes_on",
    ),
    _row(
        12,
        "the same request at once, and a changed one",
        f"{TRAINER_API}/test_create.py::test_twenty_creations_at_once_make_one_job",
        f"{TRAINER_API}/test_create.py::test_a_request_id_with_another_spec_is_refused",
    ),
    _row(
        13,
        "a crash between effect and answer",
        f"{RESTARTS}::test_a_trainer_that_crashes_makes_one_job_of_each_request",
        "tests/catalog_service/resolve/test_registering_killed.py::"
        "test_a_registration_killed_anywhere_leaves_nothing_half_done",
    ),
    _row(
        14,
        "a server that dies while a job trains",
        "tests/end_to_end/test_killed_server.py::test_a_job_outlives_the_server_that_started_it",
    ),
    _row(
        15,
        "a disk that fills up",
        "tests/catalog_service/weights/downloads/test_refused_disks.py::"
        "test_a_disk_that_fills_up_meanwhile_says_what_is_missing",
    ),
    _row(
        16,
        "bytes that changed",
        "tests/catalog_service/api/test_bit_flip.py::"
        "test_a_flipped_bit_is_found_put_away_and_had_again",
        f"{SERVING}/test_blob_servicer.py::test_bytes_that_changed_on_the_disk_are_not_sent",
    ),
    _row(
        17,
        "servers that lie",
        f"{BLOB_CLIENT}::test_a_lying_server_is_refused_and_the_target_stays",
    ),
    _row(
        18,
        "certificates that change and wrong ones",
        f"{SERVING}/test_certificates.py::"
        "test_no_connection_fails_while_certificates_change_all_the_time",
        f"{SERVING}/test_certificates.py::"
        "test_a_server_that_asks_for_certificates_takes_its_authority_s_alone",
        f"{SERVING}/test_certificates.py::test_a_server_with_a_wrong_certificate_is_refused",
    ),
    _row(
        19,
        "tokens that are none",
        f"{SERVING}/test_tokens.py::test_no_signature_is_none",
        f"{SERVING}/test_tokens.py::test_claims_that_are_not_right_are_refused_in_words",
        f"{SERVING}/test_jwks.py::test_a_flood_of_unknown_key_ids_asks_once_a_minute",
        f"{TRAINER_API}/test_watch.py::test_a_stream_ends_with_the_token_that_opened_it",
    ),
    _row(
        20,
        "every rpc in every role",
        "tests/contract/test_permissions.py::test_every_rpc_lets_a_role_in_as_the_table_says",
    ),
    _row(
        21,
        "requests that are malformed or large",
        "tests/contract/test_malformed_requests.py::"
        "test_a_malformed_request_ends_with_a_status_of_the_contract",
        "tests/contract/test_malformed_requests.py::"
        "test_thousands_of_malformed_requests_end_with_a_status_of_the_contract",
        "tests/contract/test_malformed_requests.py::test_what_was_malformed_is_not_kept",
        "tests/contract/test_random_requests.py::"
        "test_random_jobs_are_planned_or_refused_with_a_reason",
        f"{SERVING}/test_options.py::"
        "test_a_request_up_to_4_mib_is_taken_and_a_larger_one_is_refused_by_its_size",
        f"{SERVING}/test_options.py::test_metadata_beyond_16_kib_is_refused_and_7_kib_are_taken",
    ),
    _row(
        22,
        "an error with 400 violations",
        f"{SERVING}/test_interceptors.py::test_400_violations_still_arrive_as_invalid_argument",
    ),
    _row(
        23,
        "calls that are dropped at any moment",
        f"{DROPPED}::test_dropped_calls_leave_nothing_in_a_catalog",
        f"{DROPPED}::test_dropped_watches_leave_nothing_in_a_trainer",
    ),
    _row(
        24,
        "very many watchers",
        f"{WATCHERS}::test_a_watcher_costs_little_memory_and_loses_no_event",
    ),
    _row(
        25,
        "what other releases wrote",
        "tests/contract/test_golden_samples.py::test_what_any_release_wrote_is_still_read",
    ),
    _row(
        26,
        "one answer in every dialect",
        "tests/mesh/test_gateway.py::test_every_dialect_says_what_grpc_says",
    ),
    _row(
        27,
        "what load costs",
        "tests/benchmarks/test_benchmarks.py::"
        "test_a_benchmark_returns_positive_numbers_for_both_sides",
    ),
    _row(
        28,
        "a holder of a job that stands still",
        "tests/trainer_service/supervisor/test_two_hosts.py::"
        "test_a_host_that_falls_silent_loses_its_job_to_another_and_cannot_write_any_more",
        "tests/end_to_end/test_two_trainers.py::"
        "test_a_frozen_trainer_loses_its_job_and_its_worker_saves_and_goes",
    ),
)
