"Lowering a model to a `.pte`."

from diffulex_edge.export.config import BackendType, ExportConfig, ExportResult, QuantizationType
from diffulex_edge.export.exporter import export_model
