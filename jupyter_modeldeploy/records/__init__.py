"""The nouns: models and their versions, datasets, jobs, services, experiments.

Every door, the API, the store and the workers exchange these records; they hold no behaviour beyond
what can be derived from their own fields. Times are UTC, sizes are bytes, durations are in the unit their
name ends with.
"""

from __future__ import annotations

from jupyter_modeldeploy.records.access import CallerToken as CallerToken
from jupyter_modeldeploy.records.access import NewToken as NewToken
from jupyter_modeldeploy.records.base import NAME_PATTERN as NAME_PATTERN
from jupyter_modeldeploy.records.base import Change as Change
from jupyter_modeldeploy.records.base import Device as Device
from jupyter_modeldeploy.records.base import DeviceProcess as DeviceProcess
from jupyter_modeldeploy.records.base import Failure as Failure
from jupyter_modeldeploy.records.base import Interval as Interval
from jupyter_modeldeploy.records.base import Name as Name
from jupyter_modeldeploy.records.base import ProcessRef as ProcessRef
from jupyter_modeldeploy.records.base import Record as Record
from jupyter_modeldeploy.records.base import parse_version_ref as parse_version_ref
from jupyter_modeldeploy.records.datasets import DataExample as DataExample
from jupyter_modeldeploy.records.datasets import DataReport as DataReport
from jupyter_modeldeploy.records.datasets import Dataset as Dataset
from jupyter_modeldeploy.records.datasets import DataTask as DataTask
from jupyter_modeldeploy.records.datasets import Distribution as Distribution
from jupyter_modeldeploy.records.datasets import SplitName as SplitName
from jupyter_modeldeploy.records.evaluations import Calibration as Calibration
from jupyter_modeldeploy.records.evaluations import CalibrationBin as CalibrationBin
from jupyter_modeldeploy.records.evaluations import ClassResult as ClassResult
from jupyter_modeldeploy.records.evaluations import Confusion as Confusion
from jupyter_modeldeploy.records.evaluations import EvaluatedMetric as EvaluatedMetric
from jupyter_modeldeploy.records.evaluations import EvaluationReport as EvaluationReport
from jupyter_modeldeploy.records.evaluations import Mistake as Mistake
from jupyter_modeldeploy.records.experiments import Decision as Decision
from jupyter_modeldeploy.records.experiments import Experiment as Experiment
from jupyter_modeldeploy.records.experiments import Guardrail as Guardrail
from jupyter_modeldeploy.records.experiments import GuardrailState as GuardrailState
from jupyter_modeldeploy.records.experiments import Look as Look
from jupyter_modeldeploy.records.experiments import Metric as Metric
from jupyter_modeldeploy.records.experiments import MetricComparison as MetricComparison
from jupyter_modeldeploy.records.experiments import SegmentDifference as SegmentDifference
from jupyter_modeldeploy.records.experiments import Suspicion as Suspicion
from jupyter_modeldeploy.records.jobs import LIVING as LIVING
from jupyter_modeldeploy.records.jobs import Job as Job
from jupyter_modeldeploy.records.jobs import JobState as JobState
from jupyter_modeldeploy.records.jobs import MetricPoint as MetricPoint
from jupyter_modeldeploy.records.jobs import Progress as Progress
from jupyter_modeldeploy.records.jobs import Sample as Sample
from jupyter_modeldeploy.records.models import Embedding as Embedding
from jupyter_modeldeploy.records.models import Facts as Facts
from jupyter_modeldeploy.records.models import FileEntry as FileEntry
from jupyter_modeldeploy.records.models import Finding as Finding
from jupyter_modeldeploy.records.models import FoundModel as FoundModel
from jupyter_modeldeploy.records.models import Lineage as Lineage
from jupyter_modeldeploy.records.models import Model as Model
from jupyter_modeldeploy.records.models import NewVersion as NewVersion
from jupyter_modeldeploy.records.models import Step as Step
from jupyter_modeldeploy.records.models import Trust as Trust
from jupyter_modeldeploy.records.models import Verdict as Verdict
from jupyter_modeldeploy.records.models import Version as Version
from jupyter_modeldeploy.records.profiles import Operator as Operator
from jupyter_modeldeploy.records.profiles import OperatorRun as OperatorRun
from jupyter_modeldeploy.records.profiles import Profile as Profile
from jupyter_modeldeploy.records.reports import Latency as Latency
from jupyter_modeldeploy.records.reports import OperatorTime as OperatorTime
from jupyter_modeldeploy.records.requirements import Need as Need
from jupyter_modeldeploy.records.requirements import Requirement as Requirement
from jupyter_modeldeploy.records.requirements import Requirements as Requirements
from jupyter_modeldeploy.records.routes_taken import AssignedShare as AssignedShare
from jupyter_modeldeploy.records.routes_taken import Assignment as Assignment
from jupyter_modeldeploy.records.routes_taken import RoutingPreview as RoutingPreview
from jupyter_modeldeploy.records.routes_taken import ShadowComparison as ShadowComparison
from jupyter_modeldeploy.records.routes_taken import ShadowFigures as ShadowFigures
from jupyter_modeldeploy.records.routing import Arm as Arm
from jupyter_modeldeploy.records.routing import Condition as Condition
from jupyter_modeldeploy.records.routing import Namespace as Namespace
from jupyter_modeldeploy.records.routing import RoutingRule as RoutingRule
from jupyter_modeldeploy.records.routing import ServedModel as ServedModel
from jupyter_modeldeploy.records.routing import Shadow as Shadow
from jupyter_modeldeploy.records.services import Breaker as Breaker
from jupyter_modeldeploy.records.services import Cache as Cache
from jupyter_modeldeploy.records.services import InputLimits as InputLimits
from jupyter_modeldeploy.records.services import RateLimit as RateLimit
from jupyter_modeldeploy.records.services import Recording as Recording
from jupyter_modeldeploy.records.services import Scaling as Scaling
from jupyter_modeldeploy.records.services import Service as Service
from jupyter_modeldeploy.records.services import ServiceSpec as ServiceSpec
from jupyter_modeldeploy.records.services import ServiceState as ServiceState
from jupyter_modeldeploy.records.services import Tls as Tls
from jupyter_modeldeploy.records.services import Usage as Usage
from jupyter_modeldeploy.signatures import Format as Format
from jupyter_modeldeploy.signatures import Signature as Signature
from jupyter_modeldeploy.signatures import TensorSpec as TensorSpec
