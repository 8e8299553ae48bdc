"Backends: one small file each, in a registry."

from diffulex_edge.backends import coreml_backend, qnn_backend, vulkan_backend, xnnpack_backend  # noqa: F401  enters itself
from diffulex_edge.backends.base import (
    BACKENDS,
    Backend,
    Lowering,
    describe_backends,
    find_backend,
    plan_lowering,
    register,
)
