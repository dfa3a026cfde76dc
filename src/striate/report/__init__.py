"""Reports: pages and charts drawn from a run's record; the only home of jinja2."""

from striate.report.animation import MOST_FRAMES, step_gif, step_page
from striate.report.compare import compare_page
from striate.report.kernels import kernel_picture
from striate.report.layers import layers_html, layers_page
from striate.report.notebook import summary_html
from striate.report.page import run_page
from striate.report.rate import rate_page, rate_svg
from striate.report.responses import response_picture, scale_for
from striate.report.step import step_svg

__all__ = [
    "MOST_FRAMES",
    "compare_page",
    "kernel_picture",
    "layers_html",
    "layers_page",
    "rate_page",
    "rate_svg",
    "response_picture",
    "run_page",
    "scale_for",
    "step_gif",
    "step_page",
    "step_svg",
    "summary_html",
]
