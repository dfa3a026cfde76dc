"""Reports: pages and charts drawn from a run's record; the only home of jinja2."""

from striate.report.compare import compare_page
from striate.report.notebook import summary_html
from striate.report.page import run_page

__all__ = ["compare_page", "run_page", "summary_html"]
