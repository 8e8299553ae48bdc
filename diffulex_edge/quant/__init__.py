"Quantization: schemes and caches are small files, in a registry."

# These enter themselves.
from diffulex_edge.quant import kv_cache, rotating, smooth, static, streaming  # noqa: F401
from diffulex_edge.quant.observers import Statistics, calibrate
from diffulex_edge.quant.quantizer import quantize
from diffulex_edge.quant.schemes import EMBEDDINGS, SCHEMES, Quantization
