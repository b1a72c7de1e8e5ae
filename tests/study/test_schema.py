"""Study files: wrong ones are refused with the key's path."""

from pathlib import Path

import pytest

from osler.base.errors import InputError
from osler.study.demo import demo_study
from osler.study.schema import DatasetFolder, read_study

GOOD = """
osler: 1
name: a
dataset: {path: data}
tasks: {death: {use: mortality}}
texts: {main: {}}
representations: {counts: {kind: counts}, st: {kind: statement, text: main, encoder: minilm}}
predict: {heads: [lr], compare_to: counts+lr}
"""


def _error(folder: Path, text: str) -> str:
    path = folder / "study.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_study(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_good_study_is_read_and_paths_start_at_the_file(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(GOOD)
    study = read_study(tmp_path / "study.yaml")
    assert isinstance(study.settings.dataset, DatasetFolder)
    assert study.resolve(study.settings.dataset.path) == tmp_path.resolve() / "data"


def test_a_relative_path_in_a_variable_starts_at_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "studies").mkdir()
    (tmp_path / "data" / "meds").mkdir(parents=True)
    (tmp_path / "studies" / "s.yaml").write_text(GOOD.replace("path: data", "path: '${OSLER_DATA}/meds'"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OSLER_DATA", "data")
    study = read_study(Path("studies/s.yaml"))
    assert isinstance(study.settings.dataset, DatasetFolder)
    assert study.resolve(study.settings.dataset.path) == tmp_path / "data" / "meds"


def test_the_seed_of_the_study_goes_to_every_block_without_one(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    random = GOOD.replace("name: a", "name: a\nseed: 7\nphenotype: {arms: [kmeans], k: [2, 3], seed: 3}")
    path.write_text(random.replace("{path: data}", "{simulate: {subjects: 50}}"))
    plain = read_study(path).settings.plain()
    assert plain["splits"]["seed"] == plain["predict"]["seed"] == plain["dataset"]["simulate"]["seed"] == 7
    assert plain["phenotype"]["seed"] == 3


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("osler: 1", "osler: 2", "osler: 2"),
        ("name: a", "name: a\nspeed: high", "speed: unknown key"),
        ("name: a", "name: ../a", "name: "),
        ("name: a", "name: a\nseed: high", "seed: "),
        ("{path: data}", "{folder: data}", "give `path`, or `format` and `source`, or `simulate`"),
        (
            "{path: data}",
            "{format: fihr, source: a, spec: b}",
            "there is no 'fihr' (allowed: table, omop, fhir",
        ),
        ("{path: data}", "{format: table, source: a}", "the format 'table' needs `spec`"),
        ("{path: data}", "{format: table, source: a, spec: b, limit: 3}", "takes no `timezone`, `limit`"),
        ("{path: data}", "{simulate: {subjects: many}}", "dataset.simulate.subjects: "),
        ("use: mortality", "use: magic", "tasks.death: use: no 'magic'"),
        ("use: mortality", "use: mortality, horizon: 3", "tasks.death.horizon: unknown key"),
        ("main: {}", "main: {style: haiku}", "texts.main.style"),
        ("main: {}", "main: {budget: -5}", "texts.main.budget"),
        ("text: main", "text: other", "representations.st.text: there is no text 'other' (allowed: main)"),
        ("kind: counts", "kind: dreams", "representations.counts: kind: no 'dreams'"),
        ("heads: [lr]", "heads: [oracle]", "predict.heads: unknown head 'oracle'"),
        ("compare_to: counts+lr", "compare_to: x+lr", "predict.compare_to: there is no model 'x+lr'"),
        ("{counts: {", "{variables: {", "representations.variables: the name is reserved"),
        ("{counts: {", "{Compare: {", "reserved: variables, compare"),
        ("predict:", "phenotype: {compare: {draws: 10}}\npredict:", "phenotype.compare.draws: "),
        ("predict:", "generalize: {groups: [site]}\npredict:", "generalize: unknown key"),
    ],
)
def test_wrong_studies_are_refused_with_the_key_path(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in GOOD
    assert expected in _error(tmp_path, GOOD.replace(old, new, 1))


def test_the_examples_are_studies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OSLER_DATA", str(tmp_path))
    examples = Path(__file__).parents[2] / "examples"
    studies = {path.stem: read_study(path) for path in examples.glob("*.yaml")}
    assert {"pediatric_sepsis", "simulated"} <= studies.keys()
    assert read_study(examples / "simulated.yaml").settings == demo_study().settings


def test_the_environment_of_a_run_names_no_person_host_or_folder() -> None:
    import getpass
    import socket

    from osler.base.hashing import canonical_json
    from osler.study.environment import environment

    told = canonical_json(environment())
    assert socket.gethostname() not in told
    assert str(Path.home()) not in told
    assert f'"{getpass.getuser()}"' not in told


def test_an_unknown_encoder_is_refused_before_the_first_step(tmp_path: Path) -> None:
    from osler.study.run import run_study

    (tmp_path / "study.yaml").write_text(GOOD.replace("encoder: minilm", "encoder: oracle"))
    with pytest.raises(InputError, match="oracle"):
        run_study(read_study(tmp_path / "study.yaml"), tmp_path / "out")
    assert not list(tmp_path.glob("out/labels"))
