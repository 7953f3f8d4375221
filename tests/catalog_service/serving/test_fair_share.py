"""What one caller takes from others, however many names there are."""

import pytest

from catalog_service.errors import Exhausted
from catalog_service.serving.access import AccessFile
from catalog_service.serving.call import Call
from catalog_service.serving.doors import FairShare
from catalog_service.serving.limits import Pool
from catalog_service.serving.principals import Principal
from tests.fakes.in_loop import in_loop


@in_loop
async def test_a_crowd_of_names_does_not_give_a_caller_its_rate_back(tmp_path):
    """Whoever may name subjects could else have everybody forgotten, also who has used all up."""
    path = tmp_path / "access.toml"
    path.write_text('[[caller]]\nname = "jwt:*"\nroles = ["viewer"]\ncalls_per_second = 0.01\n')
    share = FairShare(AccessFile(path), max_remembered=3, clock=lambda: 0.0)
    await called_by(share, "jwt:ann")

    for number in range(10):
        await called_by(share, f"jwt:{number}")
        with pytest.raises(Exhausted):
            await called_by(share, "jwt:ann")
    with pytest.raises(Exhausted):
        await called_by(share, "jwt:9")


async def called_by(share: FairShare, name: str) -> None:
    call = Call(
        method="/vertebra.diagnostics.v1.PathService/Echo",
        is_stream=False,
        pool=Pool.UNARY,
        metadata={},
        context=None,
        principal=Principal(name=name),
    )
    async with share.around(call):
        pass
