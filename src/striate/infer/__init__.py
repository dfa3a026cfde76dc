"""Running a network forward: scores of many images, precision and memory of the process."""

from striate.infer.allocator import keep_large_blocks
from striate.infer.blame import blamed
from striate.infer.outputs import class_count, predictions, scores_of, widened
from striate.infer.precision import autocast, bfloat16_is_native, choose_precision
from striate.infer.predict import evaluating, kept_modes, predict_scores, run_batches

__all__ = [
    "autocast",
    "bfloat16_is_native",
    "blamed",
    "choose_precision",
    "class_count",
    "evaluating",
    "keep_large_blocks",
    "kept_modes",
    "predict_scores",
    "predictions",
    "run_batches",
    "scores_of",
    "widened",
]
