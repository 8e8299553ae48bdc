"The one decoder, its families, and the checkpoint loader."

from diffulex_edge.model.a2d_edge import A2DEdge, A2DEdgeConfig
from diffulex_edge.model.config import DecoderConfig
from diffulex_edge.model.decoder import Decoder
from diffulex_edge.model.dream_edge import DreamEdge, DreamEdgeConfig
from diffulex_edge.model.families import FAMILIES
from diffulex_edge.model.fast_dllm_v2_edge import FastdLLMV2Edge, FastdLLMV2EdgeConfig
from diffulex_edge.model.illada_edge import ILLaDAEdge, ILLaDAEdgeConfig
from diffulex_edge.model.kv_cache import KVCache, KVCacheConfig
from diffulex_edge.model.llada_edge import LLaDAEdge, LLaDAEdgeConfig
from diffulex_edge.model.llama_edge import LlamaEdge, LlamaEdgeConfig
from diffulex_edge.model.loading import load_model
from diffulex_edge.model.qwen_edge import QwenEdge, QwenEdgeConfig
from diffulex_edge.model.sdar_edge import SDAREdge, SDAREdgeConfig
from diffulex_edge.model.stable_diffcoder_edge import (
    StableDiffCoderEdge,
    StableDiffCoderEdgeConfig,
)
