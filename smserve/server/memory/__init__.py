"""Memory: what a server will take, told before anything is loaded, and what there is."""

from smserve.server.memory.limit import MemoryLimit, memory_limit
from smserve.server.memory.predict import predict_memory
from smserve.server.memory.prediction import MemoryPart, MemoryPrediction, check_memory
from smserve.server.memory.report import MemoryReport

__all__ = [
    "MemoryLimit",
    "MemoryPart",
    "MemoryPrediction",
    "MemoryReport",
    "check_memory",
    "memory_limit",
    "predict_memory",
]
