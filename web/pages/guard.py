"""Which pages an administrator alone may use."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import abort
from flask_login import current_user


def administrators(view: Callable[..., Any]) -> Callable[..., Any]:
    """403 for everybody else."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not current_user.is_administrator:
            abort(403)
        return view(*args, **kwargs)

    return guarded
