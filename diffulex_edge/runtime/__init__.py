"Decoding: the step, the settings, the loops, the engines, the trace."

from diffulex_edge.runtime.answers import Generation, StopGeneration, Update
from diffulex_edge.runtime.config import DiffusionGenerationConfig, configure
from diffulex_edge.runtime.diffusion import DiffusionEngine
from diffulex_edge.runtime.engine import GenerationConfig, InferenceEngine
from diffulex_edge.runtime.evaluation import nelbo
from diffulex_edge.runtime.examinee import lm_eval_model
from diffulex_edge.runtime.facts import ModelInfo
from diffulex_edge.runtime.infilling import Gap, fill
from diffulex_edge.runtime.step import EagerSession, Prediction, Session
from diffulex_edge.runtime.step_record import StepRecord
from diffulex_edge.runtime.trace import Trace
