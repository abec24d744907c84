"""A prompt in, samples out. Importing this package does not import torch."""

from .base import (
    Canvas as Canvas,
    Engine as Engine,
    EngineInfo as EngineInfo,
    FinishReason as FinishReason,
    Message as Message,
    Passage as Passage,
    Pinned as Pinned,
    Sample as Sample,
    SampleRequest as SampleRequest,
    Slot as Slot,
    Source as Source,
)
from .errors import (
    ContextError as ContextError,
    EngineError as EngineError,
    LoadError as LoadError,
    RequestError as RequestError,
    TrainingError as TrainingError,
)
from .scripted import ScriptedEngine as ScriptedEngine
