"""Set-up of the project: from a bare machine to a complete, checked ``.venv`` (``make setup``).

Plain Python 3.11 standard library, since it runs before anything is installed. Everything it brings lies under the
project folder: uv in ``.tools``, uv's cache and the log in ``.cache``, the packages and their byte-code in ``.venv``.
"""
