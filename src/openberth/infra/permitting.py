"""How a use case declares who may run it, checked against the caller of its unit whatever route led there.

Four marks, and every public function that takes a ``Unit`` carries exactly one (a test walks them all): ``needs``
names the permission; ``by_itself`` is for what an account does to itself; ``by_construction`` for what only devices,
channels, jobs and the system do; ``inner`` for steps of other use cases, which have declared it already. So a forgotten
route cannot open a gate.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from openberth.infra.database import Reader
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Denied

P = ParamSpec("P")
R = TypeVar("R", bound=Reader)
T = TypeVar("T")
UseCase = Callable[Concatenate[R, P], T]

BY_CONSTRUCTION, BY_ITSELF, INNER = "by construction", "by itself", "inner"
_MARK = "__permission__"


def require(caller: Caller, word: str) -> None:
    """Refuse a caller without a permission. Raises ``Denied("auth.denied")``."""
    if not caller.may(word):
        raise Denied("auth.denied", permission=word)


def require_whole(caller: Caller) -> None:
    """Refuse whoever acts for a part of the installation where the whole is meant. Raises ``Denied``."""
    if not caller.scope.is_everything:
        raise Denied("auth.out_of_scope")


def needs(word: str, *others: str) -> Callable[[UseCase[R, P, T]], UseCase[R, P, T]]:
    """Declare the permission of a use case: a caller without it gets ``Denied("auth.denied")`` and nothing happens.

    What several deeds lead to names them all: one of their permissions is enough.
    """

    def declared(use_case: UseCase[R, P, T]) -> UseCase[R, P, T]:
        @wraps(use_case)
        def checked(unit: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
            if not any(map(unit.caller.may, others)):
                require(unit.caller, word)
            return use_case(unit, *args, **kwargs)

        return _marked(checked, " ".join((word, *others)))

    return declared


def by_construction(use_case: UseCase[R, P, T]) -> UseCase[R, P, T]:
    """Declare that no permission is enough: people and integrators get ``Denied("auth.denied")``."""

    @wraps(use_case)
    def checked(unit: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if unit.caller.permissions is not None:
            raise Denied("auth.denied", permission="-")
        return use_case(unit, *args, **kwargs)

    return _marked(checked, BY_CONSTRUCTION)


def by_itself(use_case: UseCase[R, P, T]) -> UseCase[R, P, T]:
    """Declare that an account does this to itself: its keyword ``account`` is the caller, or it is ``Denied``."""

    @wraps(use_case)
    def checked(unit: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if unit.caller.actor.name != str(kwargs["account"]):
            raise Denied("auth.denied", permission="-")
        return use_case(unit, *args, **kwargs)

    return _marked(checked, BY_ITSELF)


def inner(use_case: UseCase[R, P, T]) -> UseCase[R, P, T]:
    """Declare that a function is a step of use cases that have declared their permission."""
    return _marked(use_case, INNER)


def permission_of(use_case: object) -> str | None:
    """Return what a function declared: permissions beside blanks, one of the other marks, or None for nothing."""
    found = getattr(use_case, _MARK, None)
    return found if isinstance(found, str) else None


def _marked(use_case: UseCase[R, P, T], mark: str) -> UseCase[R, P, T]:
    setattr(use_case, _MARK, mark)
    return use_case
