"""`osler label`: a task on a dataset becomes a labels folder."""

from pathlib import Path
from typing import Annotated, Any

import typer


def command(
    dataset: Annotated[Path, typer.Argument(help="Folder of a MEDS dataset.", show_default=False)],
    task: Annotated[
        str,
        typer.Argument(
            help="outcome, mortality or readmission; or a YAML file with `use` and the settings of the task.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the labels.", show_default=False)],
    column: Annotated[str | None, typer.Option(help="The declared outcome column (task outcome).")] = None,
    positive: Annotated[
        list[str] | None, typer.Option(help="Value that counts as the event (task outcome); may be repeated.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the task, in YAML; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Decide who is predicted, when, and what happened: samples, labels, sites, groups, attrition."""
    from osler.base.errors import InputError
    from osler.cli.summary import show_summary
    from osler.record.check import check_dataset
    from osler.record.dataset import open_dataset
    from osler.task.label import make_labels, parse_task

    values, where = _values(task)
    for entry in settings or []:
        key, equals, value = entry.partition("=")
        if not equals or not key:
            raise InputError(f"'{entry}' is no setting", where="--set", remedy="write --set key=value")
        values[key] = _yaml(value)
    if column is not None:
        values["column"] = column
    if positive:
        values["positive"] = list(positive)
    opened = open_dataset(dataset)
    check_dataset(opened)
    parsed = parse_task(values, where=where)
    labels = make_labels(opened, output, settings=parsed, name=parsed.use)
    excluded = labels.attrition.filter(
        (labels.attrition["step"] == "excluded") & (labels.attrition["n_samples"] > 0)
    )
    noted = labels.attrition.filter(
        (labels.attrition["step"] == "noted") & (labels.attrition["n_samples"] > 0)
    )
    show_summary(
        {
            "labels": str(output),
            "task": labels.name,
            "samples": labels.frame.height,
            "subjects": labels.frame["subject_id"].n_unique(),
            "events": labels.n_events,
            "prevalence": labels.n_events / labels.frame.height,
            "sites": labels.samples["site"].n_unique(),
            "groups": labels.groups,
            "excluded": dict(zip(excluded["reason"], excluded["n_samples"], strict=True)),
            "noted": dict(zip(noted["reason"], noted["n_samples"], strict=True)),
            "warnings": labels.task["warnings"],
        },
        as_json=as_json,
    )


def _values(task: str) -> tuple[dict[str, Any], str]:
    """Settings of the task as the first argument gives them, and what to call their place."""
    from osler.base.yaml_file import read_yaml

    if task.endswith((".yaml", ".yml")):
        return read_yaml(Path(task)), task
    return {"use": task}, "the task"


def _yaml(value: str) -> Any:
    import yaml

    from osler.base.errors import InputError

    try:
        return yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise InputError(f"'{value}' is not valid YAML", where="--set", remedy="quote the value") from error
