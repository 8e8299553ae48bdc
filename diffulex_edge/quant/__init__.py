"Quantization."
from diffulex_edge.quant.quantizer import QUANTIZATIONS, quantize
