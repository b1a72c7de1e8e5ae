"""The official files that can be fetched from www.cms.gov, with their checksums.

CMS publishes no checksums. A checksum stands here only where it was found out in two independent ways:

- `icd9cm-32` and `icd10cm-2018`: computed from copies that a public repository downloaded in October 2018,
  and equal to what other repositories recorded of their own downloads in 2026 (two of the first, one of the
  second).
- `icd10cm-2021` and `icd10cm-2027`: recorded by independent public repositories of their own downloads in
  2026 (two of 2021, three of 2027), all equal.
- `icd10pcs-2018`: computed from a copy downloaded together with the first two.

`icd10pcs-2027` has none: the checksum of its first download is kept in `vocabulary.lock.json`.
"""

from dataclasses import dataclass

from osler.base.errors import InputError

HOST = "www.cms.gov"
_FILES = f"https://{HOST}/files/zip/"
_OLDER = f"https://{HOST}/medicare/coding/"


@dataclass(frozen=True)
class Download:
    """A zip archive of CMS.

    Attributes:
        name: what the user calls it.
        url: where it is.
        sha256: of the archive; None where no independent one is known.
        members: names of the files taken out of it, without their folders; `*` stands for anything.
    """

    name: str
    url: str
    sha256: str | None
    members: tuple[str, ...]


_DOWNLOADS = (
    Download(
        name="icd10cm-2027",
        url=_FILES + "2027-code-descriptions-tabular-order.zip",
        sha256="91c6c9d1117764ce72375a0f3a5493b1725dafbc1ab283b55799076c9e194965",
        members=("icd10cm_order_2027.txt",),
    ),
    Download(
        name="icd10cm-2021",
        url=_FILES + "2021-code-descriptions-tabular-order-updated-12162020.zip",
        sha256="479be4d5773fb2e8357c5edb8a56bbd48da4d2bca443a7c42527ad102e3b388c",
        members=("icd10cm_order_2021.txt",),
    ),
    Download(
        name="icd10cm-2018",
        url=_OLDER + "icd10/downloads/2018-icd-10-code-descriptions.zip",
        sha256="d4954a3fa02e0bfbecb10b20864198dfa50862ded93f2d9d7313e9fe07ef0dfc",
        members=("icd10cm_order_2018.txt",),
    ),
    Download(
        name="icd9cm-32",
        url=_OLDER + "icd9providerdiagnosticcodes/downloads/icd-9-cm-v32-master-descriptions.zip",
        sha256="45a7d05ddcadf124af88375b64cdf068bb1e3f999ce7fdacb91f65f4e6d55f08",
        members=("CMS32_DESC_LONG_DX.txt", "CMS32_DESC_LONG_SG.txt"),
    ),
    Download(
        name="icd10pcs-2027",
        url=_FILES + "2027-icd-10-pcs-order-file-long-abbreviated-titles.zip",
        sha256=None,
        members=("*order_2027.txt",),
    ),
    Download(
        name="icd10pcs-2018",
        url=_OLDER + "icd10/downloads/2018-icd-10-pcs-codes-file.zip",
        sha256="c0a4cf2d37a58c99d8da495bbb2038a586ca46c673c3901e5c972e794c0d53d0",
        members=("icd10pcs_codes_2018.txt",),
    ),
)
# A vocabulary is its present release and older ones, which hold the codes that were retired since.
_VOCABULARIES = ("icd10cm", "icd9cm", "icd10pcs")
DEFAULT = ("icd10cm", "icd9cm")


def downloads_of(names: tuple[str, ...]) -> list[Download]:
    """The downloads that names mean, each once.

    Args:
        names: vocabularies (`icd10cm`, `icd9cm`, `icd10pcs`) or single downloads (`icd10cm-2021`).

    Raises:
        InputError: a name that means nothing.

    Examples:
        >>> [download.name for download in downloads_of(("icd9cm", "icd10cm-2021"))]
        ['icd10cm-2021', 'icd9cm-32']
    """
    allowed = [*_VOCABULARIES, *(download.name for download in _DOWNLOADS)]
    unknown = [name for name in names if name not in allowed]
    if unknown:
        raise InputError(f"nothing to fetch is called '{unknown[0]}'", allowed=allowed, remedy="name these")
    return [d for d in _DOWNLOADS if d.name in names or d.name.rpartition("-")[0] in names]
