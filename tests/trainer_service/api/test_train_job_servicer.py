"""Which rpcs there are."""

from trainer_service.api.train_job_servicer import SERVICE, train_job_methods


def test_every_rpc_of_the_contract_has_a_method_and_no_other(trainer):
    methods = train_job_methods(trainer.rooms)

    assert set(methods) == {method.name for method in SERVICE.methods}
