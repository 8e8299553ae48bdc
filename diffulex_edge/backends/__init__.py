"Backends: one small file each, in a registry."

# Each enters itself; tables show them in this order, the one that runs here first.
# isort: off
from diffulex_edge.backends import xnnpack_backend  # noqa: F401
from diffulex_edge.backends import coreml_backend, qnn_backend, vulkan_backend  # noqa: F401

# isort: on
from diffulex_edge.backends.base import (
    BACKENDS,
    Backend,
    Lowering,
    describe_backends,
    find_backend,
    plan_lowering,
    register,
)
