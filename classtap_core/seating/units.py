"""Micrometres as people write them. A foot is 0.3048 m exactly (ruling 11), so nothing drifts by being shown."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.model import FAR_UM, Unit

UM_PER = {Unit.METRE: 1_000_000, Unit.FOOT: 304_800}


def shown(length_um: int, unit: Unit, *, places: int = 2) -> str:
    """A length with so many places after the point, such as `3.05`; half a last place goes to the even one."""
    value = Decimal(length_um) / UM_PER[unit]
    return str(value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN))


def entered(text: str, unit: Unit) -> int:
    """What somebody typed as whole micrometres; comma or point. Raises BadInput `length.not_a_number`."""
    try:
        value = Decimal(text.strip().replace(",", "."))
        if value.is_finite() and value.adjusted() > 9:
            raise BadInput("length.too_far", text=text)
        length_um = int((value * UM_PER[unit]).to_integral_value(ROUND_HALF_EVEN))
    except (InvalidOperation, OverflowError, ValueError) as error:
        raise BadInput("length.not_a_number", text=text) from error
    if abs(length_um) > FAR_UM:
        raise BadInput("length.too_far", text=text)
    return length_um


def reentered(text: str, length_um: int, unit: Unit) -> int:
    """What a form holds after it was left: the stored length, unless somebody changed what was shown of it."""
    return length_um if text.strip() == shown(length_um, unit) else entered(text, unit)
