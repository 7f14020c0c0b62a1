"""Words of lines that count things."""


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 recording`` or ``2 recordings``; `many` is `one` with an s where it is not given."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"
