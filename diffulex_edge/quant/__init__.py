"Quantization."

from diffulex_edge.quant.observers import Statistics, calibrate
from diffulex_edge.quant.quantizer import EMBEDDINGS, SCHEMES, Quantization, quantize
