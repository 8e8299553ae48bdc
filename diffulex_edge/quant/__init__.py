"Quantization."
from diffulex_edge.quant.quantizer import EMBEDDINGS, SCHEMES, Quantization, quantize
