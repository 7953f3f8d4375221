"""Where a rank stands is read from torchrun's variables, whole or not at all."""

import socket

import pytest

from catalog_service.errors import InvalidRequest
from trainer_service.rank_place import RANK_VARIABLES, RankPlace, first_place


def test_an_environment_without_a_rank_names_no_place() -> None:
    assert RankPlace.from_environment({"WORLD_SIZE": "2"}) is None


def test_what_a_place_writes_into_an_environment_is_read_again() -> None:
    place = RankPlace(
        rank=3, local_rank=1, num_ranks=4, master_address="10.0.0.7", master_port=29500
    )

    assert RankPlace.from_environment(place.environment()) == place
    assert set(place.environment()) == set(RANK_VARIABLES)


@pytest.mark.parametrize("changed", [{"WORLD_SIZE": "two"}, {"MASTER_PORT": ""}])
def test_half_a_place_is_refused_with_what_is_there(changed: dict[str, str]) -> None:
    place = RankPlace(rank=0, local_rank=0, num_ranks=2, master_address="h", master_port=1)

    with pytest.raises(InvalidRequest, match="set all of RANK, LOCAL_RANK, WORLD_SIZE"):
        RankPlace.from_environment({**place.environment(), **changed})


def test_the_first_rank_listens_before_anybody_comes_and_to_this_host_alone() -> None:
    place = first_place(3)

    with socket.socket(fileno=place.listener) as listener:
        address = listener.getsockname()
        socket.create_connection((place.master_address, place.master_port), timeout=60).close()

    assert address == ("127.0.0.1", place.master_port)
    assert place.of_rank(2).environment()["RANK"] == "2"
    assert place.of_rank(2).listener == -1
