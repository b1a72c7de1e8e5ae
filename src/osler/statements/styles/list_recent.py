"""The list of latest values, newest first.

Source: "Large language models are powerful EHR encoders" (npj Digit Med 2026), the final serialization.
"""

from osler.statements.spec import Style

STYLE = Style(name="list-recent", summary="one line per code, its latest value, newest first")
