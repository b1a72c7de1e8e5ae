"""A group of commands. Help is plain text: drawing it takes longer than all the rest."""

import typer


def group(help_text: str) -> typer.Typer:
    """An empty group of commands.

    Args:
        help_text: one sentence.
    """
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
