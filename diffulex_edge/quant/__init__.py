"Quantization: schemes and caches are small files, in a registry."

from diffulex_edge.quant import kv_cache, smooth, static, streaming  # noqa: F401  enter themselves
from diffulex_edge.quant.observers import Statistics, calibrate
from diffulex_edge.quant.quantizer import quantize
from diffulex_edge.quant.schemes import EMBEDDINGS, SCHEMES, Quantization
