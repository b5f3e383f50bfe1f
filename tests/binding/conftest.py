"""The bundled body and the field around it, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lhm_avatars.engine.avatar.binding import Binding, dense
from lhm_avatars.engine.avatar.body import JOINT_COUNT, Body, bundled_body
from lhm_avatars.engine.binding.field import WeightField, weight_field
from lhm_avatars.engine.binding.surface import Surface, body_surface

if TYPE_CHECKING:
    from numpy.typing import NDArray


@pytest.fixture(scope="session")
def body() -> Body:
    return bundled_body()


@pytest.fixture(scope="session")
def joints(body: Body) -> NDArray[np.float64]:
    return body.joints(np.zeros(10)).astype(np.float64)


@pytest.fixture(scope="session")
def surface(body: Body) -> Surface:
    return body_surface(body, body.shaped(np.zeros(10)))


@pytest.fixture(scope="session")
def field(surface: Surface) -> WeightField:
    return weight_field(surface)


@pytest.fixture(scope="session")
def vertex_weights(body: Body) -> Any:
    """One column per joint. [V, 55]"""
    return dense(Binding(body.joint_indices, body.joint_weights), JOINT_COUNT)
