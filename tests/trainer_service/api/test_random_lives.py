"""Any sequence of calls leaves jobs as the contract says: legal moves, final ends, one effect."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.trainer_service.api.life_machine import Lives


def lives(num_sequences: int, num_steps: int) -> settings:
    return settings(
        max_examples=num_sequences,
        stateful_step_count=num_steps,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )


def test_a_few_random_sequences_of_calls_keep_to_the_contract(trainer):
    run_state_machine_as_test(lambda: Lives(trainer), settings=lives(8, 30))


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_a_thousand_random_sequences_of_calls_keep_to_the_contract(trainer):
    run_state_machine_as_test(lambda: Lives(trainer), settings=lives(1000, 20))
