"""A run's results as offline HTML: one file a page, no script, nothing fetched. `writing.write_pages`."""

from pipeline.pages.writing import write_pages

__all__ = ["write_pages"]
