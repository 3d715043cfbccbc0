"""A reason's parameters may have any names: what a gate or a rule found is passed on as it is."""

from classtap_core.kernel.outcomes import Reason, contested, reason, refused


def test_a_parameter_may_be_called_code() -> None:
    wanted = Reason("conflict.certification", {"code": "first-aid"})
    assert reason("conflict.certification", **wanted.params) == wanted
    assert refused("conflict.certification", **wanted.params).reasons == (wanted,)
    assert contested("conflict.certification", **wanted.params).reasons == (wanted,)
