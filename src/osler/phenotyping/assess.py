"""What is known of the partitions of one arm beside the clusters: how far they come back, and a verdict on them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from osler.measure.stability import Stability
from osler.phenotyping.arms import Arm
from osler.phenotyping.data import ArmInput
from osler.phenotyping.evidence import evidence, input_reference, reference_separations
from osler.phenotyping.exemplars import assign_by_exemplars, pick_exemplars
from osler.phenotyping.gates import Verdict, cluster_verdicts
from osler.phenotyping.partition import Array, Partition
from osler.phenotyping.repeat import bootstraps, strengths
from osler.phenotyping.separation import table_coordinates
from osler.phenotyping.settings import PhenotypeSettings
from osler.phenotyping.spaces import FittedSpace
