"""The content of `markdown` as one JSON object: a list of statements per section."""

from dataclasses import replace

from osler.statements.spec import Glue
from osler.statements.styles.markdown import STYLE as MARKDOWN

STYLE = replace(
    MARKDOWN,
    name="json",
    summary="the content of markdown as one JSON object",
    language="json",
    glue=Glue(
        open="{\n",
        close="\n}",
        section_open='"{heading}": [\n',
        section_close="\n]",
        section_join=",\n",
        between=",\n",
        empty="{}",
    ),
)
